#!/usr/bin/env python3
"""OWSLib reads the portal: WFS 2.0, 1.1 and 1.0, WMS, metadata records (`pip install owslib`).

Environment: SEUIL_URL (https://host:port), SEUIL_PKI (folder with ca.pem and mel/).
"""
import os
import sys
import xml.etree.ElementTree as ET

from checks import check, verdict
from owslib.fes2 import PropertyIsEqualTo
from owslib.iso import MD_Metadata
from owslib.etree import etree
from owslib.util import Authentication, openURL
from owslib.wfs import WebFeatureService
from owslib.wms import WebMapService

URL = os.environ["SEUIL_URL"].rstrip("/")
PKI = os.environ["SEUIL_PKI"]
CERT = (os.path.join(PKI, "mel/client.pem"), os.path.join(PKI, "mel/client.key"))
AUTH = Authentication(cert=CERT, verify=os.path.join(PKI, "ca.pem"))


def members(answer):
    text = answer.read()
    root = ET.fromstring(text if isinstance(text, bytes) else text.encode())
    return sum(e.tag.rsplit("}", 1)[-1] in ("member", "featureMember") for e in root.iter())


def wfs(version):
    service = WebFeatureService(f"{URL}/wfs", version=version, auth=AUTH)
    names = {n.split(":")[-1]: n for n in service.contents}
    commune = names["parc_commune"]
    about = service.contents[commune]
    check(f"{version} lists", lambda: (len(names) >= 16, len(names)))
    if version != "1.0.0":  # There OWSLib needs pyproj for it.
        check(f"{version} box", lambda: (2 < about.boundingBoxWGS84[0] < 4 and 50 < about.boundingBoxWGS84[1] < 51, about.boundingBoxWGS84))
    check(f"{version} operations", lambda: ("GetFeature" in [o.name for o in service.operations], len(service.operations)))
    check(f"{version} reads", lambda: (lambda n: (n > 1, n))(members(service.getfeature(typename=[commune]))))
    check(f"{version} schema", lambda: (lambda s: ("nb_logements" in s["properties"], len(s["properties"])))(service.get_schema(commune)))
    check(f"{version} box query", lambda: (lambda n: (n > 0, n))(
        members(service.getfeature(typename=[commune], bbox=(690000, 7040000, 720000, 7075000, "urn:ogc:def:crs:EPSG::2154" if version != "1.0.0" else "EPSG:2154")))))
    if version == "2.0.0":
        one = etree.tostring(PropertyIsEqualTo(propertyname="id", literal="59350").toXML()).decode()
        xml = f'<fes:Filter xmlns:fes="http://www.opengis.net/fes/2.0">{one}</fes:Filter>'
        check("2.0.0 pages", lambda: (lambda n: (n == 2, n))(members(service.getfeature(typename=[commune], startindex=1, maxfeatures=2))))
        check("2.0.0 one by identifier", lambda: (lambda n: (n == 1, n))(
            members(service.getfeature(typename=[commune], featureid=["parc_commune.59350"]))))
        check("2.0.0 filter by POST", lambda: (lambda n: (n == 1, n))(
            members(service.getfeature(typename=[commune], filter=xml, method="POST"))))
        check("2.0.0 record", lambda: (lambda m: (m.identifier == "seuil-parc_commune" and bool(m.dataquality.lineage), m.identifier))(
            MD_Metadata(etree.fromstring(openURL(about.metadataUrls[0]["url"], auth=AUTH).read()))))


def wms():
    service = WebMapService(f"{URL}/wms", version="1.3.0", auth=AUTH)
    check("WMS lists", lambda: ("parc_commune" in service.contents, len(service.contents)))
    picture = service.getmap(layers=["parc_commune"], srs="EPSG:2154", bbox=(690000, 7040000, 720000, 7075000), size=(300, 300), format="image/png")
    check("WMS draws", lambda: (lambda b: (b[:4] == b"\x89PNG", len(b)))(picture.read()))


for v in ("2.0.0", "1.1.0", "1.0.0"):
    wfs(v)
wms()
sys.exit(verdict("OWSLib"))
