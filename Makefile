# Builds, tests and shows onggi. `make help` lists the targets.
#
# Wanted on the machine: Node 20 or later with npm, gcc, make, python3. The rest is installed when it is missing: the
# pinned runtimes and tools from the npm registry (npm ci, no install scripts), Debian packages by scripts/need-packages.

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c

MACHINE := $(shell uname -m)
NPM_ARCH := $(if $(filter aarch64,$(MACHINE)),arm64,x64)
BUN := toolchain/node_modules/@oven/bun-linux-$(if $(filter aarch64,$(MACHINE)),aarch64,x64)/bin/bun
NODE := toolchain/node_modules/node-linux-$(NPM_ARCH)/bin/node
TSC := node_modules/.bin/tsc
BIOME := node_modules/.bin/biome

PREFIX ?= /usr/local
DESTDIR ?=

# npm writes this file last, so its age is the age of the installation.
PACKAGES := node_modules/.package-lock.json
TOOLCHAIN := toolchain/node_modules/.package-lock.json

SOURCES := $(shell find src -name '*.ts' ! -name '*.test.ts')
NATIVE := $(wildcard native/*/*.c native/*/*.h native/Makefile)

.DELETE_ON_ERROR:
.DEFAULT_GOAL := build

##@ Use

.PHONY: build
build: dist/onggi dist/onggi-runtime dist/onggi-shim dist/onggi.node dist/lib/engine/index.js ## Build dist/onggi, the native part and the library

.PHONY: demo
demo: dist/onggi dist/onggi-shim dist/onggi.node ## Show the main job on real input, one line of explanation a step
	@scripts/need-packages busybox-static
	@scripts/demo

.PHONY: install
install: dist/onggi dist/onggi-shim dist/onggi.node ## Install below $(PREFIX) (default /usr/local; DESTDIR for packagers)
	install -d $(DESTDIR)$(PREFIX)/lib/onggi $(DESTDIR)$(PREFIX)/bin
	install -m 755 dist/onggi dist/onggi-shim $(DESTDIR)$(PREFIX)/lib/onggi/
	install -m 644 dist/onggi.node $(DESTDIR)$(PREFIX)/lib/onggi/
	ln -sfn ../lib/onggi/onggi $(DESTDIR)$(PREFIX)/bin/onggi
	ln -sfn ../lib/onggi/onggi $(DESTDIR)$(PREFIX)/bin/onggi-runtime
	ln -sfn onggi $(DESTDIR)$(PREFIX)/lib/onggi/skopeo
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's|@PREFIX@|$(PREFIX)|' packaging/onggi-boot.service.in > $(DESTDIR)$(PREFIX)/lib/systemd/system/onggi-boot.service

.PHONY: uninstall
uninstall: ## Remove what install put there
	rm -rf $(DESTDIR)$(PREFIX)/lib/onggi $(DESTDIR)$(PREFIX)/bin/onggi $(DESTDIR)$(PREFIX)/bin/onggi-runtime \
	  $(DESTDIR)$(PREFIX)/lib/systemd/system/onggi-boot.service

##@ Check

.PHONY: test
test: build probe shim-asan vm-kernel ## Check types, style and imports, then run every test; last line "N passed, N failed"
	@scripts/need-packages $(TEST_PACKAGES)
	@$(NODE) scripts/run-tests.ts

.PHONY: test-vm
test-vm: build probe vm-kernel ## Run the tests of cgroup v2, systemd and checkpoints in a virtual machine
	@scripts/need-packages $(VM_PACKAGES)
	@$(NODE) scripts/run-tests.ts vm

.PHONY: test-unit
test-unit: $(PACKAGES) $(TOOLCHAIN) ## Run the tests that need neither root nor a build
	@$(NODE) scripts/run-tests.ts unit

.PHONY: test-system
test-system: build probe ## Run the tests on the real kernel, as root
	@scripts/need-packages $(TEST_PACKAGES)
	@$(NODE) scripts/run-tests.ts system

.PHONY: test-security
test-security: build probe ## Run the attacks, as root
	@scripts/need-packages $(TEST_PACKAGES)
	@$(NODE) scripts/run-tests.ts security

.PHONY: fuzz
fuzz: build shim-asan ## Damage configurations and plans until SECONDS (600) are over
	@$(NODE) scripts/fuzz.ts $(SECONDS)

.PHONY: chaos
chaos: build probe ## Kill commands, shims and containers at work, as root, until SECONDS (300) are over
	@ONGGI_TEST_CHAOS_SECONDS=$(or $(SECONDS),300) test/harness/own-view.sh $(NODE) --test \
	  --test-reporter=./scripts/test-reporter.ts test/system/chaos.test.ts

.PHONY: test-long
test-long: build probe ## A thousand run --rm at once, as root; minutes
	@ONGGI_TEST_LONG=1 ONGGI_TEST_PATIENCE=3 test/harness/own-view.sh $(NODE) --test --test-concurrency=1 \
	  --test-reporter=./scripts/test-reporter.ts test/system/many-at-once.test.ts

.PHONY: test-engines
test-engines: build probe vm-kernel ## Run dockerd and podman over systemd's cgroups in a virtual machine, with onggi-runtime; minutes
	@scripts/need-packages $(VM_PACKAGES) docker.io podman
	@$(NODE) test/vm/boot.ts unified test/vm/engines.test.ts

.PHONY: test-weakened
test-weakened: build probe ## Take out one defence after the other and see its attack succeed, as root; minutes
	@$(NODE) scripts/test-weakened.ts

.PHONY: check
check: $(PACKAGES) $(TOOLCHAIN) ## Check types, style, the direction of imports and what may not be written
	$(TSC) --noEmit
	$(BIOME) check --error-on-warnings
	$(NODE) scripts/check-imports.ts
	$(NODE) scripts/check-hazards.ts

.PHONY: format
format: $(PACKAGES) ## Format the TypeScript and JSON files
	$(BIOME) check --write

.PHONY: bench
bench: build ## Measure beside the installed peers and write the table of BENCHMARKS.md
	@scripts/need-packages hyperfine busybox-static
	@$(NODE) bench/main.ts

##@ Keep house

.PHONY: clean
clean: ## Remove what was built
	rm -rf dist

.PHONY: distclean
distclean: clean ## Remove what was built and what was fetched
	rm -rf node_modules toolchain/node_modules .cache

.PHONY: help
help: ## List the targets
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@ / { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

# ---- what is built -------------------------------------------------------------------------------------------------

# Split (scripts/bundle.ts), so that a command reads only the modules it uses: 2.0 ms of CPU for `onggi --version`, as
# much as an empty script, against 2.6 ms in one piece. There is no just-in-time compiler but for commands that ask for
# one (scripts/seal-executable.ts). Autoloading is off: a program that runs as root must not take settings from a
# .env or bunfig.toml of the directory it happens to be called in, and it is sealed against Bun's variables. Bun only
# warns when it can't make bytecode.
BUNDLER := scripts/bundle.ts scripts/bundle-groups.ts scripts/hot-commands.ts scripts/import-scan.ts
dist/onggi: $(SOURCES) $(PACKAGES) $(TOOLCHAIN) Makefile $(BUNDLER) scripts/seal-executable.ts
	@mkdir -p dist/.new
	$(NODE) scripts/bundle.ts dist/.new/bundle
	$(BUN) build dist/.new/bundle/main.js --compile --bytecode --minify --format=esm --splitting --outfile dist/.new/onggi \
	  --no-compile-autoload-dotenv --no-compile-autoload-bunfig 2>&1 | tee dist/.new/log
	@! grep -q 'error:' dist/.new/log
	@$(NODE) scripts/seal-executable.ts dist/.new/onggi
	@mv dist/.new/onggi $@
	@rm -rf dist/.new/bundle

# The low-level runtime is the same program, told by the name that it is called by.
dist/onggi-runtime: dist/onggi
	@ln -sfn onggi $@

dist/onggi.node: $(NATIVE) $(PACKAGES)
	@$(MAKE) --no-print-directory -C native addon
	@touch $@

dist/onggi-shim: $(NATIVE)
	@scripts/need-packages musl-tools
	@$(MAKE) --no-print-directory -C native shim
	@touch $@

dist/lib/engine/index.js: $(SOURCES) tsconfig.json tsconfig.lib.json $(PACKAGES)
	rm -rf dist/lib
	$(TSC) --project tsconfig.lib.json

.PHONY: probe
probe: # The static program that reports what it sees of itself.
	@scripts/need-packages musl-tools
	@$(MAKE) --no-print-directory -C native probe

.PHONY: shim-asan
shim-asan: dist/onggi.node # The shim with the address and undefined behaviour sanitizers.
	@$(MAKE) --no-print-directory -C native -f Makefile -f ../test/harness/sanitized.mk shim-asan
	@cp dist/onggi.node dist/asan/

# ---- what is fetched -----------------------------------------------------------------------------------------------

$(PACKAGES): package-lock.json package.json .npmrc
	npm ci --loglevel=error
	@touch $@

$(TOOLCHAIN): toolchain/package-lock.json toolchain/package.json toolchain/.npmrc
	npm ci --prefix toolchain --loglevel=error
	@touch $@

TEST_PACKAGES := busybox-static zsh fish btrfs-progs xfsprogs bzip2 xz-utils docker-registry apache2-utils iproute2 nftables strace zstd \
  runc crun libseccomp-dev uidmap passt openssl skopeo \
  e2fsprogs python3-minimal umoci docker.io containerd podman
VM_PACKAGES := qemu-system-x86 busybox-static cpio e2fsprogs xfsprogs secilc crun

.PHONY: vm-kernel
vm-kernel:
	@test/vm/fetch-kernel
	@test/vm/fetch-system
