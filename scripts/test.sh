#!/usr/bin/env bash
# Every test, and how long each stage took. `make test` installs what is missing first.
set -euo pipefail
cd "$(dirname "$0")/.."

begun=$SECONDS
stage() {
    local name=$1 start=$SECONDS
    shift
    echo "── $name"
    "$@"
    echo "── $name: $((SECONDS - start)) s"
}

stage "format" cargo fmt --check
stage "clippy" cargo clippy --quiet --locked --all-targets -- -D warnings
stage "unit tests" cargo test --quiet --locked --lib
stage "integration tests" cargo test --quiet --locked --test portal -- "$@"
# The official suite needs Java and Maven Central; where they cannot be had, `make test` says so and goes on.
conformance() {
    scripts/deps.sh conformance || { echo "conformance: SKIPPED, see above" && return; }
    local status=0
    SEUIL=target/debug/seuil conformance/run.sh || status=$?
    [ $status -ne 75 ] || { echo "conformance: SKIPPED, see above" && return; }
    return $status
}
stage "conformance" conformance
echo "── all: $((SECONDS - begun)) s"
