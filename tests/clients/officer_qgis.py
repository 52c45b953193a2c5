#!/usr/bin/python3
"""QGIS, headless, as a GIS officer uses it: layers through a client certificate, counts, types, identify, a map.

    SEUIL_URL=https://127.0.0.1:8443 SEUIL_PKI=var/demo/pki SEUIL_CONVENTION=mel OUT=/tmp/images tests/clients/officer_qgis.py

Prints one line a check; exit status 1 if one failed. Needs python3-qgis and libqca-qt5-2-plugins.
"""
import os
import sys
import tempfile

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
PROFILE = tempfile.mkdtemp(prefix="qgis-")
os.environ.update(QGIS_CUSTOM_CONFIG_PATH=PROFILE, XDG_RUNTIME_DIR=PROFILE, QGIS_AUTH_DB_DIR_PATH=PROFILE)

from urllib.parse import urlencode  # noqa: E402

from qgis.core import (  # noqa: E402
    QgsApplication, QgsAuthMethodConfig, QgsCoordinateReferenceSystem, QgsDataSourceUri, QgsFeatureRequest,
    QgsMapRendererParallelJob, QgsMapSettings, QgsPointXY, QgsRaster, QgsRasterLayer, QgsRectangle, QgsVectorLayer,
    QgsVectorTileLayer)
from qgis.PyQt.QtCore import QDate, QSize, QTimeZone, QVariant  # noqa: E402
from qgis.PyQt.QtGui import QColor  # noqa: E402
from qgis.PyQt.QtNetwork import QSsl, QSslCertificate  # noqa: E402

URL = os.environ.get("SEUIL_URL", "https://127.0.0.1:8443").rstrip("/")
PKI = os.environ.get("SEUIL_PKI", "var/demo/pki")
CONVENTION = os.environ.get("SEUIL_CONVENTION", "mel")
OUT = os.environ.get("OUT", PROFILE)
EXTENT = QgsRectangle(684000, 7044000, 720000, 7078000)
PARIS = QTimeZone(b"Europe/Paris")
failed = 0


def check(name, good, detail=""):
    global failed
    failed += not good
    print(("PASS " if good else "FAIL ") + name + (f" | {detail}" if detail != "" else ""), flush=True)
    return good


app = QgsApplication([], False)
app.initQgis()
auth = QgsApplication.authManager()
auth.setMasterPassword("essai", True)
auth.storeCertAuthorities(QSslCertificate.fromPath(f"{PKI}/ca.pem", QSsl.Pem))
auth.rebuildCaCertsCache()
auth.rebuildTrustedCaCertsCache()


def identity(method):
    """An authentication configuration of QGIS."""
    config = QgsAuthMethodConfig()
    config.setName(method)
    config.setMethod(method)
    own = f"{PKI}/{CONVENTION}"
    if method == "PKI-PKCS#12":
        keys = dict(bundlepath=f"{own}/client.p12", bundlepass=os.environ.get("SEUIL_PASSWORD", "seuil"))
    else:
        keys = dict(certpath=f"{own}/client.pem", keypath=f"{own}/client.key", keypass="")
    for key, value in {**keys, "addcas": "false", "addrootca": "false"}.items():
        config.setConfig(key, value)
    stored = auth.storeAuthenticationConfig(config)
    return (stored[1] if isinstance(stored, tuple) else config).id()


AUTH = identity("PKI-Paths")
BUNDLE = identity("PKI-PKCS#12")


def draw(name, layers, crs="EPSG:2154", extent=EXTENT, size=700):
    settings = QgsMapSettings()
    settings.setLayers(layers)
    settings.setDestinationCrs(QgsCoordinateReferenceSystem(crs))
    settings.setExtent(extent)
    settings.setOutputSize(QSize(size, size))
    settings.setBackgroundColor(QColor(255, 255, 255))
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    image = job.renderedImage()
    image.save(f"{OUT}/qgis-{name}.png")
    colours = {image.pixel(x, y) for x in range(0, size, 5) for y in range(0, size, 5)}
    errors = [e.message for e in job.errors()]
    check(f"{name} draws", len(colours) > 3 and not errors, f"{len(colours)} colours {errors[:1]}")


def vector(name, uri, provider, expected_types=True):
    layer = QgsVectorLayer(uri, name, provider)
    if not check(f"{name} loads", layer.isValid(), layer.error().message()[:300] if not layer.isValid() else ""):
        return None
    features = list(layer.getFeatures())
    check(f"{name} counts what it reads", len(features) == layer.featureCount() > 0, f"{len(features)} {layer.featureCount()}")
    check(f"{name} lies on the map", layer.crs().authid() != "" and all(f.hasGeometry() for f in features))
    if expected_types:
        types = {f.name(): f.type() for f in layer.fields()}
        check(f"{name} types", types.get("millesime") in (QVariant.Int, QVariant.LongLong)
              and types.get("statut") == QVariant.String, types.get("millesime"))
        # OGC API's GeoJSON has no type for dates: QGIS guesses.
        if provider == "WFS" and check(f"{name} knows the date as a date", types.get("date_reference") == QVariant.DateTime):
            late = [f for f in features if any(
                day != QDate(f["millesime"], 1, 1)
                for day in (f["date_reference"].toUTC().date(), f["date_reference"].toTimeZone(PARIS).date()))]
            check(f"{name} shows the right day", not late, f"{len(late)} on another day")
    inside = QgsRectangle(699000, 7052000, 708000, 7061000)
    if layer.crs().authid() == "EPSG:2154":
        some = len(list(QgsVectorLayer(uri, name, provider).getFeatures(QgsFeatureRequest().setFilterRect(inside))))
        check(f"{name} reads a box", 0 < some < len(features), some)
    return features


def wfs(layer, version, auth_id=AUTH):
    uri = QgsDataSourceUri()
    for key, value in dict(url=f"{URL}/wfs", typename=f"seuil:{layer}", version=version, srsname="EPSG:2154",
                           restrictToRequestBBOX="1").items():
        uri.setParam(key, value)
    uri.setAuthConfigId(auth_id)
    return uri.uri(False)


counts = {}
for layer in ("parc_commune", "parc_residence", "occupation_iris"):
    for version in ("2.0.0", "1.1.0"):
        counts[layer, version] = vector(f"wfs {version} {layer}", wfs(layer, version), "WFS")
    uri = QgsDataSourceUri()
    uri.setParam("url", URL)
    uri.setParam("typename", layer)
    uri.setAuthConfigId(AUTH)
    counts[layer, "oapif"] = vector(f"ogcapi {layer}", uri.uri(False), "OAPIF")
    sizes = {len(v) for (name, _), v in counts.items() if name == layer and v is not None}
    check(f"{layer}: every protocol gives as many features", len(sizes) == 1, sizes)

bundled = QgsVectorLayer(wfs("parc_commune", "2.0.0", BUNDLE), "PKCS#12", "WFS")
check("a PKCS#12 bundle works", bundled.isValid() and len(list(bundled.getFeatures())) > 0,
      bundled.error().message()[:200] if not bundled.isValid() else "")

residences = counts.get(("parc_residence", "2.0.0")) or []
withheld = [f for f in residences if f["statut"] == "secret"]
check("withheld residences carry nothing",
      withheld and all(f["nb_logements"] in (None, QVariant()) or f["nb_logements"].isNull() for f in withheld)
      if withheld and hasattr(withheld[0]["nb_logements"], "isNull") else
      withheld and all(f["nb_logements"] is None for f in withheld), len(withheld))

maps = {}
for name, layers in (("parc", ["parc_iris", "parc_residence"]), ("communes", ["parc_commune"])):
    query = {"authcfg": AUTH, "contextualWMSLegend": 0, "crs": "EPSG:2154", "dpiMode": 7, "featureCount": 10,
             "format": "image/png", "url": f"{URL}/wms"}
    pairs = "&".join(urlencode({"layers": layer, "styles": ""}) for layer in layers)
    maps[name] = QgsRasterLayer(f"{urlencode(query)}&{pairs}", name, "wms")
    if check(f"wms {name} loads", maps[name].isValid(), maps[name].error().message()[:200]):
        draw(f"wms-{name}", [maps[name]])
if maps["communes"].isValid():
    for kind, form in (("feature", QgsRaster.IdentifyFormatFeature), ("html", QgsRaster.IdentifyFormatHtml)):
        found = maps["communes"].dataProvider().identify(QgsPointXY(703000, 7059000), form, EXTENT, 700, 700)
        check(f"wms identify {kind}", found.isValid() and len(found.results()) > 0, str(found.results())[:120])

tiles = QgsVectorTileLayer(urlencode({
    "type": "xyz", "url": f"{URL}/collections/parc_iris/tiles/WebMercatorQuad/{{z}}/{{y}}/{{x}}?f=mvt", "zmin": 0,
    "zmax": 14, "authcfg": AUTH}), "tiles")
if check("vector tiles load", tiles.isValid()):
    draw("tiles", [tiles], crs="EPSG:3857", extent=QgsRectangle(308000, 6530000, 366000, 6586000))
styled = QgsVectorLayer(wfs("parc_commune", "2.0.0"), "communes", "WFS")
if styled.isValid():
    draw("wfs", [styled])
print(f"{failed} failed")
sys.stdout.flush()
os._exit(1 if failed else 0)
