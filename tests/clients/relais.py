#!/usr/bin/env python3
"""The relays of docs/relais, as they are shipped (addresses and paths replaced), before a running demonstration.

    tests/clients/relais.py target/release/seuil var/demo https://127.0.0.1:8443

A client without a certificate goes through each: capabilities, paging, tiles, pictures, pages; every link of every answer
starts at the relay's public address. Prints one line a check; exit status 1 if one failed. Needs nginx and haproxy.
"""
import html
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

SEUIL, DATA, URL = sys.argv[1:4]
PKI = f"{DATA}/pki"
CA = ["--ca-certificate", f"{PKI}/ca.pem", "--ca-key", f"{PKI}/ca.key"]
CONFIG = [SEUIL, "--log", "error", "--config", f"{DATA}/seuil.toml", "convention"]
failed = 0


def check(name, good, detail=""):
    global failed
    failed += not good
    print(("PASS " if good else "FAIL ") + name + (f" | {detail}" if detail != "" else ""), flush=True)
    return good


def free():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def get(url, headers=None, data=None, context=ssl.create_default_context(cafile=f"{PKI}/ca.pem")):
    request = urllib.request.Request(url, headers=headers or {}, data=data)
    try:
        with urllib.request.urlopen(request, context=context, timeout=30) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as e:
        return e.code, e.headers, e.read()


def browse(name, base):
    """The portal page in a browser that holds no certificate."""
    if not (shutil.which("chromium") and shutil.which("certutil")):
        print(f"SKIP {name}: no chromium or certutil here")
        return
    with tempfile.TemporaryDirectory() as home:
        store = f"sql:{home}/.pki/nssdb"
        os.makedirs(f"{home}/.pki/nssdb")
        subprocess.run(["certutil", "-d", store, "-N", "--empty-password"], check=True)
        subprocess.run(["certutil", "-d", store, "-A", "-t", "C,,", "-n", "essai", "-i", f"{PKI}/ca.pem"], check=True)
        picture = f"{home}/portail.png"
        chromium = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={home}/profile",
                    "--virtual-time-budget=15000", "--window-size=1280,900"]
        quiet = {"env": {**os.environ, "HOME": home}, "timeout": 90, "stderr": subprocess.DEVNULL}
        page = subprocess.run([*chromium, "--dump-dom", f"{base}/portail"], stdout=subprocess.PIPE, **quiet).stdout.decode()
        subprocess.run([*chromium, f"--screenshot={picture}", f"{base}/portail"], stdout=subprocess.DEVNULL, **quiet)
        size = os.path.getsize(picture) if os.path.exists(picture) else 0
        if os.environ.get("OUT") and size:
            shutil.copy(picture, f"{os.environ['OUT']}/{name}.png")
        # A blank page of this size compresses to some 10 KiB.
        check(f"{name}: the portal page in a browser without a certificate", "parc_residence" in page and size > 60000, size)


def prepare(folder, name, port):
    """Certificates of one relay, and its configuration."""
    base = f"https://127.0.0.1:{port}/seuil"
    subprocess.run([*CONFIG, "issue", "mel", "--holder", f"Relais {name} {port}", "--robot", "--purpose",
                    "diagnostic_partage", "--public-url", base, "--out", folder, *CA], check=True, capture_output=True)
    subprocess.run([*CONFIG, "server-certificate", "--out", folder, *CA], check=True, capture_output=True)
    read = lambda f: open(f"{folder}/{f}").read()  # noqa: E731
    for name_, parts in (("client-et-cle.pem", ("client.pem", "client.key")),
                         ("serveur-et-cle.pem", ("server.pem", "server.key"))):
        with open(f"{folder}/{name_}", "w") as out:
            out.write("".join(map(read, parts)))
    shutil.copy(f"{PKI}/ca.pem", f"{folder}/ca.pem")
    for old, new in (("server.pem", "serveur.pem"), ("server.key", "serveur.key")):
        shutil.copy(f"{folder}/{old}", f"{folder}/{new}")
    # Workers of a relay that root starts run as another user.
    os.chmod(folder, 0o755)
    text = open(os.path.join(os.path.dirname(__file__), "../../docs/relais", name)).read()
    text = text.replace("127.0.0.1:8443", URL.removeprefix("https://")).replace("127.0.0.1:8080", f"127.0.0.1:{port}")
    text = text.replace("/etc/relais", folder).replace("/run/seuil-relais.pid", f"{folder}/pid")
    with open(f"{folder}/{name}", "w") as out:
        out.write(text)
    return base


def addresses(text):
    """Absolute addresses in an answer that are neither a standard's nor somebody else's: with this machine in them."""
    return set(re.findall(r"https?://(?:127\.0\.0\.1|localhost)[^\s\"'<>)]*", text))


def relay(name, command):
    folder = tempfile.mkdtemp(prefix="seuil-relais-")
    port = free()
    base = prepare(folder, name, port)
    process = subprocess.Popen([part.replace("{}", f"{folder}/{name}") for part in command])
    try:
        for _ in range(100):
            try:
                if get(f"{base}/whoami?f=json")[0] == 200:
                    break
            except OSError:
                pass
            time.sleep(0.1)
        examine(name, base)
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


def examine(name, base):
    status, headers, body = get(f"{base}/whoami?f=json")
    check(f"{name}: a client without a certificate is served as the relay's convention",
          status == 200 and json.loads(body)["convention"] == "mel", status)
    strange = []
    for path in ("/?f=json", "/collections?f=json", "/api?f=json", "/collections/parc_iris?f=json", "/styles?f=json",
                 "/collections/parc_iris/tiles/WebMercatorQuad?f=json", "/portail", "/collections?f=html", "/?f=html",
                 "/collections/parc_iris/items?f=json&limit=5", "/collections/parc_iris/items?f=html&limit=5",
                 "/wms?SERVICE=WMS&REQUEST=GetCapabilities", "/wms?SERVICE=WMS&VERSION=1.1.1&REQUEST=GetCapabilities",
                 "/wmts?SERVICE=WMTS&REQUEST=GetCapabilities", "/styles/parc_iris?f=maplibre",
                 *(f"/wfs?SERVICE=WFS&VERSION={v}&REQUEST=GetCapabilities" for v in ("2.0.0", "1.1.0", "1.0.0")),
                 "/wfs?SERVICE=WFS&VERSION=2.0.0&REQUEST=GetFeature&TYPENAMES=parc_iris&COUNT=5"):
        status, headers, body = get(base + path)
        text = body.decode() + " ".join(headers.get_all("Link") or [])
        strange += [f"{path}: {status}"] if status != 200 else []
        strange += [f"{path}: {a}" for a in addresses(text) if not a.startswith(base)]
        # Paths from the root would miss the prefix.
        strange += [f"{path}: {a}" for a in re.findall(r"(?:href|src|action)=\"(/[^\"]*)\"", text)]
        strange += [f"{path}: <{a}>" for a in re.findall(r"<(/[^>]*)>; *rel", " ".join(headers.get_all("Link") or []))]
    check(f"{name}: every link starts at the public address", not strange, strange[:6])
    status, headers, body = get(f"{base}/collections/nulle_part", {"Accept": "text/html"})
    links = re.findall(r"(?:href|src)=\"(/[^\"]*)\"", html.unescape(body.decode()))
    check(f"{name}: so do those of an error's page", status == 404 and links and all(a.startswith("/seuil/") for a in links), links)

    pages, seen, url = 0, [], f"{base}/collections/parc_residence/items?f=json&limit=100"
    while url and pages < 100:
        status, headers, body = get(url)
        page = json.loads(body)
        seen += [f["id"] for f in page["features"]]
        url = next((link["href"] for link in page["links"] if link["rel"] == "next"), None)
        pages += 1
    check(f"{name}: paging through OGC API Features", len(seen) == len(set(seen)) == page["numberMatched"] and pages > 2,
          f"{len(seen)} in {pages} pages")
    count, url = 0, f"{base}/wfs?SERVICE=WFS&VERSION=2.0.0&REQUEST=GetFeature&TYPENAMES=parc_residence&COUNT=250"
    matched = None
    while url:
        text = get(url)[2].decode()
        count += text.count("<wfs:member>")
        matched = re.search(r'numberMatched="(\d+)"', text)[1]
        following = re.search(r'\bnext="([^"]*)"', text)
        url = following[1].replace("&amp;", "&") if following else None
    check(f"{name}: paging through WFS", str(count) == matched, f"{count} of {matched}")
    tilejson = json.loads(get(f"{base}/collections/parc_iris/tiles/WebMercatorQuad?f=tilejson")[2])
    template = tilejson["tiles"][0]
    status, headers, body = get(template.replace("{z}", "9").replace("{y}", "172").replace("{x}", "260"))
    check(f"{name}: a vector tile by its template", status == 200 and len(body) > 100 and template.startswith(base),
          f"{status}, {len(body)} bytes")
    etag = headers.get("ETag") or "none"
    status = get(template.replace("{z}", "9").replace("{y}", "172").replace("{x}", "260"), {"If-None-Match": etag})[0]
    check(f"{name}: an unchanged tile is not sent again", status == 304, status)
    status, headers, body = get(f"{base}/wms?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetMap&LAYERS=parc_commune&STYLES=&CRS=EPSG:2154"
                                "&BBOX=684000,7044000,720000,7078000&WIDTH=400&HEIGHT=400&FORMAT=image/png")
    check(f"{name}: a map", status == 200 and body[:4] == b"\x89PNG", len(body))
    xml = (b'<wfs:GetFeature xmlns:wfs="http://www.opengis.net/wfs/2.0" xmlns:seuil="urn:seuil:logement-social" service="WFS" '
           b'version="2.0.0" count="2"><wfs:Query typeNames="seuil:parc_iris"/></wfs:GetFeature>')
    status, headers, body = get(f"{base}/wfs", {"Content-Type": "text/xml", "Origin": "https://cartes.exemple.fr"}, xml)
    check(f"{name}: POST, with CORS", status == 200 and body.count(b"<wfs:member>") == 2
          and headers.get_all("Access-Control-Allow-Origin") == ["https://cartes.exemple.fr"], status)
    browse(name, base)
    check(f"{name}: nothing but the prefix", get(base.removesuffix("/seuil") + "/collections")[0] == 404)


check("without the relay, no certificate means no data", get(f"{URL}/collections")[0] in (401, 403))
refused = subprocess.run([*CONFIG, "issue", "vue-seule", "--holder", "Relais", "--robot", "--purpose", "diagnostic_partage",
                          "--public-url", "https://cartes.exemple.fr", "--out", tempfile.mkdtemp(), *CA], capture_output=True)
check("a convention without onward display gets no public address", refused.returncode != 0
      and b"onward" in refused.stderr + refused.stdout, (refused.stderr + refused.stdout)[:160])
relay("nginx.conf", ["nginx", "-c", "{}", "-g", "daemon off;"])
relay("haproxy.cfg", ["haproxy", "-q", "-f", "{}"])
print(f"{failed} failed")
sys.exit(1 if failed else 0)
