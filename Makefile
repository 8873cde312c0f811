# The commands of the project. `make` alone lists them.

CARGO ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)
# Built together, always: cargo would build what they share anew for each selection of packages that asks for other features.
BUILD := $(CARGO) build --locked $(addprefix --package ,api ingest consumer chatctl localsystem load)
RELEASE := $(BUILD) --release
RUN_FLAGS ?=
DEMO_FLAGS ?=
LOAD_FLAGS ?=
BENCH_FLAGS ?=
FAULTS_FLAGS ?=
SOAK_MINUTES ?= 120
API_CHECK_FLAGS ?=
MODEL_FLAGS ?= --replicas 3 --creates 1 --losses 1
BROKEN_FLAGS ?=
FUZZ_SECONDS ?= 60
FUZZ_TARGETS := body path envelope grams
CARGO_FUZZ_VERSION := 0.13.2

.PHONY: help run demo test model collections load bench bench-quick instructions instructions-record faults soak broken api-check \
	openapi fuzz fuzz-build lint docs compose-lint compose-check kubernetes-check systemd-check \
	alerts-check dashboards-check console-check deny sbom release release-check pictures

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# What would else be told after minutes of building, if at all.
run demo load bench bench-quick faults soak pictures: ready-release
test collections console-check broken api-check openapi compose-check dashboards-check: ready-debug
ready-%:
	@CARGO="$(CARGO)" scripts/ready $(TARGET) $*

run: ## Run the whole system from nothing, until Ctrl-C
	@scripts/ports-free $(RUN_FLAGS)
	@$(RELEASE)
	@$(TARGET)/release/localsystem $(RUN_FLAGS)

demo: ## Load the plays of Shakespeare into the running system and check them
	@$(RELEASE) --quiet
	@$(TARGET)/release/chatctl demo $(DEMO_FLAGS)

test: ## Run all tests against real servers
	@command -v curl >/dev/null || scripts/apt-install curl
	@$(CARGO) test --workspace --locked --no-run
	@$(TARGET)/debug/devstack exec --mariadb --servers mysql -- env CARGO="$(CARGO)" DEVSTACK="$(TARGET)/debug/devstack" scripts/test

model: ## Check the numbering protocol in every order of its steps, within MODEL_FLAGS
	@$(CARGO) run --locked --release --package model -- $(MODEL_FLAGS)

collections: ## Run the Bruno and Postman collections against a system of their own
	@$(BUILD)
	@ADMIN_TOKEN=an-administrator-of-the-collections $(TARGET)/debug/localsystem exec -- scripts/collections

console-check: ## Try the console in a browser, against a system of its own, and take pictures of it
	@$(BUILD)
	@ADMIN_TOKEN=an-administrator-of-the-console-check $(TARGET)/debug/localsystem exec -- scripts/console-check

load: ## Measure creates per second and check what was stored
	@$(RELEASE)
	@$(TARGET)/release/load $(LOAD_FLAGS)

bench: ## Measure all that is promised about speed, each beside its limit, and print one table
	@command -v wrk >/dev/null || scripts/apt-install wrk
	@$(RELEASE)
	@$(TARGET)/release/load bench $(BENCH_FLAGS)

bench-quick: ## The main ratios, in less than two minutes
	@$(RELEASE)
	@$(TARGET)/release/load bench --quick $(BENCH_FLAGS)

instructions: ## Count the instructions of the hot paths, and hold them against scripts/instructions.txt
	@$(CARGO) build --manifest-path hotpaths/Cargo.toml --locked --release --target-dir $(TARGET)/hotpaths
	@HOTPATHS=$(TARGET)/hotpaths/release/hotpaths scripts/instructions

instructions-record: ## Write scripts/instructions.txt anew
	@$(CARGO) build --manifest-path hotpaths/Cargo.toml --locked --release --target-dir $(TARGET)/hotpaths
	@HOTPATHS=$(TARGET)/hotpaths/release/hotpaths scripts/instructions --record

faults: ## Let all go wrong that may, under load, and check that nothing is lost or doubled (10 minutes)
	@$(RELEASE)
	@$(TARGET)/release/load faults $(FAULTS_FLAGS)

soak: ## The same for SOAK_MINUTES (120): longer faults, and combinations of two
	@$(RELEASE)
	@$(TARGET)/release/load faults --minutes $(SOAK_MINUTES) --hold 60 $(FAULTS_FLAGS)

broken: ## Have the history checker find out builds that lack a guard, and not the sound one
	@$(BUILD)
	@BUILD="$(BUILD)" scripts/broken $(BROKEN_FLAGS)

# Without a sanitizer: there is no unsafe code to find fault with, and a stable compiler has none.
fuzz: ## Fuzz each target for FUZZ_SECONDS (60)
	@$(CARGO) fuzz --version >/dev/null 2>&1 || $(CARGO) install cargo-fuzz --locked --version $(CARGO_FUZZ_VERSION)
	@for target in $(FUZZ_TARGETS); do mkdir -p fuzz/corpus/$$target && \
		$(CARGO) fuzz run --sanitizer none $$target fuzz/corpus/$$target fuzz/seeds/$$target -- \
			-max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 || exit 1; done

fuzz-build: ## Build the fuzz targets, without instrumentation: needs no cargo-fuzz
	@command -v c++ >/dev/null || scripts/apt-install g++
	$(CARGO) build --manifest-path fuzz/Cargo.toml --locked

api-check: ## Hold both running services against their OpenAPI documents
	@$(BUILD)
	@$(TARGET)/debug/localsystem exec -- scripts/api-check $(API_CHECK_FLAGS)

openapi: ## Write the OpenAPI documents that the code makes into docs/openapi
	@$(BUILD)
	@$(TARGET)/debug/api openapi > docs/openapi/api.json
	@$(TARGET)/debug/ingest openapi > docs/openapi/ingest.json

lint: ## Formatting and clippy
	$(CARGO) fmt --all --check
	$(CARGO) fmt --manifest-path fuzz/Cargo.toml --check
	$(CARGO) fmt --manifest-path hotpaths/Cargo.toml --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings

docs: ## Build the code's documentation
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps

compose-lint: ## Check docker-compose.yml, its settings, the Dockerfile, the proxy's routes and the shell scripts
	@scripts/lint

compose-check: ## Run docker-compose.yml itself, and replace and kill its replicas under load (as root; PROGRAMS=DIRECTORY compiles nothing)
	@$(BUILD) --package devstack
	@DEVSTACK=$(TARGET)/debug/devstack CHATCTL=$(TARGET)/debug/chatctl PROGRAMS=$(PROGRAMS) scripts/compose-check/run

kubernetes-check: ## Check the Kubernetes manifests against the schemas, each other and the settings
	@deploy/kubernetes/check

systemd-check: ## Check the systemd units, and how little they may do
	@deploy/systemd/check

# With limits, counts soon, and traces (which nobody takes), so that there is something to see of these, too.
dashboards-check: ## Evaluate every query of the dashboards with a Prometheus that scrapes a system of its own
	@$(BUILD)
	@RATE_LIMIT_PER_MINUTE=600000 CHAT__CONSUMER__COUNT_FIRST_MS=1000 OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1 $(TARGET)/debug/localsystem exec -- scripts/dashboards-check

alerts-check: ## Check Prometheus' rules, test every alert, and hold rules and dashboard against the code
	@scripts/alerts-check

deny: ## Hold what others wrote against deny.toml: licences, versions, sources, known faults
	@scripts/supply-chain/deny

sbom: ## Write what the programs are made of into target/chat.cdx.json (CycloneDX)
	@mkdir -p $(TARGET)
	@scripts/supply-chain/sbom $(TARGET)/chat.cdx.json

release: ## Make an archive of static programs, with checksum and changes, of what is committed
	@deploy/release/release $(TARGET)/release-archives

release-check: ## Make it twice, in two directories, and compare byte by byte
	@deploy/release/check

pictures: ## Make the README's pictures of the demo and of the console anew
	@$(RELEASE)
	@CHATCTL=$(TARGET)/release/chatctl $(TARGET)/release/localsystem exec -- scripts/pictures/draw
