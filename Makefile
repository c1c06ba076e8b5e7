# `make` lists the targets. Needs Rust, Python 3, bash, git and a C compiler; `make tools` brings what tests need beyond.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help build release demo test lint man snapshots bench fuzz deny install uninstall clean tools

PREFIX  ?= /usr/local
DESTDIR ?=
CARGO   ?= cargo
PYTHON  ?= python3

# The build is static, which needs an explicit target: the binary is in a folder of that name.
HOST    := $(shell rustc -vV 2>/dev/null | sed -n 's/^host: //p')
TARGET  := $(or $(CARGO_TARGET_DIR),target)
DEBUG   := $(TARGET)/$(HOST)/debug/shipctl
RELEASE := $(TARGET)/$(HOST)/release/shipctl
SOURCES := Cargo.toml Cargo.lock .cargo/config.toml $(shell find src -name '*.rs')

# What `install` and `demo` take, so that a package builder or a test can bring its own.
BINARY   ?= $(RELEASE)
DEMO     ?= $(DEBUG)
DEMO_DIR ?= target/demo

# The names of the older stand-alone programs, and of the helper that Docker calls: links to the one binary.
OLD_NAMES := shippable_retry shippable_replace shippable_decrypt shippable_jdk docker-credential-shipctl

help: ## List the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | sort | expand -t 12

build: $(DEBUG) ## Build for development
release: $(RELEASE) ## Build for use
	@ls -l $(RELEASE)

$(DEBUG): $(SOURCES)
	$(CARGO) build --locked
	@touch $@

$(RELEASE): $(SOURCES)
	$(CARGO) build --locked --release
	@touch $@

demo: $(DEMO) ## Build, make an example pipeline and run its two jobs
	@rm -rf '$(DEMO_DIR)'
	@mkdir -p '$(dir $(DEMO_DIR))'
	@bin="$$(cd '$(dir $(DEMO))' && pwd)" && export PATH="$$bin:$$PATH" && \
	export DEMO_ACCESS_KEY=AKIAIOSFODNN7EXAMPLE DEMO_SECRET_KEY=wJalrXUtnFEMIK7MDENG && \
	echo '$$ shipctl job example --pipeline $(DEMO_DIR)' && shipctl job example --pipeline '$(DEMO_DIR)' && \
	cd '$(DEMO_DIR)' && \
	echo '$$ shipctl job lint' && shipctl job lint && \
	for job in build_web deploy_web; do \
	echo "$$ shipctl job run $$job --integrations integrations.yml" && \
	shipctl job run "$$job" --integrations integrations.yml || exit; done && \
	echo '$$ shipctl version list web_img' && shipctl version list web_img && \
	echo 'demo: both jobs ran; look at $(DEMO_DIR)'

tools: ## Bring the programs that the tests run into .tools
	@$(PYTHON) tests/tools/fetch.py test

test: tools ## Run every test
	$(CARGO) test --locked --doc
	$(CARGO) test --locked --tests

lint: ## Check format, lints, documentation, scripts, man pages and licences
	@$(PYTHON) tests/tools/fetch.py lint
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --no-deps --document-private-items
	.tools/bin/shellcheck .ci/run bench/*.sh
	.tools/bin/mandoc -T lint -W error man/*.1
	$(PYTHON) -W error -c 'import ast, pathlib, sys; [ast.parse(pathlib.Path(f).read_text(), f) for f in sys.argv[1:]]' tests/tools/*.py bench/*.py
	$(PYTHON) tests/tools/licences.py

man: $(DEBUG) ## Write the man pages into man/
	rm -f man/*.1
	$(DEBUG) man --out man

snapshots: tools ## Write the help texts into snapshots/, to be read before they are committed
	$(CARGO) test --locked --test it --no-run
	rm -f snapshots/help__*.snap
	INSTA_UPDATE=always INSTA_FORCE_PASS=1 $(CARGO) test --locked --test it guards::

bench: $(RELEASE) ## Time whole commands side by side, then the parts inside
	@$(PYTHON) tests/tools/fetch.py bench
	bash bench/commands.sh '$(RELEASE)'
	$(CARGO) bench --locked --bench inside

# Property tests run by the hundred in `make test` and here for FUZZ_SECONDS, with new seeds each round. They are
# proptest's: the same test is the short run and the long one, on the stable compiler; a coverage-guided fuzzer would
# want a nightly one and a second harness.
FUZZ_SECONDS ?= 600
FUZZ_CASES   ?= 20000
fuzz: tools ## Run the property tests for FUZZ_SECONDS (600)
	@$(CARGO) test --locked --release --lib --no-run
	@round=0; until [ $$SECONDS -ge $(FUZZ_SECONDS) ]; do round=$$((round + 1)); \
	echo "fuzz: round $$round, $(FUZZ_CASES) cases each, $$SECONDS of $(FUZZ_SECONDS) seconds"; \
	PROPTEST_CASES=$(FUZZ_CASES) PROPTEST_VERBOSE=0 $(CARGO) test --locked --release --lib --quiet; done; \
	echo "fuzz: $$round rounds in $$SECONDS seconds, nothing found"

deny: ## Check licences, sources and advisories with cargo deny, which is built first (some minutes; needs the network)
	@[ -x .tools/cargo/bin/cargo-deny ] || $(CARGO) install cargo-deny --locked --root .tools/cargo --target-dir $(TARGET)/cargo-deny
	PATH="$$PWD/.tools/cargo/bin:$$PATH" $(CARGO) deny check licenses bans sources
	PATH="$$PWD/.tools/cargo/bin:$$PATH" $(CARGO) deny check advisories

install: $(BINARY) ## Install below $(DESTDIR)$(PREFIX): binary, older names, man pages, completions
	install -d '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(PREFIX)/share/man/man1' \
	  '$(DESTDIR)$(PREFIX)/share/bash-completion/completions' '$(DESTDIR)$(PREFIX)/share/zsh/site-functions' \
	  '$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d'
	install -m 755 '$(BINARY)' '$(DESTDIR)$(PREFIX)/bin/shipctl'
	for name in $(OLD_NAMES); do ln -sf shipctl "$(DESTDIR)$(PREFIX)/bin/$$name"; done
	install -m 644 man/*.1 '$(DESTDIR)$(PREFIX)/share/man/man1'
	'$(BINARY)' completions bash > '$(DESTDIR)$(PREFIX)/share/bash-completion/completions/shipctl'
	'$(BINARY)' completions zsh > '$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_shipctl'
	'$(BINARY)' completions fish > '$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/shipctl.fish'

uninstall: ## Remove what install put below $(DESTDIR)$(PREFIX)
	cd '$(DESTDIR)$(PREFIX)' && rm -f bin/shipctl $(OLD_NAMES:%=bin/%) $(patsubst man/%,share/man/man1/%,$(wildcard man/*.1)) \
	  share/bash-completion/completions/shipctl share/zsh/site-functions/_shipctl share/fish/vendor_completions.d/shipctl.fish

clean: ## Remove what was built and fetched
	$(CARGO) clean
	rm -rf .tools
