#!/usr/bin/env bash
# The OGC's WFS 2.0 suite against a demonstration, through mutual TLS.
#
#   conformance/run.sh [convention]    default: `conformite`, which sees three layers; `mel` sees all
#
# SEUIL       the binary (default target/release/seuil)
# SCALE       size of the metropolis (default 0.05)
# OGC_SCHEMAS folder laid out as HOST/PATH with the schemas; default: those that the suite brings along
# OUT         folder of the results (default conformance/work)
#
# Status 0: what is claimed was tested and nothing failed; 1: not so; 75: the suite cannot be had here.
set -euo pipefail
cd "$(dirname "$0")/.."
convention=${1:-conformite}
seuil=${SEUIL:-target/release/seuil}
here=conformance
out=${OUT:-$here/work}

cannot() { echo "conformance: $1" >&2 && exit 75; }
for tool in javac mvn; do
    command -v $tool >/dev/null || cannot "$tool is missing (\`scripts/deps.sh conformance\` installs it)"
done
if [ ! -f $here/target/conformance.jar ] || [ $here/pom.xml -nt $here/target/conformance.jar ]; then
    mvn -B -ntp -q -f $here/pom.xml package >&2 || cannot "the suite cannot be had from Maven Central"
fi

data=$(mktemp -d "${TMPDIR:-/tmp}/seuil-conformance.XXXXXX")
chmod 755 "$data"
server=
ended() {
    [ -z "$server" ] || { kill -TERM "$server" && wait "$server"; } 2>/dev/null || true
    rm -rf "$data"
}
trap ended EXIT
"$seuil" --log warn demo --data "$data/demo" --listen 127.0.0.1:0 --operations 127.0.0.1:0 --scale "${SCALE:-0.05}" \
    >"$data/log" 2>&1 &
server=$!
until url=$(sed -n 's/^ready //p' "$data/log") && [ -n "$url" ]; do
    kill -0 "$server" 2>/dev/null || { cat "$data/log" >&2 && exit 1; }
    sleep 0.2
done

pki=$data/demo/pki
if [ ! -d "$pki/$convention" ]; then
    act() { "$seuil" --log warn --config "$data/demo/seuil.toml" convention "$@" >>"$data/log" 2>&1 || { cat "$data/log" >&2 && exit 1; }; }
    mkdir "$pki/$convention"
    act draft $here/convention.toml
    act sign "$convention"
    act issue "$convention" --holder "Suite de conformité" --purpose diagnostic_partage --out "$pki/$convention" \
        --ca-certificate "$pki/ca.pem" --ca-key "$(find "$data/demo" -name ca.key | head -1)"
    sleep 2 # the registry is read again within a second
fi

rm -rf "$out" && mkdir -p "$out"
java -Xmx1g -Dderby.stream.error.file="$out/derby.log" -jar $here/target/conformance.jar --url "$url/wfs?service=WFS&version=2.0.0&request=GetCapabilities" \
    --certificate "$pki/$convention/client.pem" --key "$pki/$convention/client.key" --ca "$pki/ca.pem" \
    --skips $here/skips.txt --out "$out" ${OGC_SCHEMAS:+--schemas "$OGC_SCHEMAS"}
