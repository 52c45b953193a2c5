#!/usr/bin/env bash
# Installs the system packages that are missing (Debian, Ubuntu), or prints the exact command and ends when it may not.
#
#   scripts/deps.sh [conformance]    with the word: also what the OGC's suites need
set -euo pipefail

missing=()
need() { # package, then a test that is true when it is there
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || missing+=("$package")
}

# The distribution's PostgreSQL, 15 or newer, with PostGIS.
has_postgis() {
    local control version
    for control in /usr/share/postgresql/*/extension/postgis.control; do
        version=$(basename "$(dirname "$(dirname "$control")")")
        [ -x "/usr/lib/postgresql/$version/bin/postgres" ] && [ "$version" -ge 15 ] && return 0
    done
    return 1
}
need gcc command -v cc
need libc6-dev test -e /usr/include/stdio.h
need pkg-config command -v pkg-config
need libgdal-dev pkg-config --exists gdal
need ca-certificates test -e /etc/ssl/certs/ca-certificates.crt
need openssl command -v openssl
has_postgis || missing+=(postgresql postgresql-postgis)
if [ "${1:-}" = conformance ]; then
    need default-jdk-headless command -v javac
    need maven command -v mvn
fi

if ! command -v cargo >/dev/null; then
    echo "Rust is missing: see https://rustup.rs (the toolchain that this project pins installs itself on first use)." >&2
    exit 1
fi
[ ${#missing[@]} -eq 0 ] && exit 0

command="apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
if ! command -v apt-get >/dev/null; then
    echo "missing: ${missing[*]} (names of Debian's packages); install them with your system's tools." >&2
    exit 1
fi
if [ "$(id -u)" -eq 0 ]; then
    run=(bash -c)
elif sudo -n true 2>/dev/null; then
    run=(sudo -n bash -c)
else
    echo "missing: ${missing[*]}. Run this, then make again:" >&2
    echo "    sudo sh -c '$command'" >&2
    exit 1
fi
echo "installing ${missing[*]}"
"${run[@]}" "export DEBIAN_FRONTEND=noninteractive; $command"
