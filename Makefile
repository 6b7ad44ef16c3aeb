# make run | test | check | bench   (see README.md)
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
export PIP_NO_INPUT := 1

.PHONY: run test check bench faults months fuzz coverage lock sbom audit format clean
.DEFAULT_GOAL := run
.DELETE_ON_ERROR:

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, and $(PYTHON) is %d.%d: make PYTHON=/path/to/another" % sys.version_info[:2])'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) has no venv (on Debian: apt install python3-venv)" >&2; exit 1; }
	@echo "Setting up $(VENV), once; about a minute"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --require-hashes -r requirements.txt
	@$(PIP) install --no-build-isolation --no-deps -e .
	@touch $(READY)

run: $(READY)
	@exec $(BIN)/akutoverblik demo

# Most tests wait for something most of the time, so there are more of them at once than two cores
# would say. Further words for pytest: make test ARGS='-k rules'
WORKERS ?= 4
test: $(READY)
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal $(ARGS)

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: $(READY)
	$(BIN)/python -m tests.bench

# What happens when things break (docs/faults.md): make faults ARGS='--short --seed 7'
faults: $(READY)
	$(BIN)/python -m tests.faults $(ARGS)

# Two simulated months against an independent recount (docs/trial.md): make months ARGS='--seed 7'
months: $(READY)
	$(BIN)/python -m tests.months $(ARGS)

# The parsers under changed documents, a minute each: make fuzz ARGS='--seconds 600 fhir'
fuzz: $(READY)
	$(BIN)/python -m tests.fuzz $(ARGS)

# Rules and parsers: every branch is tried. Nothing else is held to a number.
PURE := capacity.rules capacity.reading capacity.instants capacity.privacy \
	capacity.row capacity.opening capacity.findings capacity.agreements capacity.suitability \
	capacity.availability capacity.alternatives feeds.formats
PURE_TESTS := rules reading instants privacy row opening agreements \
	alternatives alternatives_held alternatives_order format_*
coverage: $(READY)
	$(BIN)/python -m pytest $(PURE_TESTS:%=tests/test_%.py) $(PURE:%=--cov=%) \
		--cov-report=term-missing:skip-covered --cov-fail-under=100

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Two locks: everything (tests and tools too), and the service alone, for the container image.
# They name hashes and no addresses, so that they install from any registry. Versions that are
# locked already stay; 'make lock UPGRADE=--upgrade' takes the newest.
COMPILE = CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --strip-extras --allow-unsafe \
	--generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-trusted-host
lock:
	$(PYTHON) -m venv $(VENV)
	$(PIP) install pip-tools
	$(COMPILE) $(UPGRADE) --extra dev --output-file requirements.txt pyproject.toml
	$(COMPILE) --constraint requirements.txt --output-file requirements-service.txt pyproject.toml

# What the service is made of, for those who must report on it (CycloneDX), from its lock.
sbom: $(READY)
	@mkdir -p build
	$(BIN)/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible \
		--of JSON -o build/sbom.json requirements-service.txt
	@echo "build/sbom.json"

# Known faults of the locked versions; needs the network (docs/security.md).
audit: $(READY)
	$(BIN)/pip-audit --disable-pip --require-hashes --progress-spinner off -r requirements-service.txt

clean:
	rm -rf $(VENV) .demo build dist
