# What there is to do here. Everything works in a fresh clone on Debian or Ubuntu with Rust, a C
# compiler, python3, git and make; scripts/setup installs what else is missing.

CARGO ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)
# Wherever else a configuration of cargo's would put what it builds: what runs it looks for it there.
export CARGO_TARGET_DIR := $(or $(CARGO_TARGET_DIR),$(CURDIR)/target)
unexport CARGO_BUILD_TARGET

# Rust is often installed for one user only, where no login shell has been; and sudo gives root's PATH
# and home to what it runs.
ifeq ($(shell command -v $(CARGO) 2> /dev/null),)
  CALLER := $(and $(SUDO_USER),$(shell getent passwd "$(SUDO_USER)" 2> /dev/null | cut -d: -f6))
  FOUND := $(firstword $(wildcard $(patsubst %,%/bin/cargo,$(CARGO_HOME) $(HOME)/.cargo $(CALLER:%=%/.cargo))) \
    $(and $(SUDO_USER),$(shell runuser -l "$(SUDO_USER)" -c 'command -v cargo' 2> /dev/null)))
  ifeq ($(FOUND),)
    CARGO = $(error cargo is missing; see https://rustup.rs)
  endif
  export PATH := $(PATH):$(patsubst %/,%,$(dir $(FOUND)))
  ifneq ($(and $(CALLER),$(wildcard $(CALLER)/.rustup)),)
    export RUSTUP_HOME ?= $(CALLER)/.rustup
  endif
endif

# Shell scripts, for shellcheck.
SCRIPTS := $(filter-out scripts/licences scripts/needed scripts/recording scripts/recording.svg,$(wildcard scripts/*)) $(wildcard tests/vm/guest/*) \
  .ci/run fixtures/pack-nixpkgs fixtures/pack-sources tests/bare/run tests/compat/run tests/deb/run tests/fresh/run tests/setup/run

# Options of the benchmark, for one: BENCH='--only open --rounds 3'.
BENCH ?=

# Options of the virtual machines' tests, for one: VM=--full.
VM ?=

# Options of the tests on machines without Nix, for one: BARE=busybox.
BARE ?=

# The processors of the release's archives, for one: SYSTEMS=x86_64-linux.
SYSTEMS ?=

# Options of the torture, for one: TORTURE='--only kill'.
TORTURE ?=

# For `make install`: where to; below DESTDIR, for packagers; BIN, if that is built already.
PREFIX ?= /usr/local
DESTDIR ?=
BIN ?=
INSTALL = PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' ZSHDIR='$(ZSHDIR)' scripts/install

# Tools from crates.io that only some targets need: installed once, into target/tools.
TOOLS = $(TARGET)/tools
MDBOOK := $(or $(shell command -v mdbook),$(TOOLS)/bin/mdbook)
CARGO_DEB := $(or $(shell command -v cargo-deb),$(TOOLS)/bin/cargo-deb)
CARGO_DENY := $(or $(shell command -v cargo-deny),$(TOOLS)/bin/cargo-deny)

# Every page: the book has the same tree as the repository, so that links mean the same in both.
PAGES := $(wildcard *.md docs/*/*.md benches/*.md fuzz/README.md fixtures/nixpkgs/README.md)

# What takes root.
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
BY_SUDO := --config "target.'cfg(unix)'.runner = ['sudo', '--preserve-env', '--set-home']"

# The machines take Debian's kernel.
HAS_VM := $(shell grep -qs '^ID=debian' /etc/os-release && echo vm)

.PHONY: help install uninstall demo test check torture test-vm test-bare test-compat bench man book recording audit dist deb test-deb setup root fixtures

help:
	@echo "make demo         pack a nix-shell and open it in a room with no network"
	@echo "make install      program, man pages and completions, into PREFIX (default /usr/local)"
	@echo "make test         every check and test; what CI runs (root or sudo, 5 GB)"
	@echo "make check        format, lints, documentation, fixtures; no tests"
	@echo "make torture      break bundles, processes and disks on purpose, for an hour or more (root)"
	@echo "make test-vm      only that: sticks between virtual machines"
	@echo "make test-bare    bundles that open themselves, on machines without Nix (root, a network the first time)"
	@echo "make test-compat  other versions of Nix on the other side (needs a network)"
	@echo "make bench        measure shellpack against nix copy and nix-store (root, a network, 20 GB)"
	@echo "make man          man pages, in target/man"
	@echo "make book         all pages as a book, in target/book/html (a network, the first time)"
	@echo "make recording    record the terminal that the README shows, as docs/recording.svg"
	@echo "make audit        licences, duplicate versions, advisories (a network, the first time)"
	@echo "make dist         the archives of a release, in dist; the same bytes everywhere"
	@echo "make deb          a package for Debian and Ubuntu, in target/deb (a network, the first time)"
	@echo "make test-deb     install it on fresh Debian trees (root, a network)"
	@echo "tests/fresh/run   make demo and make test on fresh Debian trees (root, a network)"

demo:
	@scripts/setup demo
	@echo "== build shellpack (the first time it needs minutes, and 0.5 GB in $(TARGET))"
	@$(CARGO) build --release --locked
	@scripts/demo "$(TARGET)/release/shellpack"

install:
	@$(if $(BIN),:,$(CARGO) build --release --locked)
	@$(INSTALL) "$(or $(BIN),$(TARGET)/release/shellpack)"

uninstall:
	@$(INSTALL) --remove

test: root
	@scripts/setup test $(HAS_VM)
	@echo "== checks and tests (the first time they need half an hour, and 5 GB in $(TARGET))"
	@$(MAKE) --no-print-directory check
	@$(MAKE) --no-print-directory fixtures
	@echo "== tests"
	@$(CARGO) test --locked --no-run
	@$(CARGO) test --locked $(and $(SUDO),$(BY_SUDO)); status=$$?; $(and $(SUDO),sudo rm -rf "$(TARGET)/tmp";) exit $$status
	@$(MAKE) --no-print-directory torture TORTURE=--short
	@$(if $(HAS_VM), \
	  $(MAKE) --no-print-directory test-vm, \
	  echo "== sticks between virtual machines: not tried, they take Debian's kernel")

# The tests make machines of rooms, with users of their own.
root:
	@[ -z "$(SUDO)" ] || sudo -n true 2> /dev/null || { [ -t 0 ] && sudo -v; } || { \
	  echo "make: the tests need root, or a user who may use sudo; make check and make demo do not" >&2; exit 1; }

check: setup
	@echo "== format"
	@$(CARGO) fmt --check
	@echo "== lints"
	@$(CARGO) clippy --locked --all-targets -- -D warnings
	@echo "== documentation"
	@RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps
	@echo "== fuzz targets build"
	@CARGO_TARGET_DIR="$(TARGET)/fuzz" $(CARGO) check --locked --manifest-path fuzz/Cargo.toml
	@echo "== fixtures are up to date"
	@fixtures/pack-nixpkgs --check
	@echo "== scripts/setup"
	@tests/setup/run
	@if command -v shellcheck > /dev/null; then \
	  echo "== shell scripts"; \
	  shellcheck --severity=warning $(SCRIPTS) && \
	  shellcheck --severity=warning --shell=sh --exclude=SC2154,SC2195,SC2254 src/create/header.sh; \
	else \
	  echo "== shell scripts: not checked, shellcheck is not installed"; \
	fi

# TORTURE=--short takes two minutes; the full form writes benches/torture.md.
torture: root
	@echo "== torture"
	@$(CARGO) build --locked
	@$(SUDO) env CARGO_TARGET_DIR="$(TARGET)" tests/torture/run $(TORTURE)

# VM=--full sends a bundle that is larger than vfat takes in one file.
test-vm: root
	@echo "== sticks between virtual machines"
	@$(CARGO) build --locked
	@scripts/link-static > /dev/null
	@$(SUDO) env CARGO_TARGET_DIR="$(TARGET)" tests/vm/run $(VM); status=$$?; $(and $(SUDO),sudo chown -R "$$(id -u):$$(id -g)" "$(TARGET)/vm";) exit $$status

# BARE=busybox is one of the machines alone; BARE=arm takes a release build for that.
test-bare: root
	@$(CARGO) build --locked
	@$(if $(filter arm,$(BARE)), \
	  scripts/setup arm && { [ "$(filter --opener,$(BARE))" ] || scripts/build-static aarch64-linux > /dev/null; }, \
	  scripts/link-static > /dev/null)
	@$(SUDO) env CARGO_TARGET_DIR="$(TARGET)" tests/bare/run $(BARE); status=$$?; $(and $(SUDO),sudo chown "$$(id -u):$$(id -g)" "$(TARGET)/bare";) exit $$status

test-compat: setup
	@scripts/setup compat
	@$(CARGO) build --locked
	@tests/compat/run "$(TARGET)/debug/shellpack"

bench: setup
	@echo "== build shellpack (minutes the first time)"
	@$(CARGO) build --release --locked
	@benches/run $(BENCH)

man:
	@$(CARGO) run --locked --quiet -- man --dir target/man
	@echo "man pages are in target/man; try: man -l target/man/shellpack.1"

book: $(MDBOOK)
	@rm -rf "$(TARGET)/book"
	@mkdir -p "$(TARGET)/book/src"
	@cp docs/book.toml "$(TARGET)/book"
	@cp --parents -t "$(TARGET)/book/src" $(PAGES) docs/recording.svg
	@sed 's,](\.\./,](,; t; s,](,](docs/,' docs/SUMMARY.md > "$(TARGET)/book/src/SUMMARY.md"
	@"$(MDBOOK)" build "$(TARGET)/book"
	@echo "the book is in $(TARGET)/book/html; its first page is index.html"

recording:
	@scripts/setup recording
	@$(if $(BIN),:,$(CARGO) build --release --locked)
	@scripts/recording "$(or $(BIN),$(TARGET)/release/shellpack)"

# Advisories are in a git repository on GitHub, which is not within everybody's reach.
audit: $(CARGO_DENY)
	@echo "== licences, duplicate versions, sources"
	@"$(CARGO_DENY)" --offline --locked check licenses bans sources
	@echo "== advisories"
	@if "$(CARGO_DENY)" --locked fetch db; then \
	  "$(CARGO_DENY)" --locked check advisories; \
	else \
	  echo "== advisories: not checked, the database could not be fetched"; \
	fi

$(TOOLS)/bin/mdbook:
	@echo "== install mdbook into $(TOOLS) (minutes, once)"
	@$(CARGO) install --locked --root "$(TOOLS)" --version '^0.5' mdbook

$(TOOLS)/bin/cargo-deny:
	@echo "== install cargo-deny into $(TOOLS) (minutes, once)"
	@$(CARGO) install --locked --root "$(TOOLS)" --version '^0.20' cargo-deny

$(TOOLS)/bin/cargo-deb:
	@echo "== install cargo-deb into $(TOOLS) (minutes, once)"
	@$(CARGO) install --locked --root "$(TOOLS)" --version '^3' cargo-deb

deb: $(CARGO_DEB)
	@scripts/setup deb
	@scripts/deb "$(CARGO_DEB)"

test-deb: deb
	@tests/deb/run target/deb/shellpack_*.deb

# That for another processor takes a network and root, the first time.
dist:
	@scripts/setup dist
	@scripts/dist $(SYSTEMS)

setup:
	@scripts/setup

# Nix's log is long, and interesting only if a build fails.
fixtures:
	@echo "== fixtures"
	@mkdir -p target
	@scripts/build-fixtures > target/build-fixtures.log 2>&1 || { cat target/build-fixtures.log >&2; exit 1; }
