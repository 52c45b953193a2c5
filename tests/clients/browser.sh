#!/usr/bin/env bash
# The portal page in a real browser (Chromium), through a client certificate: every layer of the convention is listed, the map is drawn.
#
#   browser.sh URL PKI OUT      pictures into OUT
set -euo pipefail
url=$1 pki=$2 out=$3
home=$(mktemp -d)
policies=/etc/chromium/policies/managed
mkdir -p "$out" "$home/.pki/nssdb" "$policies"
trap 'rm -rf "$home" "$policies/seuil-test.json"' EXIT
# Without a policy a browser asks its user which certificate to show.
echo "{\"AutoSelectCertificateForUrls\": [\"{\\\"pattern\\\":\\\"$url\\\",\\\"filter\\\":{}}\"]}" >"$policies/seuil-test.json"
certutil -d "sql:$home/.pki/nssdb" -N --empty-password
certutil -d "sql:$home/.pki/nssdb" -A -t C,, -n seuil-test -i "$pki/ca.pem"
pk12util -d "sql:$home/.pki/nssdb" -i "$pki/mel/client.p12" -W seuil >/dev/null
browse() {
    HOME=$home timeout 60 chromium --headless=new --accept-lang=fr --lang=fr --no-sandbox --disable-gpu --user-data-dir="$home/profile" --virtual-time-budget=15000 \
        --window-size=1280,900 "$@" 2>/dev/null
}
browse --screenshot="$out/portail.png" "$url/portail"
browse --dump-dom "$url/portail" >"$out/portail.html"
browse --screenshot="$out/whoami.png" "$url/whoami"
browse --screenshot="$out/items.png" "$url/collections/parc_commune/items?f=html"
grep -q 'parc_residence' "$out/portail.html" || { echo "the page does not list parc_residence"; exit 1; }
# A blank page of this size compresses to some 10 KiB.
[ "$(stat -c %s "$out/portail.png")" -gt 60000 ] || { echo "the map is not drawn: see $out/portail.png"; exit 1; }
echo "portal page drawn: $out/portail.png"
