# Everything a person does with a checkout. The virtual environment makes itself; nothing is
# installed outside this directory. Paths stay relative, so a directory with a space works.

.DEFAULT_GOAL := help
.PHONY: help run test check format-check lint types imports architecture security audit bench fmt lock browser promtool screenshots chaos fuzz samples clean FORCE
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
CODE := domain webhooks workers tests

# A copied or renamed checkout has a .venv whose commands point at the old place, and an upgraded
# system may have taken its interpreter away: both make a new one.
HOME_OF_VENV := $(shell $(BIN)/python -c '' 2>/dev/null && cat $(VENV)/.home 2>/dev/null)
ifneq ($(HOME_OF_VENV),$(CURDIR))
MAKE_ANEW := FORCE
endif

help: ## list what can be done here
	@echo 'Billhook. Usage: make TARGET, where TARGET is one of'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' Makefile
	@echo 'Variables: PYTHON=… picks the interpreter (3.11 or newer), ARGS=… is handed to pytest or billhook up.'

run: $(VENV)/.project ## start everything on this machine and play a short story (Ctrl-C stops it)
	@$(BIN)/billhook up $(ARGS)

test: $(VENV)/.project ## run all tests, on real PostgreSQL and Redis or Valkey
	@$(BIN)/python -m pytest --numprocesses=auto --dist=worksteal $(ARGS)

check: format-check lint types imports architecture security audit ## run every check that is not a test of behaviour

format-check: $(VENV)/.project ## is everything formatted
	@$(BIN)/ruff format --check --quiet . || { echo 'Some files are not formatted: make fmt' >&2; exit 1; }

lint: $(VENV)/.project ## ruff
	@$(BIN)/ruff check --quiet .

types: $(VENV)/.project ## mypy, strict
	@$(BIN)/mypy --no-error-summary

imports: $(VENV)/.project ## who may import whom
	@$(BIN)/lint-imports --no-cache --no-logo

architecture: $(VENV)/.project ## the rules of the house that no linter knows
	@$(BIN)/python -m pytest --quiet tests/architecture

security: $(VENV)/.project ## bandit
	@$(BIN)/bandit --quiet --configfile pyproject.toml --recursive domain webhooks workers

audit: $(VENV)/.project ## known holes in the locked dependencies (a warning only when offline)
	@$(BIN)/python .ci/audit.py requirements.lock

bench: $(VENV)/.project ## measure web and workers beside a naive design (ARGS=--record keeps the figures)
	@$(BIN)/python -m bench $(ARGS)

fmt: $(VENV)/.project ## format the code and mend what ruff can mend
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format --quiet .

browser: $(VENV)/.project ## Chromium for the tests in a real browser (from the distribution, as root)
	@.ci/browser

screenshots: $(VENV)/.project ## pictures of every page of the console into docs/screenshots (needs a browser)
	@$(BIN)/python -m tests.browser.screenshots docs/screenshots

chaos: $(VENV)/.project ## faults of every kind while accounts live through months (ARGS="--seeds 200")
	@$(BIN)/python -m tests.chaos $(ARGS)

fuzz: $(VENV)/.project ## hostile deliveries for some minutes (ARGS="--minutes 60")
	@$(BIN)/python -m tests.fuzz $(ARGS)

promtool: ## promtool for the tests of docs/monitoring (from the distribution, as root)
	@.ci/promtool

samples: $(VENV)/.project ## pictures of every paper and every mail into docs/samples (make browser first)
	@$(BIN)/python -m tests.pictures docs/samples

lock: $(VENV)/.locked ## write requirements.lock again from pyproject.toml (UPGRADE=1: newest versions)
	@$(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --all-extras \
		--generate-hashes --custom-compile-command 'make lock' $(if $(UPGRADE),--upgrade) \
		--output-file requirements.lock
	@echo 'requirements.lock is written; the next command makes .venv from it.'

clean: ## remove .venv and every cache; what the application keeps in var/ stays
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Two steps, so that a change of pyproject.toml does not download everything again.
$(VENV)/.project: $(VENV)/.locked pyproject.toml
	@$(BIN)/python -m pip install --quiet --no-input --disable-pip-version-check \
		--no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.locked: requirements.lock $(MAKE_ANEW)
	@set -e; $(FIND_PYTHON); \
	echo "Making $(VENV) with $$("$$python" --version) (once, a minute or two) …" >&2; \
	"$$python" -m venv --clear $(VENV); \
	$(BIN)/python -m pip install --quiet --no-input --disable-pip-version-check \
		--no-warn-script-location --root-user-action=ignore --require-hashes --requirement requirements.lock; \
	pwd -P > $(VENV)/.home; touch $@

FORCE:

# Version managers leave commands on the PATH that fail when called, and some distributions ship
# Python without venv: a candidate counts only when it runs and has both.
define FIND_PYTHON
python=; \
for candidate in $(if $(PYTHON),"$(PYTHON)",python3.13 python3.12 python3.11 python3.14 python3); do \
	if "$$candidate" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' \
		>/dev/null 2>&1 </dev/null; then python=$$candidate; break; fi; \
done; \
if [ -z "$$python" ]; then \
	echo 'Billhook needs Python 3.11 or newer with its venv module; $(if $(PYTHON),$(PYTHON) is not one,none is on the PATH).' >&2; \
	echo 'Install one (Debian and Ubuntu: apt install python3 python3-venv) or name it: make PYTHON=/path/to/python3.12 …' >&2; \
	exit 1; \
fi
endef
