// OpenLayers reads the portal: capabilities, every layer in every format of features, tiles.
import GML32 from 'ol/format/GML32.js';
import GML3 from 'ol/format/GML3.js';
import GML2 from 'ol/format/GML2.js';
import GeoJSON from 'ol/format/GeoJSON.js';
import MVT from 'ol/format/MVT.js';
import WFS from 'ol/format/WFS.js';
import WMSCapabilities from 'ol/format/WMSCapabilities.js';
import WMSGetFeatureInfo from 'ol/format/WMSGetFeatureInfo.js';
import WMTSCapabilities from 'ol/format/WMTSCapabilities.js';
import { and, between, equalTo, intersects, like } from 'ol/format/filter.js';
import Polygon from 'ol/geom/Polygon.js';
import { addProjection } from 'ol/proj.js';
import Projection from 'ol/proj/Projection.js';
import { optionsFromCapabilities } from 'ol/source/WMTS.js';
import { check, verdict } from './checks.mjs';

const url = window.portal;
// Requests are written in it; nothing is computed.
for (const code of ['EPSG:2154', 'urn:ogc:def:crs:EPSG::2154']) addProjection(new Projection({ code, units: 'm' }));
const get = async (path, options) => {
    const answer = await fetch(url + path, { credentials: 'include', ...options });
    if (!answer.ok) throw new Error(`${answer.status} ${path}`);
    return answer;
};
const text = async (path, options) => (await get(path, options)).text();

const wms = new WMSCapabilities().read(await text('/wms?SERVICE=WMS&REQUEST=GetCapabilities&VERSION=1.3.0'));
const names = [];
const walk = layer => {
    if (layer.Name) names.push(layer.Name);
    (layer.Layer ?? []).forEach(walk);
};
walk(wms.Capability.Layer);
await check('WMS capabilities', () => [wms.version === '1.3.0' && names.includes('parc_commune'), [wms.version, names.length]]);
const wmts = new WMTSCapabilities().read(await text('/wmts?SERVICE=WMTS&REQUEST=GetCapabilities'));
const capabilities = await text('/wfs?SERVICE=WFS&REQUEST=GetCapabilities');
const types = [...capabilities.matchAll(/<wfs:Name>seuil:(.*?)</g)].map(m => m[1]);
await check('WFS capabilities', () => [types.length >= 16, types.length]);

// OpenLayers reads `EPSG:4326` in GML as latitude first, whoever wrote it; a server of WFS writes it east first, as GeoServer does.
// Its users ask for metres, or by the URN.
const METRES = [220000, 6.4e6, 450000, 6.7e6];
const DEGREES = [2, 50, 4, 51.5];
const gml32 = t => new WFS({ version: '2.0.0', gmlFormat: new GML32() }).readFeatures(t);
const gml3 = t => new WFS({ version: '1.1.0', gmlFormat: new GML3() }).readFeatures(t);
const gml2 = t => new WFS({ version: '1.0.0', gmlFormat: new GML2() }).readFeatures(t);
const formats = [
    ['GML 3.2', '2.0.0', 'EPSG:3857', METRES, '', gml32],
    ['GML 3.2, latitude first', '2.0.0', 'urn:ogc:def:crs:EPSG::4326', DEGREES, '', gml32],
    ['GML 3.1', '1.1.0', 'EPSG:3857', METRES, '', gml3],
    ['GML 3.1, latitude first', '1.1.0', 'urn:ogc:def:crs:EPSG::4326', DEGREES, '', gml3],
    ['GML 2', '1.0.0', 'EPSG:3857', METRES, '', gml2],
    ['GeoJSON', '2.0.0', 'EPSG:4326', DEGREES, 'application/geo+json', t => new GeoJSON().readFeatures(t)],
];
for (const type of types) {
    const hits = await text(`/wfs?SERVICE=WFS&VERSION=2.0.0&REQUEST=GetFeature&TYPENAMES=${type}&RESULTTYPE=hits`);
    const matched = Math.min(50, Number(hits.match(/numberMatched="(\d+)"/)[1]));
    for (const [name, version, srs, within, format, read] of formats) {
        await check(`${type} as ${name}`, async () => {
            const named = version === '2.0.0' ? `TYPENAMES=${type}&COUNT=50` : `TYPENAME=seuil:${type}&MAXFEATURES=50`;
            const asked = `/wfs?SERVICE=WFS&VERSION=${version}&REQUEST=GetFeature&${named}&SRSNAME=${srs}`;
            const features = read(await text(asked + (format && `&OUTPUTFORMAT=${encodeURIComponent(format)}`)));
            const far = features.filter(f => {
                const [west, south, east, north] = f.getGeometry().getExtent();
                return !(west > within[0] && south > within[1] && east < within[2] && north < within[3]);
            });
            const late = features.filter(f => {
                const { date_reference: date, millesime } = f.getProperties();
                return date !== undefined && !String(date).startsWith(`${millesime}-01-01`);
            });
            const ids = new Set(features.map(f => f.getId()));
            const good = features.length === matched && ids.size === matched && far.length === 0 && late.length === 0;
            return [good, [features.length, matched, `${far.length} elsewhere`, `${late.length} on another day`, features[0]?.getId()]];
        });
    }
    await check(`${type} as tile`, async () => {
        const tile = await get(`/collections/${type}/tiles/WebMercatorQuad/11/686/1041`);
        const features = new MVT().readFeatures(await tile.arrayBuffer());
        const layers = new Set(features.map(f => f.get('layer')));
        return [features.length === 0 || (layers.size === 1 && layers.has(type)), [features.length, [...layers]]];
    });
    await check(`${type} in the capabilities of WMTS`, () => {
        const options = optionsFromCapabilities(wmts, { layer: type, matrixSet: 'WebMercatorQuad' });
        return [options !== null && options.urls.length > 0, options?.urls];
    });
    await check(`${type} in the capabilities of WMS`, () => [names.includes(type), '']);
}

for (const version of ['2.0.0', '1.1.0']) {
    const post = async filter => {
        const request = new WFS({ version }).writeGetFeature({
            srsName: 'EPSG:2154', featureNS: 'urn:seuil:logement-social', featurePrefix: 'seuil', featureTypes: ['parc_commune'], filter,
        });
        const body = new XMLSerializer().serializeToString(request);
        const answer = await text('/wfs', { method: 'POST', headers: { 'content-type': 'text/xml' }, body });
        return new WFS({ version }).readFeatures(answer);
    };
    await check(`POST with a filter, ${version}`, async () => {
        const found = await post(and(equalTo('id', '59350'), like('nom', '*ill*'), between('millesime', 2000, 2100)));
        return [found.length === 1 && found[0].get('id') === '59350', found.map(f => f.get('nom'))];
    });
    await check(`POST with a polygon, ${version}`, async () => {
        const square = new Polygon([[[650000, 7e6], [760000, 7e6], [760000, 7.1e6], [650000, 7.1e6], [650000, 7e6]]]);
        const all = await post(undefined);
        const found = await post(intersects('geom', square, 'EPSG:2154'));
        return [found.length === all.length && all.length > 0, [found.length, all.length]];
    });
}
await check('GetFeatureInfo', async () => {
    const [lat, lon] = [50.632, 3.07];
    const box = `BBOX=${lat - 0.01},${lon - 0.01},${lat + 0.01},${lon + 0.01}&WIDTH=101&HEIGHT=101&I=50&J=50&CRS=EPSG:4326`;
    const asked = `/wms?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetFeatureInfo&LAYERS=contour_commune&QUERY_LAYERS=contour_commune&STYLES=&FORMAT=image/png&${box}`;
    const gml = new WMSGetFeatureInfo().readFeatures(await text(`${asked}&INFO_FORMAT=application/vnd.ogc.gml`));
    const json = new GeoJSON().readFeatures(await text(`${asked}&INFO_FORMAT=application/json`));
    return [gml.length > 0 && json.length === gml.length, [gml.length, json.length]];
});
console.log('END', verdict('OpenLayers'));
