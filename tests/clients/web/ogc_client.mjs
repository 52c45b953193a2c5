// @camptocamp/ogc-client (geonetwork-ui, datahub) reads the portal: WFS, WMS, WMTS and OGC API.
// Environment: SEUIL_URL (https://host:port), SEUIL_PKI (folder with ca.pem and mel/).
import fs from 'node:fs';
import path from 'node:path';
import { Agent, setGlobalDispatcher, fetch as undici } from 'undici';
import { check, verdict } from './checks.mjs';

const url = process.env.SEUIL_URL.replace(/\/$/, '');
const pem = (...parts) => fs.readFileSync(path.join(process.env.SEUIL_PKI, ...parts));
const connect = { ca: pem('ca.pem'), cert: pem('mel', 'client.pem'), key: pem('mel', 'client.key') };
setGlobalDispatcher(new Agent({ connect }));
globalThis.fetch = undici;

const { WfsEndpoint, WmsEndpoint, WmtsEndpoint, OgcApiEndpoint, enableFallbackWithoutWorker } = await import(
    '@camptocamp/ogc-client'
);
enableFallbackWithoutWorker();

const get = async address => {
    const answer = await fetch(address);
    if (!answer.ok) throw new Error(`${answer.status} ${address}`);
    return answer;
};
const hits = async layer => {
    const path = `/wfs?SERVICE=WFS&VERSION=2.0.0&REQUEST=GetFeature&TYPENAMES=${layer}&RESULTTYPE=hits`;
    return Number((await (await get(url + path)).text()).match(/numberMatched="(\d+)"/)[1]);
};

for (const version of ['2.0.0', '1.1.0', '1.0.0']) {
    const endpoint = await new WfsEndpoint(`${url}/wfs?SERVICE=WFS&VERSION=${version}`).isReady();
    const types = endpoint.getFeatureTypes();
    await check(`WFS ${version} capabilities`, () => [types.length >= 16 && endpoint.getVersion() === version, [endpoint.getVersion(), types.length]]);
    for (const { name } of types) {
        await check(`WFS ${version} ${name}`, async () => {
            const full = await endpoint.getFeatureTypeFull(name);
            const fields = Object.keys(full.properties).length;
            const asked = { asJson: version !== '1.0.0', outputCrs: 'EPSG:4326', maxFeatures: 3 };
            const address = endpoint.getFeatureUrl(name, asked);
            const answer = await get(address);
            const read = asked.asJson ? (await answer.json()).features.length : (await answer.text()).match(/<gml:featureMember>/g)?.length ?? 0;
            const all = await hits(name);
            const counted = full.objectCount ?? all;
            return [fields > 3 && read === Math.min(3, all) && counted === all, [fields, full.geometryType, counted, read]];
        });
    }
    await check(`WFS ${version} summary`, () => {
        const { title, boundingBox, defaultCrs, otherCrs, outputFormats } = endpoint.getFeatureTypeSummary('seuil:parc_commune');
        const good = title && boundingBox[0] > 2 && /2154/.test(defaultCrs);
        return [good, [title, boundingBox, defaultCrs, otherCrs, outputFormats]];
    });
}
const wfs = await new WfsEndpoint(`${url}/wfs`).isReady();
await check('WFS date_reference is the first of January of its vintage', async () => {
    const address = wfs.getFeatureUrl('seuil:parc_commune', { asJson: true });
    const { features } = await (await get(address)).json();
    const right = ({ properties: p }) => p.date_reference.slice(0, 10) === `${p.millesime}-01-01`;
    return [features.length > 0 && features.every(right), features[0].properties.date_reference];
});
await check('WFS language', async () => [wfs.getServiceInfo().title.startsWith('Portail'), wfs.getServiceInfo()]);

const wms = await new WmsEndpoint(`${url}/wms?SERVICE=WMS&REQUEST=GetCapabilities`).isReady();
await check('WMS layers', () => [wms.getFlattenedLayers().length >= 16, wms.getFlattenedLayers().length]);
await check('WMS map', async () => {
    const { styles, availableCrs } = wms.getLayerByName('parc_commune');
    const address = wms.getMapUrl(['parc_commune'], {
        widthPx: 256, heightPx: 256, crs: 'EPSG:2154', extent: [690000, 7040000, 720000, 7070000], outputFormat: 'image/png',
    });
    const bytes = await (await get(address)).arrayBuffer();
    return [bytes.byteLength > 2000 && availableCrs.includes('EPSG:2154'), [bytes.byteLength, styles.length, availableCrs]];
});
const wmts = await new WmtsEndpoint(`${url}/wmts?SERVICE=WMTS&REQUEST=GetCapabilities`).isReady();
await check('WMTS', async () => {
    const layers = wmts.getLayers();
    const layer = wmts.getLayerByName(layers[0].name);
    const set = layer.matrixSets[0].identifier;
    const tile = wmts.getTileUrl(layer.name, layer.defaultStyle, set, '11', 686, 1036, layer.resourceLinks[0]?.format ?? 'image/png');
    const answer = await get(tile);
    return [layers.length > 5, [layers.length, set, answer.headers.get('content-type')]];
});

const api = new OgcApiEndpoint(`${url}/`);
const collections = await api.featureCollections;
await check('OGC API collections', async () => [collections.length >= 16, [collections.length, (await api.info).title]]);
for (const id of collections) {
    await check(`OGC API ${id}`, async () => {
        const info = await api.getCollectionInfo(id);
        const items = await api.getCollectionItems(id, 3);
        return [items.length === Math.min(3, await hits(id)) && info.title.length > 0, [info.title, items.length, info.itemFormats]];
    });
}
await check('OGC API vector tiles', async () => {
    const tiled = await api.vectorTileCollections;
    return [tiled.length >= 16, tiled.length];
});
process.exit(verdict('ogc-client'));
