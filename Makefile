# The face of the project: each target calls meson or a script of tools/. "make help" lists them.
BUILD ?= build
MESON_ARGS ?=
export CSTASH = $(CURDIR)/$(BUILD)/cstash

.DEFAULT_GOAL := help
.PHONY: help build demo test test-unit test-build servers-matrix e2e check clang asan tsan coverage lint fmt fmt-check arch fuzz crash failover bench deploy docs release install package package-test image krew bundle clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BUILD)/build.ninja:
	@tools/install-deps build
	@meson setup $(BUILD) $(MESON_ARGS) >/dev/null

build: $(BUILD)/build.ninja ## the program, at build/cstash
	@meson compile -C $(BUILD) >$(BUILD)/compile.log 2>&1 || { cat $(BUILD)/compile.log; exit 1; }
	@echo "$(BUILD)/cstash is built"

demo: build ## back up, wipe and restore a throw-away Redis, and prove that nothing is lost
	@tools/install-deps demo
	@tools/demo $(CSTASH)

test: test-build ## build and run everything; ends with "N passed, N failed"
	@tools/install-deps servers
	@tools/run-tests $(BUILD)

test-unit: test-build ## only what needs no server
	@tools/run-tests $(BUILD) --unit

e2e: test-build image ## on a Kubernetes cluster of one node, which it brings up and down (as root); "N passed, N failed"
	@tools/install-deps build test e2e
	@tests/e2e/cluster/build >/dev/null
	@tools/run-tests $(BUILD) --e2e

test-build:
	@tools/install-deps build test
	@test ! -f $(BUILD)/build.ninja || test -d $(BUILD)/tests || meson setup --reconfigure $(BUILD) >/dev/null
	@$(MAKE) --no-print-directory build

check: arch fmt-check clang asan tsan lint ## all checks beside the tests: layers, format, clang, sanitizers, lint

clang: ## build with clang, warnings as errors
	@tools/install-deps build test check
	@test -f build-clang/build.ninja || CC=clang meson setup build-clang >/dev/null
	@meson compile -C build-clang >build-clang/compile.log 2>&1 || { cat build-clang/compile.log; exit 1; }

asan: ## everything under AddressSanitizer and UndefinedBehaviorSanitizer
	@tools/install-deps build test
	@test -f build-asan/build.ninja || meson setup build-asan -Db_sanitize=address,undefined -Db_lundef=false >/dev/null
	@meson compile -C build-asan >build-asan/compile.log 2>&1 || { cat build-asan/compile.log; exit 1; }
	@UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 ASAN_OPTIONS=abort_on_error=1 tools/run-tests build-asan --ours

tsan: ## the unit tests, the round trips, clusters, the stores and the control plane under ThreadSanitizer
	@tools/install-deps build test
	@test -f build-tsan/build.ninja || meson setup build-tsan -Db_sanitize=thread -Db_lundef=false >/dev/null
	@meson compile -C build-tsan >build-tsan/compile.log 2>&1 || { cat build-tsan/compile.log; exit 1; }
	@TSAN_OPTIONS=halt_on_error=1 tools/run-tests build-tsan test_ fuzz_ roundtrip cluster flow plane_jobs kubectl kube.bats verbs conformance/store

coverage: ## how much of src/ the tests run, a line per folder (gcov)
	@tools/install-deps build test servers coverage
	@test -f build-coverage/build.ninja || meson setup build-coverage -Db_coverage=true >/dev/null
	@meson compile -C build-coverage >build-coverage/compile.log 2>&1 || { cat build-coverage/compile.log; exit 1; }
	@tools/run-tests build-coverage --ours
	@tools/coverage build-coverage

lint: test-build ## clang-tidy
	@tools/install-deps check
	@tools/lint $(BUILD)

fmt: ## format the sources (needs clang-format: tools/install-deps check)
	@command -v clang-format >/dev/null || { echo "clang-format is missing: run tools/install-deps check" >&2; exit 1; }
	@git ls-files '*.c' '*.h' | xargs clang-format -i

fmt-check:
	@tools/install-deps check
	@git ls-files '*.c' '*.h' | xargs clang-format --dry-run --Werror

arch: ## check src/LAYERS and that every header stands alone; print the graph
	@tools/install-deps build test
	@tools/check-layers --print
	@tools/check-headers

fuzz: ## run each fuzz target for FUZZ_SECONDS (default 60) with libFuzzer
	@tools/install-deps build check
	@tools/fuzz $${FUZZ_SECONDS:-60}

servers-matrix: build ## back up and restore between all pinned versions of servers; writes the tables of docs/versions.md
	@tools/install-deps build test servers
	@tests/servers/matrix --docs docs/versions.md

crash: test-build ## strike and kill every command, and let restic judge: CRASH_KILLS (2000), CRASH_SEED; RESTIC_NEW: a second restic
	@CRASH_SEEDS=5 CRASH_RESTIC="restic $$RESTIC_NEW" $(BUILD)/tests/test_crash
	@tests/fault/crash $(CSTASH)

failover: test-build ## strike masters of clusters during backups and restores: FAILOVER_STRIKES (50 of each kind), FAILOVER_SEED
	@tests/fault/failover $(CSTASH)

bench: test-build ## measure against restic, redis-cli and others; prints the table
	@tools/install-deps bench
	@bench/run $(CSTASH)

deploy: build ## what is generated in deploy/ anew: CRDs, catalog, operator.yaml (needs helm)
	@tools/deploy $(CSTASH)

docs: test-build ## docs/commands.md, docs/conditions.md and docs/kinds.md anew, from the tables of the program
	@tools/docs $(CSTASH) >docs/commands.md
	@$(BUILD)/tests/test_api_conditions --print >docs/conditions.md
	@$(BUILD)/tests/test_api_kinds --print >docs/kinds.md

release: ## a stripped program with hardening, at build-release/cstash
	@tools/install-deps build
	@test -f build-release/build.ninja || meson setup build-release -Dtests=disabled -Dfuzz=false --buildtype=release --strip >/dev/null
	@meson compile -C build-release >build-release/compile.log 2>&1 || { cat build-release/compile.log; exit 1; }
	@strip -o build-release/cstash.stripped build-release/cstash && mv build-release/cstash.stripped build-release/cstash
	@ls -l build-release/cstash

PREFIX ?= /usr/local
install: release ## program, manual pages, completions and systemd units, below PREFIX (/usr/local); DESTDIR is put in front
	@tools/install build-release/cstash $(PREFIX)

package: release ## a .deb and an .rpm of the same files, with their checksums, at build/packages
	@tools/install-deps package
	@tools/package build-release/cstash $(BUILD)/packages

package-test: build release ## the packages, installed into a fresh Debian and into an empty root (as root)
	@tools/install-deps test package package-test
	@tools/run-tests $(BUILD) --package

image: release ## the image, as an OCI archive at build/cstash-image.tar
	@tools/install-deps image
	@tools/image build-release/cstash $(BUILD)/cstash-image.tar

krew: release ## the plug-in for kubectl as krew installs it: archive and manifest, at build/krew
	@tools/install-deps rootfs
	@tools/krew build-release/cstash $(BUILD)/krew

bundle: ## the bundle for the Operator Lifecycle Manager, at build/bundle
	@tools/install-deps test
	@tools/bundle $(BUILD)/bundle

clean: ## remove all build folders
	@rm -rf build build-clang build-asan build-tsan build-fuzz build-coverage build-release
