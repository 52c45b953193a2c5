#!/usr/bin/env python3
"""Fairness under load: a robot that downloads everything without a pause, and the officer of another convention.

    tests/clients/equite.py https://127.0.0.1:8443 var/demo/pki [seconds]

Three times the officer asks for a map and a page of features, one after the other: alone; beside 16 downloads of another
convention's robot; beside 16 downloads of its own convention. Prints median and 95th percentile; exit status 1 when the other
convention's robot makes the officer wait more than the tasks of one turn explain.
"""
import http.client
import ssl
import statistics
import sys
import threading
import time

URL, PKI = sys.argv[1].removeprefix("https://"), sys.argv[2]
SECONDS = float(sys.argv[3]) if len(sys.argv) > 3 else 8
HOST, PORT = URL.split(":")
ASKED = ("/wms?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetMap&LAYERS=parc_commune&STYLES=&CRS=EPSG:2154"
         "&BBOX=690000,7050000,715000,7070000&WIDTH=256&HEIGHT=256&FORMAT=image/png",
         "/collections/parc_iris/items?f=json&limit=20")
HEAVY = "/wfs?SERVICE=WFS&VERSION=2.0.0&REQUEST=GetFeature&TYPENAMES=" + "".join(
    f"({theme}_{scale})" for theme in ("parc", "occupation") for scale in ("commune", "iris", "qpv", "residence")) * 1
sent = 0


def connect(convention):
    context = ssl.create_default_context(cafile=f"{PKI}/ca.pem")
    context.load_cert_chain(f"{PKI}/{convention}/client.pem", f"{PKI}/{convention}/client.key")
    return http.client.HTTPSConnection(HOST, int(PORT), context=context, timeout=60)


def robot(convention, stop):
    global sent
    connection = connect(convention)
    while not stop.is_set():
        connection.request("GET", HEAVY)
        answer = connection.getresponse()
        while chunk := answer.read(1 << 18):
            sent += len(chunk)
            if stop.is_set():
                connection.close()
                return


def officer(convention):
    connection, times = connect(convention), []
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        for path in ASKED:
            begun = time.monotonic()
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200, answer.status
            times.append(time.monotonic() - begun)
        time.sleep(0.05)
    return times


def run(name, robots):
    global sent
    stop, sent = threading.Event(), 0
    threads = [threading.Thread(target=robot, args=(c, stop), daemon=True) for c in robots]
    for thread in threads:
        thread.start()
    time.sleep(1 if threads else 0)
    times = sorted(officer("lille"))
    stop.set()
    for thread in threads:
        thread.join(20)
    median, late = statistics.median(times), times[len(times) * 95 // 100]
    print(f"{name:34} median {median * 1000:6.1f} ms, 95 % {late * 1000:6.1f} ms, {len(times)} requests; "
          f"robot {sent / 1e6 / (SECONDS + 1):6.1f} MB/s", flush=True)
    return median, sent


alone = run("alone", [])[0]
other, moved = run("beside another convention's robot", ["mel"] * 16)
own = run("beside its own robot", ["lille"] * 16)[0]
# 16 downloads of one convention are one lane: at most one quantum (2 ms) of it stands before each of the three steps of a request,
# on a machine that has twice as many tasks as cores.
limit = alone * 4 + 0.05
print(f"limit {limit * 1000:.0f} ms")
sys.exit(0 if other <= limit and moved > 0 else 1)
