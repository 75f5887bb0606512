# Fingertip. `make` lists the targets; whatever a target needs is set up on the way.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-builtin-rules --no-print-directory
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv/bin
UV := .tools/bin/uv --quiet
export UV_PYTHON_DOWNLOADS := never
export UV_CUSTOM_COMPILE_COMMAND := make lock
# A mirror that pip was told of serves uv as well.
ifdef PIP_INDEX_URL
export UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)
endif

# Stamps, each written last. A virtual environment remembers where it was made, so a stamp carries
# the folder's name: a copied checkout makes its own.
HERE := $(subst /,-,$(CURDIR))
TOOLS := .tools/ready$(HERE)
ENVIRONMENT := .venv/made$(HERE)
DEPENDENCIES := .venv/dependencies$(HERE)
WORKSPACE := .venv/workspace$(HERE)
GENERATED := protos/gen/ready

MEMBERS := protos server clients/python clients/ticket_machine clients/core_banking
# Folders are listed too: their time changes when a file is taken away.
CONTRACT := $(shell find protos/fingertip protos/third_party -name '*.proto' -o -type d)

##@ Use

.PHONY: demo
demo: $(WORKSPACE) ## Plays the whole story once with the demo bank, in separate processes.
	@$(VENV)/fingertip demo $(ARGS)

.PHONY: serve
serve: $(WORKSPACE) ## Starts the server with the demo bank and stays up.
	@$(VENV)/fingertip serve --demo $(ARGS)

##@ Develop

.PHONY: setup
setup: $(WORKSPACE) ## Puts tools, dependencies and generated code in place; the others call it.

.PHONY: generate
generate: $(GENERATED) ## Generates Python from the contract, when the contract has changed.

.PHONY: check
check: $(WORKSPACE) ## Checks contract, style, types and the import graph.
	@echo "check: the contract is formatted"
	@$(VENV)/buf format --diff --exit-code --path protos/fingertip
	@echo "check: the contract is well-formed"
	@$(VENV)/buf lint
	@echo "check: the contract breaks nobody"
	@$(VENV)/buf build --output - | $(VENV)/buf breaking - --config buf.yaml --against protos/baseline.binpb
	@echo "check: the code is formatted"
	@$(VENV)/ruff format --quiet --diff
	@echo "check: the code follows the rules"
	@$(VENV)/ruff check --quiet
	@echo "check: the types hold"
	@$(VENV)/mypy --no-error-summary
	@echo "check: dependencies run one way"
	@report=$$($(VENV)/lint-imports --no-logo) || { echo "$$report"; exit 1; }

.PHONY: test
test: ARGS ?= -n logical
test: $(WORKSPACE) ## Runs the tests, on all processors; ARGS="tests/lobby -x" goes to pytest instead.
	@$(VENV)/python -m pytest $(ARGS)

.PHONY: bench
bench: $(WORKSPACE) ## Measures throughput and CPU per call beside a bare server.
	@$(VENV)/python -m tests.bench $(ARGS)

##@ Maintain

.PHONY: baseline
baseline: $(DEPENDENCIES) ## Renews the contract that `check` compares with; say so in CHANGELOG.md.
	@$(VENV)/buf build --exclude-source-info --output protos/baseline.binpb

.PHONY: lock
lock: $(TOOLS) ## Renews requirements.lock; ARGS=--upgrade takes newer versions.
	@$(UV) pip compile --universal --python-version 3.11 --generate-hashes --all-extras \
		--group pyproject.toml:dev $(MEMBERS:%=%/pyproject.toml) \
		$(addprefix --no-emit-package fingertip-,contracts server client ticket-machine core-banking) \
		--output-file requirements.lock $(ARGS) > /dev/null

.PHONY: clean
clean: ## Removes what set-up, checks and builds made; data of a running bank stays.
	@rm -rf .tools .venv protos/gen $(MEMBERS:%=%/build) $(MEMBERS:%=%/*.egg-info)
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find $(MEMBERS) tests -name __pycache__ -prune -exec rm -rf {} + 2> /dev/null || true

.PHONY: help
help: ## Lists the targets.
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Set-up, step by step.

# uv, the installer, is locked like everything else.
$(TOOLS): requirements.lock
	@echo "setup: tools"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Fingertip needs Python 3.11 or newer; say which with PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -m venv .tools
	@sed -n '/^uv==/,/^[^ ]/ { /^uv==/p; /^ /p }' requirements.lock > .tools/uv.lock
	@.tools/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
		--require-hashes -r .tools/uv.lock
	@touch $@

$(ENVIRONMENT): | $(TOOLS)
	@echo "setup: virtual environment"
	@$(UV) venv --clear --python $(PYTHON) .venv
	@touch $@

$(DEPENDENCIES): requirements.lock $(ENVIRONMENT) | $(TOOLS)
	@echo "setup: dependencies"
	@$(UV) pip sync --python $(VENV)/python --require-hashes requirements.lock
	@touch $@

# The new code is swapped in when it is complete. Its stamp is as old as its start, so that what
# was edited meanwhile is generated again.
$(GENERATED): $(CONTRACT) buf.yaml buf.gen.yaml protos/protoc_gen_grpc_python.py $(DEPENDENCIES)
	@echo "setup: code from the contract"
	@new=$$(mktemp -d .venv/gen.XXXX); trap 'rm -rf "$$new"' EXIT; \
		mkdir "$$new/gen"; touch "$$new/gen/ready"; \
		PATH="$(CURDIR)/$(VENV):$$PATH" buf generate --output "$$new/gen"; \
		$(VENV)/buf export --exclude-imports --path protos/fingertip --output "$$new/gen/python"; \
		find "$$new/gen" -name '*.pyi' -printf '%h/py.typed\n' | sort -u | xargs touch; \
		rm -rf protos/gen; mv -T "$$new/gen" protos/gen

$(WORKSPACE): $(MEMBERS:%=%/pyproject.toml) $(DEPENDENCIES) | $(GENERATED) $(TOOLS)
	@echo "setup: the workspace's own packages"
	@$(UV) pip install --python $(VENV)/python --no-deps --no-build-isolation --offline \
		$(MEMBERS:%=--editable %)
	@touch $@
