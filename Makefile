# Copyright: (c) 2026, meshlab contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Everything a checkout can do. `make` alone lists it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The environment is as its requirements say: their checksum is in the stamp's name.
STAMP := $(VENV)/.made-from-$(firstword $(shell sha256sum requirements/dev.txt))
# Where the lab's programs come from: built from modules, or the official releases.
export SOURCE ?= build
# molecule and ansible-lint start ansible-playbook by its name.
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Compiled Python is kept, and outside the checkout: without it, each of the parallel tests compiles everything again.
export PYTHONDONTWRITEBYTECODE :=
export PYTHONPYCACHEPREFIX ?= $(HOME)/.cache/meshlab/pycache

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help venv lab lab-down test test-all test-unit test-plays contract apiserver mutation lint sanity integration tools reference redact-rules lock format

help: ## Print this list
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' $(MAKEFILE_LIST) | expand -t 14

lab: venv ## Build or reuse the bundle, boot a lab host or go on with it, run site.yml on it (SOURCE=build|release)
	$(BIN)/python -m tests.lab up --reuse --source $(SOURCE)
	$(BIN)/ansible-playbook -i .lab/inventory.yml playbooks/site.yml

lab-down: venv ## Remove the lab host, and what of .lab/ leads to it
	$(BIN)/python -m tests.lab down

test: lint sanity test-unit test-plays contract apiserver integration ## Every gate for a change: lint, sanity, unit tests, one lab run

# Each of its runs names what it has left out, and fails by that; `make test-all MESHLAB_SKIPS=` only names it.
test-all: export MESHLAB_SKIPS ?= fail
test-all: tools test mutation ## And everything that takes hours, with its evidence in docs/evidence; begun again, it goes on
	$(BIN)/python -m tests.lab up --reuse --name long --lab .lab/long --source $(SOURCE)
	$(BIN)/ansible-playbook -i .lab/long/inventory.yml playbooks/site.yml
	MESHLAB_INVENTORY=.lab/long/inventory.yml MESHLAB_EVIDENCE=docs/evidence MESHLAB_RESUME=1 \
	  $(BIN)/pytest tests/apiserver tests/integration/all
	$(BIN)/python -m tests.lab down --name long --lab .lab/long

test-unit: venv ## The unit tests, with the coverage of module_utils (about a minute)
	$(BIN)/pytest tests/unit --numprocesses 4 --dist worksteal --cov --cov-report=
	@$(BIN)/python -m tests.coverage_limits

test-plays: venv ## Real runs of ansible-playbook on this machine, without a cluster
	$(BIN)/pytest tests/plays --numprocesses 4 --dist worksteal

contract: venv ## What Bookinfo promises, held by the lab's stand-ins
	$(BIN)/pytest tests/contract

apiserver: venv ## istioctl_install against a real API server, without a node: the short tests (a minute once the bundle is built)
	$(BIN)/python -m tests.lab bundle
	$(BIN)/pytest tests/apiserver -m short

tools: # What tests compare with, as far as it is missing
	@for tool in curl wrk; do \
	  command -v $$tool >/dev/null || DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $$tool >/dev/null || exit 1; \
	done

mutation: venv ## Mistakes in the diff, wait and gateway code that no unit test notices: at most 20 % (half an hour)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
	  --requirement requirements/mutation.txt
	$(BIN)/python -m tests.mutation

integration: venv ## One lab run by molecule: create, check, converge, again unchanged, check, verify, destroy
	$(BIN)/pytest tests/integration/test_lab.py

lint: venv ## Formatting, ruff, mypy, yamllint, ansible-lint
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/mypy --python-version 3.10 --package ansible_collections.meshlab.istio.plugins
	$(BIN)/yamllint --strict .
	$(BIN)/ansible-lint

sanity: venv ## ansible-test sanity: the documentation of modules against their argument specs, imports, style
	$(BIN)/python tests/sanity.py plugins/

format: venv ## Mend what tools can mend
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

reference: venv ## Write docs/reference.md from the modules' documentation and the roles' argument_specs
	$(BIN)/python docs/build_reference.py

redact-rules: venv ## Convert gitleaks' rules into plugins/module_utils/_redact_rules.py
	$(BIN)/python requirements/redact_rules.py

lock: venv ## Pin the newest allowed versions: dev.txt, lab.txt and mutation.txt in requirements/, roles/host/files/requirements.txt
	$(BIN)/python requirements/lock.py

venv: $(STAMP) ## Make .venv with the tools, and link the checkout into it as meshlab.istio

$(STAMP):
	requirements/make-venv $(PYTHON) $(VENV)
	@rm -f $(VENV)/.made-from-*
	@touch $@
