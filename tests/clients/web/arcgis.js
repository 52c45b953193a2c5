// ArcGIS Maps SDK for JavaScript: WFSLayer reads every layer of the portal.
import config from '@arcgis/core/config.js';
import WFSLayer from '@arcgis/core/layers/WFSLayer.js';
import { getCapabilities, getWFSLayerInfo } from '@arcgis/core/layers/ogc/wfsUtils.js';
import { check, verdict } from './checks.mjs';

const url = window.portal;
config.request.trustedServers.push(url);
config.assetsPath = '/modules/@arcgis/core/assets';

const hits = async layer => {
    const path = `/wfs?SERVICE=WFS&VERSION=2.0.0&REQUEST=GetFeature&TYPENAMES=${layer}&RESULTTYPE=hits`;
    const text = await (await fetch(url + path, { credentials: 'include' })).text();
    return Number(text.match(/numberMatched="(\d+)"/)[1]);
};
const capabilities = await getCapabilities(`${url}/wfs`);
await check('capabilities', () => [capabilities.featureTypes.length >= 16, capabilities.featureTypes.length]);
for (const { name, namespacePrefix } of capabilities.featureTypes) {
    const plain = name.split(':').pop();
    await check(`${plain}: fields`, async () => {
        const info = await getWFSLayerInfo(capabilities, plain, 'urn:seuil:logement-social');
        const kinds = Object.fromEntries(info.fields.map(f => [f.name, f.type]));
        const good = info.objectIdField === 'objectid' && kinds.id === 'string' && info.geometryType;
        const dated = !('date_reference' in kinds) || kinds.date_reference === 'date';
        return [good && dated, [info.geometryType, info.objectIdField, info.fields.length, kinds.date_reference ?? 'no date']];
    });
    await check(`${plain}: features`, async () => {
        const layer = new WFSLayer({ url: `${url}/wfs`, name: plain, namespaceUri: 'urn:seuil:logement-social', outFields: ['*'] });
        await layer.load();
        const { features } = await layer.queryFeatures({ where: '1=1', outFields: ['*'], returnGeometry: true });
        // A date is a moment in UTC: what a user in Paris or in London sees is the first of January.
        const late = features.filter(({ attributes: a }) => {
            const date = a.date_reference;
            return date !== undefined && new Date(date).toISOString().slice(0, 10) !== `${a.millesime}-01-01`;
        });
        const all = await hits(plain);
        const first = features[0]?.attributes ?? {};
        const shaped = features.every(f => f.geometry);
        return [features.length === all && late.length === 0 && shaped, [features.length, all, `${late.length} on another day`, first.date_reference, first.objectid]];
    });
}
console.log('END', verdict('ArcGIS'));
