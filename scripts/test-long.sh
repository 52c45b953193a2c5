#!/usr/bin/env bash
# Long tests: kills, the large scales, real clients. Installs QGIS for them when it may. A line says how long each stage took.
#
#   scripts/test-long.sh [stage ...]     stages: kill outage publish fuzz soak browser qgis relais equite rights jumeaux clients web conformance scale10 scale40 (default: all)
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d "${TMPDIR:-/tmp}/seuil-long.XXXXXX")
chmod 755 "$work"
seuil=target/release/seuil
trap 'jobs -p | xargs -r kill 2>/dev/null; wait; rm -rf "$work"' EXIT

# Starts a demonstration on a folder and waits until it is ready; the log is FOLDER.log.
start() {
    local dir=$1
    shift
    "$seuil" --log warn demo --data "$dir" --listen 127.0.0.1:0 --operations 127.0.0.1:0 "$@" >"$dir.log" 2>&1 &
    pid=$!
    until grep -q '^ready https://' "$dir.log"; do
        kill -0 "$pid" 2>/dev/null || { cat "$dir.log"; return 1; }
        sleep 0.1
    done
    url=$(sed -n 's/^ready //p' "$dir.log")
}

stop() { kill -TERM "$pid" && wait "$pid" || true; }

count() {
    curl -sf --cacert "$1/pki/ca.pem" --cert "$1/pki/mel/client.pem" --key "$1/pki/mel/client.key" \
        "$url/collections/parc_residence/items?f=json&limit=1" | grep -o '"numberMatched":[0-9]*'
}

# kill -9 at a random moment of the first start, ten times; then the start must succeed and hold what an undisturbed one holds.
stage_kill() {
    start "$work/whole" --scale 0.05
    local expected
    expected=$(count "$work/whole")
    stop
    for n in $(seq 10); do
        "$seuil" --log error demo --data "$work/killed" --listen 127.0.0.1:0 --operations 127.0.0.1:0 --scale 0.05 \
            >"$work/killed.log" 2>&1 &
        pid=$!
        sleep "0.$((RANDOM % 9 + 1))" && sleep $((n % 4))
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    start "$work/killed" --scale 0.05
    local found
    found=$(count "$work/killed")
    stop
    [ "$expected" = "$found" ] || { echo "after ten kills: $found, expected $expected"; return 1; }
}

# PostgreSQL stops under load: maps, tiles and boxes go on; when it is back, so are the registry's age and the records.
stage_outage() {
    start "$work/outage" --scale 0.05
    local dir=$work/outage/pg load owner
    owner=$(stat -c %U "$dir")
    python3 tests/clients/load.py 20 "$url" "$work/outage/pki" &
    load=$!
    sleep 4
    kill -INT "$(head -1 "$dir/postmaster.pid")"
    sleep 10
    local ctl=(/usr/lib/postgresql/*/bin/pg_ctl -D "$dir" -l "$dir/server.log" -w start)
    if [ "$(id -un)" = "$owner" ]; then "${ctl[@]}"; else runuser -u "$owner" -- "${ctl[@]}"; fi
    wait "$load"
    stop
}

# kill -9 at a random moment of a publication, eight times; then the next one goes on where they stopped, and what is served is
# what an undisturbed publication holds.
stage_publish() {
    start "$work/publish" --scale 0.05
    local expected found killer
    expected=$(count "$work/publish")
    for n in $(seq 8); do
        "$seuil" --log error publish --config "$work/publish/seuil.toml" >/dev/null 2>&1 &
        killer=$!
        sleep "$((n / 4)).$((RANDOM % 9 + 1))"
        kill -KILL "$killer" 2>/dev/null || true
        wait "$killer" 2>/dev/null || true
    done
    "$seuil" --log error publish --config "$work/publish/seuil.toml"
    sleep 2
    found=$(count "$work/publish")
    "$seuil" publications --config "$work/publish/seuil.toml" list
    stop
    [ "$expected" = "$found" ] || { echo "after eight kills: $found, expected $expected"; return 1; }
}

# Broken requests of every protocol: an answer to each, no panic.
stage_fuzz() {
    start "$work/fuzz" --scale 0.05
    python3 tests/clients/fuzz.py "${SEUIL_FUZZ:-50000}" "$url" "$work/fuzz/pki"
    stop
    ! grep -q panicked "$work/fuzz.log"
}

# Ten minutes of load: the memory held at the end is that after the first minute, within 48 MiB.
stage_soak() {
    start "$work/soak" --scale 1
    python3 tests/clients/load.py 60 "$url" "$work/soak/pki"
    local before after
    before=$(awk '/VmRSS/ {print $2}' "/proc/$pid/status")
    python3 tests/clients/load.py "${SEUIL_SOAK:-540}" "$url" "$work/soak/pki" | tail -6
    after=$(awk '/VmRSS/ {print $2}' "/proc/$pid/status")
    stop
    echo "memory: $((before / 1024)) MiB after a minute, $((after / 1024)) MiB at the end"
    [ "$after" -lt $((before + 49152)) ]
}

stage_browser() {
    command -v chromium >/dev/null && command -v certutil >/dev/null ||
        apt-get install --yes -qq --no-install-recommends chromium libnss3-tools >/dev/null
    start "$work/browser" --scale 0.05
    tests/clients/browser.sh "$url" "$work/browser/pki" "${OUT:-$work}"
    stop
}

stage_qgis() {
    if ! /usr/bin/python3 -c 'import qgis.core' 2>/dev/null; then
        apt-get install --yes -qq python3-qgis libqca-qt5-2-plugins >/dev/null
    fi
    start "$work/qgis" --scale 0.05
    SEUIL_URL=$url SEUIL_PKI=$work/qgis/pki OUT=$work /usr/bin/python3 tests/clients/officer_qgis.py
    stop
}

# The relays of docs/relais before a demonstration: a client without a certificate, links, paging, tiles.
stage_relais() {
    command -v nginx >/dev/null && command -v haproxy >/dev/null ||
        apt-get install --yes -qq --no-install-recommends nginx-light haproxy >/dev/null
    start "$work/relais" --scale 0.05
    python3 tests/clients/relais.py "$seuil" "$work/relais" "$url"
    stop
}

# Fairness: an officer beside sixteen downloads of a robot.
stage_equite() {
    start "$work/equite" --scale 0.5
    python3 tests/clients/equite.py "$url" "$work/equite/pki"
    stop
}

# Rights: 100 revocations under load, 10,000 requests over 20 kills and 5 stops of PostgreSQL, the whole matrix of names that are
# not granted, 2,000 interleaved pairs in time.
stage_rights() {
    SEUIL_LONG=1 cargo test --quiet --locked --test portal -- endurance::
    SEUIL_LONG=1 cargo test --quiet --locked --test portal -- leaks::
}

# The twin test with every request it can make.
stage_jumeaux() {
    SEUIL_LONG=1 cargo test --quiet --locked --test portal -- twin::
}

# GDAL and OWSLib, out of PyPI: the distribution's GDAL cannot show a client certificate.
stage_clients() {
    python3 -m venv "$work/venv" && "$work/venv/bin/pip" install --quiet pyogrio owslib
    start "$work/clients" --scale 0.05
    for client in gdal_wfs owslib_wfs; do
        SEUIL_URL=$url SEUIL_PKI=$work/clients/pki "$work/venv/bin/python" -W ignore "tests/clients/$client.py"
    done
    stop
}

# ogc-client, OpenLayers and ArcGIS, out of npm: every layer in every format, dates on the right day.
stage_web() {
    command -v node >/dev/null && command -v npm >/dev/null ||
        apt-get install --yes -qq --no-install-recommends nodejs npm >/dev/null
    command -v chromium >/dev/null || apt-get install --yes -qq --no-install-recommends chromium >/dev/null
    mkdir -p var/web && cp tests/clients/web/* var/web/
    npm install --prefix var/web --no-audit --no-fund --silent
    start "$work/web" --scale 0.05
    export SEUIL_URL=$url SEUIL_PKI=$work/web/pki
    (cd var/web && node ogc_client.mjs && node page.mjs openlayers && node page.mjs arcgis)
    stop
}

# The official WFS 2.0 suite on every layer.
stage_conformance() {
    scripts/deps.sh conformance
    # At full scale: of a small metropolis a whole layer may be withheld, and then the suite finds no values to test with.
    SCALE=1 OUT=$work/conformance conformance/run.sh mel
}

stage_scale10() { start "$work/scale10" --scale 10 && count "$work/scale10" && stop && rm -rf "$work/scale10"; }
stage_scale40() { start "$work/scale40" --scale 40 && count "$work/scale40" && stop && rm -rf "$work/scale40"; }

cargo build --release --locked
stages=("$@")
[ ${#stages[@]} -gt 0 ] || stages=(kill outage publish fuzz soak browser qgis relais equite rights jumeaux clients web conformance scale10 scale40)
for stage in "${stages[@]}"; do
    begun=$SECONDS
    "stage_$stage"
    echo "── $stage: $((SECONDS - begun)) s"
done
