# One virtual environment serves every target. `make demo` and `make test` set it up by themselves.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
DATA   ?=
DEMO   := demo

.DEFAULT_GOAL := help
.PHONY: help demo test check format docs bench clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 10) <= v <= (3, 13) else f"Python 3.10 to 3.13 is needed, {sys.executable} is {v[0]}.{v[1]}: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV) || { echo "on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev,docs]'
	touch $@

demo: $(READY)  ## synthetic images (or DATA=folder), checked, then the patches a network would see
	rm -rf $(DEMO)
	$(if $(DATA),,$(BIN)/cellseg data synthesize nuclei $(DEMO)/data --count 8)
	$(BIN)/cellseg data check $(or $(DATA),$(DEMO)/data)
	$(BIN)/cellseg data patches $(or $(DATA),$(DEMO)/data) --out $(DEMO)/patches.png

test: $(READY)  ## every test, doctests and the code blocks of the documentation
	$(BIN)/python -m pytest -n auto --dist loadfile

check: $(READY)  ## lint, types, layers, bundles
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/cellseg bundle check bundles

format: $(READY)  ## mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(READY)  ## the documentation as pages in site/; a warning is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

bench: $(READY)  ## every benchmark, as tables of ratios
	for script in $(filter-out benchmarks/harness.py benchmarks/cells.py,$(wildcard benchmarks/*.py)); do $(BIN)/python $$script || exit 1; done

clean:  ## remove everything that make made
	rm -rf $(VENV) $(DEMO) site build dist
