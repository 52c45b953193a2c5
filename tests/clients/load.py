#!/usr/bin/env python3
"""Load from several connections, each asking one thing again and again; standard library only.

    load.py SECONDS URL PKI [PATH ...]

Writes how many answers of which status each path got in each two seconds, then the median and the longest time of each.
Ends with 1 when an answer was neither 200, 204 (a tile without features) nor, for a filter that only PostGIS can judge, 503 with Retry-After.
"""

import collections
import http.client
import ssl
import sys
import threading
import time

MAPS = [
    "/wms?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetMap&LAYERS=parc_commune&STYLES=&CRS=EPSG:2154&BBOX=690000,7040000,720000,7070000"
    "&WIDTH=400&HEIGHT=400&FORMAT=image/png",
    "/collections/parc_residence/tiles/WebMercatorQuad/13/2758/4161?f=mvt",
    "/collections/parc_residence/items?bbox=3.0,50.6,3.1,50.7&limit=100&f=json",
    "/wfs?SERVICE=WFS&VERSION=2.0.0&REQUEST=GetFeature&TYPENAMES=parc_iris&COUNT=100&STARTINDEX=100",
    # A relation between areas: only PostGIS can judge it.
    "/collections/contour_iris/items?filter=S_TOUCHES(geom,POLYGON((3%2050.6,3.1%2050.6,3.1%2050.7,3%2050.7,3%2050.6)))&f=json&limit=5",
]


def main():
    seconds, url, pki = float(sys.argv[1]), sys.argv[2], sys.argv[3]
    paths = sys.argv[4:] or MAPS
    host, port = url.removeprefix("https://").split(":")
    context = ssl.create_default_context(cafile=f"{pki}/ca.pem")
    context.load_cert_chain(f"{pki}/mel/client.pem", f"{pki}/mel/client.key")
    begun = time.monotonic()
    answers = collections.defaultdict(collections.Counter)
    times = collections.defaultdict(list)
    faults = []

    def ask(n, path):
        connection = http.client.HTTPSConnection(host, int(port), context=context, timeout=20)
        while (at := time.monotonic()) - begun < seconds:
            try:
                connection.request("GET", path)
                response = connection.getresponse()
                response.read()
                status = response.status
                if status not in (200, 204) and not (status == 503 and "S_TOUCHES" in path and response.headers["Retry-After"]):
                    faults.append((path, status))
            except (OSError, http.client.HTTPException) as error:
                status = type(error).__name__
                faults.append((path, status))
                connection.close()
            answers[int(at - begun) // 2][f"{n}:{status}"] += 1
            times[n].append(time.monotonic() - at)
            time.sleep(0.02)

    threads = [threading.Thread(target=ask, args=item) for item in enumerate(paths)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for two in sorted(answers):
        print(two * 2, "s", dict(sorted(answers[two].items())))
    for n, path in enumerate(paths):
        took = sorted(times[n])
        print(f"{n} {len(took)} answers, median {took[len(took) // 2] * 1e3:.1f} ms, longest {took[-1] * 1e3:.0f} ms  {path[:90]}")
    print(f"{len(faults)} faults", collections.Counter(faults).most_common(5) if faults else "")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
