# All targets use one virtual environment, which the first of them sets up.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
DATA   ?=
DEMO   := demo
MINUTES ?= 2
PYTHONS ?= 3.12 3.10 3.13
REPORTS := .reports

# MONAI Label needs older versions of some packages, so it has a separate environment with Python 3.11.
LABEL_PYTHON ?= $(PYTHON)
LABEL_VENV  := .venv-label
LABEL_READY := $(LABEL_VENV)/.ready
# CycloneDX's tool has dependencies of its own, which are none of the product's.
SBOM_VENV   := .venv-sbom
SBOM_READY  := $(SBOM_VENV)/.ready
STUDIES     ?=
MODELS      ?=
PORT        ?= 8000

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow test-pythons check format docs bench sbom wheel label-env label test-label clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 10) <= v <= (3, 13) else f"Python 3.10 to 3.13 is needed, {sys.executable} is {v[0]}.{v[1]}: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV) || { echo "on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev,docs]'
	touch $@

demo: $(READY)  ## train on eight synthetic images (or DATA=folder of yours) for MINUTES, and segment unseen ones
	$(BIN)/cellseg demo --out $(DEMO) --minutes $(MINUTES) $(if $(DATA),--images "$(DATA)")

# One thread for each worker; more would wait for each other. In the order of the files, so that the quick doctests come last.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder --durations=20

test: $(READY)  ## tests, doctests and the pages of the documentation, without the slow ones; seconds of each in .reports
	$(PYTEST) -m 'not slow and not label' --junit-xml=$(REPORTS)/tests.xml

test-slow: $(READY)  ## the slow tests: trainings, studies, the commands as users start them, long pages
	$(PYTEST) -m 'slow and not label' --junit-xml=$(REPORTS)/tests-slow.xml

test-pythons: $(READY)  ## the wheel under each of PYTHONS that is installed: core tests under 3.12, imports and the demo under each
	$(BIN)/python tests/pythons.py $(PYTHONS)

check: $(READY)  ## check lint, formatting, types, layers and bundles
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/cellseg bundle check bundles

format: $(READY)  ## fix lint and formatting where ruff can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(READY)  ## build the documentation into site/; a warning is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

bench: $(READY)  ## run every benchmark that needs no GPU and print tables of ratios
	for script in $(filter-out benchmarks/harness.py benchmarks/cells.py benchmarks/gpu.py,$(wildcard benchmarks/*.py)); do $(BIN)/python $$script || exit 1; done

$(SBOM_READY):
	$(PYTHON) -m venv $(SBOM_VENV)
	$(SBOM_VENV)/bin/python -m pip install --quiet cyclonedx-bom==7.5.0
	touch $@

sbom: $(READY) $(SBOM_READY)  ## list what an installation brings along, with licences, in dist/sbom.cdx.json (CycloneDX)
	mkdir -p dist
	$(SBOM_VENV)/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible -o dist/sbom.cdx.json $(BIN)/python
	$(BIN)/python -m tests.dependencies dist/sbom.cdx.json

wheel: $(READY)  ## build the wheel in dist/; the same commit gives the same bytes
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(BIN)/python -m hatchling build -t wheel -d dist

$(LABEL_READY): label/environment.txt label/server.txt label/mend_torchvision.py pyproject.toml
	$(LABEL_PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if v == (3, 11) else f"MONAI Label needs Python 3.11, {sys.executable} is {v[0]}.{v[1]}: make LABEL_PYTHON=/path/to/python3.11")'
	$(LABEL_PYTHON) -m venv $(LABEL_VENV) || { echo "on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	$(LABEL_VENV)/bin/python -m pip install --quiet -r label/environment.txt -e .
	$(LABEL_VENV)/bin/python -m pip install --quiet --no-deps -r label/server.txt
	$(LABEL_VENV)/bin/python label/mend_torchvision.py
	touch $@

label-env: $(LABEL_READY)  ## install MONAI Label into a separate environment

label_studies: | $(LABEL_READY)
	$(LABEL_VENV)/bin/cellseg data synthesize nuclei $@ --count 8

label: $(LABEL_READY) $(if $(STUDIES),,label_studies)  ## serve the bundles in MONAI Label for STUDIES=folder of images (or synthetic ones)
	$(LABEL_VENV)/bin/python label/serve.py $(or $(STUDIES),label_studies/images) --port $(PORT) $(if $(MODELS),--models $(MODELS))

test-label: $(READY) $(LABEL_READY)  ## the bundles in a running MONAI Label
	CELLSEG_LABEL_PYTHON=$(abspath $(LABEL_VENV))/bin/python $(BIN)/python -m pytest tests/integration -m 'label' \
		--durations=20 --junit-xml=$(REPORTS)/tests-label.xml

clean:  ## remove everything that make has created
	rm -rf $(VENV) $(LABEL_VENV) $(SBOM_VENV) $(DEMO) $(REPORTS) label_app label_studies site build dist
