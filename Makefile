# What there is to do here. Everything works in a fresh clone on Debian or Ubuntu with Rust, a C
# compiler, python3, git and make; scripts/setup installs what else is missing.

CARGO ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)

# Shell scripts, for shellcheck.
SCRIPTS := $(filter-out scripts/licences,$(wildcard scripts/*)) $(wildcard tests/vm/guest/*) \
  .ci/run fixtures/pack-nixpkgs fixtures/pack-sources tests/compat/run

# Options of the benchmark, for one: BENCH='--only open --rounds 3'.
BENCH ?=

# Options of the virtual machines' tests, for one: VM=--full.
VM ?=

# What takes root.
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

.PHONY: help demo test check test-vm test-compat bench man dist setup fixtures

help:
	@echo "make demo         pack the blog's nix-shell and open it in a room with no network"
	@echo "make test         every check and test; what CI runs"
	@echo "make check        format, lints, documentation, fixtures; no tests"
	@echo "make test-vm      only that: sticks between virtual machines"
	@echo "make test-compat  other versions of Nix on the other side (needs a network)"
	@echo "make bench        measure shellpack against nix copy and nix-store (root, a network, 20 GB)"
	@echo "make man          man pages, in target/man"
	@echo "make dist         the archive of a release, in dist; the same bytes everywhere"

demo: setup
	@echo "== build shellpack (minutes the first time)"
	@$(CARGO) build --release --locked --quiet
	@scripts/demo "$(TARGET)/release/shellpack"

test: setup
	@$(MAKE) --no-print-directory check
	@$(MAKE) --no-print-directory fixtures
	@echo "== tests"
	@$(CARGO) test --locked --quiet --no-run
	@$(CARGO) test --locked
	@if ! grep -q '^ID=debian' /etc/os-release; then \
	  echo "== sticks between virtual machines: not tried, they take Debian's kernel"; \
	elif [ -n "$(SUDO)" ] && ! sudo -n true 2> /dev/null; then \
	  echo "== sticks between virtual machines: not tried, they take root"; \
	else \
	  $(MAKE) --no-print-directory test-vm; \
	fi

check:
	@echo "== format"
	@$(CARGO) fmt --check
	@echo "== lints"
	@$(CARGO) clippy --locked --quiet --all-targets -- -D warnings
	@echo "== documentation"
	@RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --quiet --no-deps
	@echo "== fuzz targets build"
	@CARGO_TARGET_DIR="$(TARGET)/fuzz" $(CARGO) check --locked --quiet --manifest-path fuzz/Cargo.toml
	@echo "== fixtures are up to date"
	@fixtures/pack-nixpkgs --check
	@if command -v shellcheck > /dev/null; then \
	  echo "== shell scripts"; \
	  shellcheck --severity=warning $(SCRIPTS); \
	else \
	  echo "== shell scripts: not checked, shellcheck is not installed"; \
	fi

# VM=--full sends a bundle that is larger than vfat takes in one file.
test-vm: setup
	@echo "== sticks between virtual machines"
	@$(CARGO) build --locked --quiet
	@$(SUDO) tests/vm/run $(VM)

test-compat: setup
	@tests/compat/run

bench: setup
	@echo "== build shellpack (minutes the first time)"
	@$(CARGO) build --release --locked --quiet
	@benches/run $(BENCH)

man:
	@$(CARGO) run --locked --quiet --example man -- target/man
	@echo "man pages are in target/man; try: man -l target/man/shellpack.1"

dist: setup
	@scripts/dist

setup:
	@scripts/setup

# Nix's log is long, and interesting only if a build fails.
fixtures:
	@echo "== fixtures"
	@mkdir -p target
	@scripts/build-fixtures > target/build-fixtures.log 2>&1 || { cat target/build-fixtures.log >&2; exit 1; }
