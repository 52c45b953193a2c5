#!/usr/bin/env python3
"""Broken requests, thousands of them: good ones of every protocol, mutated. Standard library only.

    fuzz.py COUNT URL PKI [SEED]

Each must get an answer of the protocol: a status other than 500 and 502 (501 is `OperationNotSupported`, OGC 06-121r9 table 28), within ten seconds, on a connection that stays whole.
Ends with 1 otherwise, and names the request.
"""

import http.client
import random
import ssl
import sys
import time
import urllib.parse

GET = [
    "/wms?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetCapabilities",
    "/wms?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetMap&LAYERS=parc_commune,parc_residence&STYLES=,&CRS=EPSG:4326&BBOX=50.5,2.9,50.8,3.2&WIDTH=200&HEIGHT=150&FORMAT=image/png&TRANSPARENT=TRUE&BGCOLOR=0xFF00FF&TIME=2023&EXCEPTIONS=XML",
    "/wms?SERVICE=WMS&VERSION=1.1.1&REQUEST=GetMap&LAYERS=parc_iris&STYLES=&SRS=EPSG:3857&BBOX=320000,6540000,360000,6580000&WIDTH=64&HEIGHT=64&FORMAT=image/jpeg",
    "/wms?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetFeatureInfo&LAYERS=parc_commune&QUERY_LAYERS=parc_commune&STYLES=&CRS=EPSG:2154&BBOX=690000,7040000,720000,7070000&WIDTH=300&HEIGHT=300&I=150&J=150&INFO_FORMAT=application/json&FEATURE_COUNT=5",
    "/wms?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetLegendGraphic&LAYER=parc_commune&FORMAT=image/png&STYLE=",
    "/wmts?SERVICE=WMTS&VERSION=1.0.0&REQUEST=GetTile&LAYER=parc_commune&STYLE=&FORMAT=image/png&TILEMATRIXSET=WebMercatorQuad&TILEMATRIX=10&TILEROW=344&TILECOL=520",
    "/wmts?SERVICE=WMTS&REQUEST=GetCapabilities",
    "/wfs?SERVICE=WFS&REQUEST=GetCapabilities&ACCEPTVERSIONS=2.0.0,1.1.0&SECTIONS=FeatureTypeList&UPDATESEQUENCE=1",
    "/wfs?SERVICE=WFS&VERSION=2.0.0&REQUEST=DescribeFeatureType&TYPENAMES=parc_commune,parc_iris",
    "/wfs?SERVICE=WFS&VERSION=2.0.0&REQUEST=GetFeature&TYPENAMES=parc_residence&COUNT=5&STARTINDEX=2&SORTBY=id+DESC&SRSNAME=EPSG:3857&BBOX=50.5,2.9,50.8,3.2,urn:ogc:def:crs:EPSG::4326&OUTPUTFORMAT=application/json&PROPERTYNAME=id,statut",
    "/wfs?SERVICE=WFS&VERSION=2.0.0&REQUEST=GetFeature&TYPENAMES=parc_commune&RESULTTYPE=hits&FILTER=" + urllib.parse.quote('<fes:Filter xmlns:fes="http://www.opengis.net/fes/2.0"><fes:PropertyIsLike wildCard="*" singleChar="." escapeChar="!"><fes:ValueReference>nom</fes:ValueReference><fes:Literal>L*</fes:Literal></fes:PropertyIsLike></fes:Filter>'),
    "/wfs?SERVICE=WFS&VERSION=1.1.0&REQUEST=GetFeature&TYPENAME=parc_iris&MAXFEATURES=3&CQL_FILTER=" + urllib.parse.quote("nb_logements > 100 AND INTERSECTS(geom, POINT(3.05 50.63)) OR nom ILIKE '%a%'"),
    "/wfs?SERVICE=WFS&VERSION=1.0.0&REQUEST=GetFeature&TYPENAME=parc_qpv&FEATUREID=x.1,y.2",
    "/wfs?SERVICE=WFS&VERSION=2.0.0&REQUEST=GetPropertyValue&TYPENAMES=parc_commune&VALUEREFERENCE=nom&COUNT=3",
    "/wfs?SERVICE=WFS&VERSION=2.0.0&REQUEST=GetFeature&STOREDQUERY_ID=urn:ogc:def:query:OGC-WFS::GetFeatureById&ID=parc_commune.59350",
    "/wfs?SERVICE=WFS&VERSION=2.0.0&REQUEST=DescribeStoredQueries",
    "/?f=json", "/conformance?f=html", "/api?f=json", "/collections?f=json", "/collections/parc_commune/queryables?f=json",
    "/collections/parc_residence/items?bbox=3.0,50.6,3.1,50.7&limit=10&offset=5&f=json&crs=http://www.opengis.net/def/crs/EPSG/0/2154&properties=id,statut&sortby=-id",
    "/collections/parc_commune_evolution/items?datetime=2022-01-01T00:00:00Z/..&f=csv&limit=3",
    "/collections/parc_commune/items?f=json&limit=3&filter-lang=cql2-text&filter=" + urllib.parse.quote("nb_logements BETWEEN 10 AND 9000 AND nom IN ('Lille','Lomme') OR S_INTERSECTS(geom, BBOX(3,50,4,51))"),
    "/collections/parc_commune/items/59350?f=html",
    "/collections/parc_residence/tiles/WebMercatorQuad/12/1379/2080?f=mvt", "/tiles/WebMercatorQuad/10/344/520", "/tileMatrixSets/WebMercatorQuad",
    "/styles?f=json", "/whoami?f=json", "/portail",
]
POST = [
    '<wfs:GetFeature xmlns:wfs="http://www.opengis.net/wfs/2.0" xmlns:fes="http://www.opengis.net/fes/2.0" xmlns:gml="http://www.opengis.net/gml/3.2" service="WFS" version="2.0.0" count="3" startIndex="1" outputFormat="application/gml+xml; version=3.2"><wfs:Query typeNames="parc_residence" srsName="urn:ogc:def:crs:EPSG::4326"><fes:Filter><fes:And><fes:Within><fes:ValueReference>geom</fes:ValueReference><gml:Polygon gml:id="p" srsName="urn:ogc:def:crs:EPSG::4326"><gml:exterior><gml:LinearRing><gml:posList>50.5 2.9 50.5 3.2 50.8 3.2 50.8 2.9 50.5 2.9</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></fes:Within><fes:PropertyIsGreaterThan><fes:ValueReference>nb_logements</fes:ValueReference><fes:Literal>20</fes:Literal></fes:PropertyIsGreaterThan></fes:And></fes:Filter><fes:SortBy><fes:SortProperty><fes:ValueReference>id</fes:ValueReference></fes:SortProperty></fes:SortBy></wfs:Query></wfs:GetFeature>',
    '<GetCapabilities xmlns="http://www.opengis.net/wfs/2.0" service="WFS"/>',
    '<wfs:GetFeature xmlns:wfs="http://www.opengis.net/wfs" xmlns:ogc="http://www.opengis.net/ogc" xmlns:gml="http://www.opengis.net/gml" service="WFS" version="1.1.0"><wfs:Query typeName="parc_commune"><ogc:Filter><ogc:BBOX><ogc:PropertyName>geom</ogc:PropertyName><gml:Envelope srsName="EPSG:4326"><gml:lowerCorner>2.9 50.5</gml:lowerCorner><gml:upperCorner>3.2 50.8</gml:upperCorner></gml:Envelope></ogc:BBOX></ogc:Filter></wfs:Query></wfs:GetFeature>',
]
NASTY = [
    "", "NaN", "-1", "0", "1e999", "-1e308", "99999999999999999999", "2147483648", "4294967296", "%00", "%ff%fe", "é" , "'", '"', "<", "&lt;",
    "%", "../../etc/passwd", "file:///etc/passwd", "*", ",", ",,,,", "(", ")))", "nan,nan,nan,nan", "inf,inf,inf,inf", "1,1,1,1", "-180,-90,180,90",
    "A" * 3000, "(" * 500, "NOT " * 400 + "nom='x'", "🦀", "EPSG:0", "EPSG:4326", "urn:ogc:def:crs:EPSG::999999", "EPSG:2154", "image/png; mode=8bit", "2022-13-45", "../..",
    "9999-12-31T23:59:60Z", "-9999", "POLYGON((0 0,1 1))", "POINT(nan nan)", "GEOMETRYCOLLECTION EMPTY", "1 OR 1=1", ";DROP TABLE x", "{{7*7}}", "\\u0000", "\t\r\n",
]


def quote(text):
    return urllib.parse.quote(text, safe="%/:,;()*'<>=+.-_~!$@")


def mutate_get(rng):
    path, _, query = rng.choice(GET).partition("?")
    pairs = [pair.partition("=")[::2] for pair in query.split("&")] if query else []
    segments = path.split("/")
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        kind = rng.randrange(7)
        if kind == 0 and pairs:
            del pairs[rng.randrange(len(pairs))]
        elif kind == 1 and pairs:
            pairs.insert(rng.randrange(len(pairs)), rng.choice(pairs))
        elif kind in (2, 3) and pairs:
            n = rng.randrange(len(pairs))
            pairs[n] = (pairs[n][0], quote(rng.choice(NASTY)))
        elif kind == 4 and pairs:
            n = rng.randrange(len(pairs))
            value = list(urllib.parse.unquote(pairs[n][1]))
            for _ in range(rng.randint(1, 4)):
                at = rng.randrange(len(value) + 1)
                value[at : at + rng.randint(0, 2)] = rng.choice((*"(),'\"<>&0123456789.-+ eE:/;", "", "\u00e9"))
            pairs[n] = (pairs[n][0], quote("".join(value)))
        elif kind == 5:
            other = rng.choice(GET).partition("?")[2]
            if other:
                pairs.append(rng.choice(other.split("&")).partition("=")[::2])
        else:
            segments[rng.randrange(1, len(segments))] = quote(rng.choice(NASTY)).replace("?", "")
    path = "/".join(segments) or "/"
    return path + ("?" + "&".join(f"{k}={v}" for k, v in pairs) if pairs else "")


def mutate_post(rng):
    text = rng.choice(POST)
    for _ in range(rng.randint(1, 3)):
        at, to = sorted((rng.randrange(len(text)), rng.randrange(len(text))))
        kind = rng.randrange(5)
        if kind == 0:
            text = text[:at] + rng.choice(NASTY) + text[at:]
        elif kind == 1:
            text = text[:at] + text[min(to, at + 40) :]
        elif kind == 2:
            text = text[:to] + text[at:to] + text[to:]
        elif kind == 3:
            text = '<!DOCTYPE a [<!ENTITY b "cc">]>' + text
        else:
            numbers = [n for n, c in enumerate(text) if c.isdigit()]
            n = rng.choice(numbers) if numbers else 0
            text = text[:n] + rng.choice(NASTY) + text[n + 1 :]
        if not text:
            text = "<"
    return text.encode("utf-8", "surrogatepass")


def main():
    count, url, pki = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else time.time_ns()
    rng = random.Random(seed)
    print("seed", seed)
    host, port = url.removeprefix("https://").split(":")
    context = ssl.create_default_context(cafile=f"{pki}/ca.pem")
    context.load_cert_chain(f"{pki}/mel/client.pem", f"{pki}/mel/client.key")
    connection = http.client.HTTPSConnection(host, int(port), context=context, timeout=10)
    faults, statuses = 0, {}
    for n in range(count):
        body = mutate_post(rng) if rng.randrange(4) == 0 else None
        path = "/wfs" if body else mutate_get(rng)
        begun = time.monotonic()
        try:
            if body:
                connection.request("POST", path, body, {"Content-Type": "text/xml"})
            else:
                connection.putrequest("GET", path.encode("utf-8").decode("latin-1").replace(" ", "%20"), skip_accept_encoding=True)
                connection.endheaders()
            response = connection.getresponse()
            answer = response.read()
            status = response.status
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            answer, status = repr(error).encode(), "cut"
            connection.close()
            if isinstance(error, http.client.InvalidURL):
                continue
        took = time.monotonic() - begun
        statuses[status] = statuses.get(status, 0) + 1
        if status in (500, 502, "cut") or took > 10:
            faults += 1
            print(f"FAULT {n}: {status} in {took:.1f} s\n  {path}\n  {body!r}\n  {answer[:300]!r}")
        if n % 1000 == 999:
            print(n + 1, dict(sorted(statuses.items(), key=str)), flush=True)
    print(f"{count} requests, {faults} faults", statuses)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
