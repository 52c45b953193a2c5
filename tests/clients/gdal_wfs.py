#!/usr/bin/env python3
"""GDAL reads the portal: WFS 2.0, 1.1 and 1.0, and OGC API Features.

The distribution's GDAL (3.6) cannot show a client certificate; the one inside pyogrio can (`pip install pyogrio`).
Environment: SEUIL_URL (https://host:port), SEUIL_PKI (folder with ca.pem and mel/).
"""
import os
import ssl
import sys
import urllib.request
import xml.etree.ElementTree as ET

URL = os.environ["SEUIL_URL"].rstrip("/")
PKI = os.environ["SEUIL_PKI"]
CERT, KEY, CA = (os.path.join(PKI, p) for p in ("mel/client.pem", "mel/client.key", "ca.pem"))
OPTIONS = {"GDAL_HTTP_SSLCERT": CERT, "GDAL_HTTP_SSLKEY": KEY, "GDAL_HTTP_TIMEOUT": "60"}
# libcurl reads these before the library is loaded.
os.environ.update(OPTIONS, CURL_CA_BUNDLE=CA, GDAL_CURL_CA_BUNDLE=CA, SSL_CERT_FILE=CA)

from checks import check, verdict  # noqa: E402
import pyogrio  # noqa: E402
from pyogrio.raw import read  # noqa: E402

pyogrio.set_gdal_config_options(OPTIONS)


def count(source, **options):
    return len(read(source, **options)[1] if "fids" in options else read(source, **options)[2])


def hits(layer):
    context = ssl.create_default_context(cafile=CA)
    context.load_cert_chain(CERT, KEY)
    path = f"{URL}/wfs?SERVICE=WFS&VERSION=2.0.0&REQUEST=GetFeature&TYPENAMES={layer}&RESULTTYPE=hits"
    with urllib.request.urlopen(path, context=context) as answer:
        return int(ET.parse(answer).getroot().get("numberMatched"))


def wfs(version):
    source = f"WFS:{URL}/wfs?VERSION={version}"
    named = {str(l[0]).split(":")[-1]: str(l[0]) for l in pyogrio.list_layers(source)}
    check(f"{version} lists every layer", lambda: (len(named) >= 16, len(named)))
    for layer in ("parc_commune", "parc_iris", "parc_qpv", "parc_residence", "contour_commune"):
        check(f"{version} reads {layer}", lambda: (lambda n: (n == hits(layer), n))(count(source, layer=named[layer])))
    commune, residence = named["parc_commune"], named["parc_residence"]

    def fields():
        info = pyogrio.read_info(source, layer=commune)
        kinds = dict(zip(info["fields"], info["dtypes"]))
        good = kinds["nb_logements"].startswith("int") and kinds["date_reference"].startswith("datetime")
        return good and kinds["tx_vacance"] == "float64", {k: kinds[k] for k in ("nb_logements", "date_reference", "tx_vacance")}

    check(f"{version} types", fields)

    def position():
        west, south, east, north = pyogrio.read_bounds(source, layer=commune)[1]
        return 650_000 < west.min() < 760_000 and 7_000_000 < south.min() < 7_100_000, (west.min(), south.min())

    check(f"{version} easting first in EPSG:2154", position)
    where = "statut = 'diffuse' AND nb_logements >= 11 AND nom LIKE '%e%'"
    check(f"{version} filters", lambda: (lambda n: (0 < n <= hits("parc_commune"), n))(count(source, layer=commune, where=where)))
    check(f"{version} nulls", lambda: (lambda n: (n > 0, n))(count(source, layer=residence, where="nb_logements IS NULL")))
    box = tuple(pyogrio.read_info(source, layer=commune, force_total_bounds=True)["total_bounds"])
    half = (box[0], box[1], (box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    check(f"{version} box", lambda: (lambda n: (0 < n < hits("parc_residence"), n))(count(source, layer=residence, bbox=half)))


def paged():
    pyogrio.set_gdal_config_options({"OGR_WFS_PAGING_ALLOWED": "ON", "OGR_WFS_PAGE_SIZE": "70"})
    source = f"WFS:{URL}/wfs?VERSION=2.0.0"
    data = read(source, layer="seuil:parc_residence", columns=["id"])[3]
    ids = list(data[0])
    check("pages neither overlap nor miss", lambda: (len(ids) == len(set(ids)) == hits("parc_residence"), len(ids)))
    pyogrio.set_gdal_config_options({"OGR_WFS_PAGING_ALLOWED": None, "OGR_WFS_PAGE_SIZE": None})


def features():
    source = f"OAPIF:{URL}"
    check("OGC API lists", lambda: (lambda l: ("parc_commune" in l, len(l)))([str(x[0]) for x in pyogrio.list_layers(source)]))
    for layer in ("parc_commune", "parc_residence"):
        check(f"OGC API reads {layer}", lambda: (lambda n: (n == hits(layer), n))(count(source, layer=layer)))
    def shares():
        info = pyogrio.read_info(source, layer="parc_residence")
        kinds = dict(zip(info["fields"], info["dtypes"]))
        return all(k == "float64" for f, k in kinds.items() if f.startswith(("tx_", "part_"))), len(kinds)

    check("OGC API shares are no whole numbers", shares)
    check("OGC API filters", lambda: (lambda n: (n == 1, n))(count(source, layer="parc_commune", where="id = '59350'")))


for version in ("2.0.0", "1.1.0", "1.0.0"):
    wfs(version)
paged()
features()
sys.exit(verdict(f"GDAL {pyogrio.__gdal_version__}"))
