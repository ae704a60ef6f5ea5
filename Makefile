# `make` lists what there is. Everything runs in .venv, which the first target that needs it makes; a stamp in it says
# what has been installed, so that a second run installs nothing. Other Python: make PYTHON=/path/to/python3.12 ...

PYTHON ?= $(or $(firstword $(foreach p,python3 python3.13 python3.12 python3.11,$(shell $(p) -c $(NEW_ENOUGH) 2>/dev/null && echo $(p)))),python3)
# The generator is old, and so are the Pythons it has packages for (3.9 to 3.13).
GENERATOR_PYTHON ?= $(PYTHON)
NEW_ENOUGH := 'import sys; sys.exit(sys.version_info < (3, 11))'

VENV := .venv
BIN := $(VENV)/bin
LOCKS := deploy/locks
PIP := -m pip --disable-pip-version-check install --quiet
DESCRIPTOR := proto/lamina.v1.binpb
# `make image TARGET=gpu`
TARGET ?= cpu
BUILDER ?= $(firstword $(foreach b,docker buildah podman,$(shell command -v $(b))))

# ONNX Runtime reports home from its first import unless told not to; Keras would look for TensorFlow.
export ORT_DISABLE_TELEMETRY := 1
export KERAS_BACKEND := torch

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help demo test test-gpu lint format types generate check-generated check-schema release-descriptor lock image bench clean \
        oracles lowest conformance

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-20s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.demo ## Install, start a server, send it real stacks, print what it answers
	$(BIN)/lamina demo

test: lint types check-generated check-schema oracles lowest ## Install and run everything that CI is judged by
	$(BIN)/pytest

test-gpu: $(VENV)/.test ## The tests that need a CUDA device
	$(BIN)/pytest -m gpu

conformance: $(VENV)/.test oracles ## What ONNX, PyTorch and Keras test of the same layers, and every property deeper (half an hour)
	$(BIN)/python -m tests.conformance

lint: $(VENV)/.test ## Ruff: rules (imports among them) and format
	$(BIN)/ruff check
	$(BIN)/ruff format --check

format: $(VENV)/.test ## Rewrite the code as Ruff wants it
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

types: $(VENV)/.test ## mypy --strict over client, server and tests
	$(BIN)/mypy

generate: $(VENV)/.test .venv-gen/.made ## Write the protobuf code and the SDK's constructors anew
	.venv-gen/bin/python proto/generate.py
	$(BIN)/python -m lamina_server.generate_sdk

check-generated: $(VENV)/.test ## Is the committed generated code what its sources say?
	@if $(MAKE) -s --no-print-directory .venv-gen/.made; \
	then .venv-gen/bin/python proto/generate.py --check; \
	else $(call lacking,the generator could not be installed: the protobuf code was NOT COMPARED with proto/.); fi
	$(BIN)/python -m lamina_server.generate_sdk --check

check-schema: $(VENV)/.test ## buf: style and comments, and nothing that breaks a released client
	$(BIN)/buf lint proto
	$(BIN)/buf breaking proto --against $(DESCRIPTOR)

release-descriptor: $(VENV)/.test ## At a release only: the schema that later ones must not break
	test ! -e $(DESCRIPTOR) || $(BIN)/buf breaking proto --against $(DESCRIPTOR)
	$(BIN)/buf build proto --exclude-source-info -o $(DESCRIPTOR)

lock: $(VENV)/.test ## Resolve the newest versions into deploy/locks
	$(BIN)/python $(LOCKS)/lock.py

image: ## Build the container image (TARGET=cpu or gpu) with docker, buildah or podman
	@test -n "$(BUILDER)" || { echo "make image needs docker, buildah or podman." >&2; exit 1; }
	$(BUILDER) build -f deploy/Dockerfile --target $(TARGET) -t lamina:$(TARGET) .

bench: $(VENV)/.test ## Measure the server against its goals
	$(BIN)/python -m tests.benchmarks

clean: ## Remove the environments and every cache
	rm -rf .venv .venv-gen .venv-lowest .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
	find client server tests proto deploy -name __pycache__ -prune -exec rm -rf {} +

# ---- environments: a stamp is touched last, so an interrupted installation starts again ----

$(VENV)/.made:
	@command -v "$(PYTHON)" >/dev/null || { echo "Lamina needs Python 3.11 or newer, and there is no $(PYTHON) here. Name one: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@"$(PYTHON)" -c $(NEW_ENOUGH) || { echo "Lamina needs Python 3.11 or newer; $(PYTHON) is $$("$(PYTHON)" -V 2>&1). Name another: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	"$(PYTHON)" -m venv --clear $(VENV)
	touch $@

# The build back end first, from the same lock: the editable install then needs no environment of its own.
$(VENV)/.demo: pyproject.toml $(LOCKS)/dev.txt | $(VENV)/.made
	@echo "Installing the server, the client and the command line into $(VENV) (once)"
	$(BIN)/python $(PIP) -c $(LOCKS)/dev.txt hatchling editables
	$(BIN)/python $(PIP) --no-build-isolation -c $(LOCKS)/dev.txt -e '.[server,cpu,cli]'
	touch $@

$(VENV)/.test: pyproject.toml $(LOCKS)/dev.txt $(VENV)/.demo
	@echo "Installing the test tools into $(VENV) (once)"
	$(BIN)/python $(PIP) --no-build-isolation -c $(LOCKS)/dev.txt -e '.[server,cpu,cli,dev]'
	touch $@

# ---- what some platforms lack: a developer is told loudly and goes on, CI stops ----

oracles: $(VENV)/.test
	@$(MAKE) -s --no-print-directory $(VENV)/.oracles \
	  || { $(call lacking,torch and keras could not be installed: the tests that compare with them are SKIPPED.); }

lowest: $(VENV)/.made
	@$(MAKE) -s --no-print-directory .venv-lowest/.made \
	  || { $(call lacking,the oldest versions admitted could not be installed: the tests on them are SKIPPED.); }

lacking = printf '\n%s\n!! %s\n%s\n\n' "$(BANGS)" "$(1)" "$(BANGS)" >&2; test -z "$$CI"
BANGS := !!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!

$(VENV)/.oracles: pyproject.toml $(LOCKS)/dev.txt | $(VENV)/.test
	@echo "Installing torch, keras and fvcore, the tests' oracles, into $(VENV) (once)"
	$(BIN)/python $(PIP) --no-build-isolation -c $(LOCKS)/dev.txt -e '.[keras,torch]'
	$(BIN)/python $(PIP) --no-build-isolation -c $(LOCKS)/dev.txt -e '.[counts]'
	touch $@

.venv-gen/.made: $(LOCKS)/generate.txt
	@command -v "$(GENERATOR_PYTHON)" >/dev/null || { echo "There is no $(GENERATOR_PYTHON) here." >&2; exit 1; }
	"$(GENERATOR_PYTHON)" -m venv --clear .venv-gen
	.venv-gen/bin/python $(PIP) --only-binary :all: -r $(LOCKS)/generate.txt \
	  || { echo "The generator has packages for Python 3.11 to 3.13. Name one: make GENERATOR_PYTHON=/path/to/python3.13" >&2; exit 1; }
	touch $@

# The oldest versions that pyproject.toml declares, for the tests that hold it to its word.
.venv-lowest/.made: pyproject.toml $(LOCKS)/lowest.txt $(VENV)/.made
	@echo "Installing the oldest versions admitted into .venv-lowest (once)"
	$(BIN)/python -m venv --clear .venv-lowest
	.venv-lowest/bin/python $(PIP) --only-binary :all: -c $(LOCKS)/lowest.txt hatchling editables
	.venv-lowest/bin/python $(PIP) --only-binary :all: --no-build-isolation -c $(LOCKS)/lowest.txt -e '.[server,cpu,cli]'
	touch $@
