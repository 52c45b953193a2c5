# One command each; nothing else is needed on a fresh Debian 12 or 13 or Ubuntu 24.04 with Rust.

SHELL := /bin/bash
.DEFAULT_GOAL := help
# rustup's default place, for shells that have not read its profile.
export PATH := $(HOME)/.cargo/bin:$(PATH)

DATA ?= var/demo
LISTEN ?= 127.0.0.1:8443

.PHONY: help deps build demo test test-long conformance

help:
	@echo "make demo    installs what is missing, builds, serves a demonstration metropolis on https://$(LISTEN)"
	@echo "make test    installs what is missing, runs every test"
	@echo "make test-long   kills, large scales, real clients"
	@echo "make conformance   the OGC's WFS 2.0 suite against a demonstration (CONVENTION=mel: all layers)"
	@echo "make deps    installs what is missing"

deps:
	@scripts/deps.sh

build: deps
	cargo build --release --locked

# exec: Ctrl-C and SIGTERM reach the demonstration itself.
demo: build
	@exec target/release/seuil demo --data $(DATA) --listen $(LISTEN) $(ARGS)

test: deps
	@scripts/test.sh

test-long: deps
	@scripts/test-long.sh

conformance: build
	@scripts/deps.sh conformance
	@conformance/run.sh $(CONVENTION)
