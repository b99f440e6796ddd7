# One environment (.venv), made and kept up to date by ci/venv.py; bash, make and Python 3.11 to 3.13 are enough.
SHELL   := bash
PYTHON  ?= python3
TORCH   ?= torch==2.13.0
BIN     := .venv/bin
DATA    ?=
WEIGHTS ?=

.DEFAULT_GOAL := help
.PHONY: help venv book pdf test lab bench faults constraints

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

book: venv  ## build the book: _build/html/index.html (real data: make book DATA=DIR WEIGHTS=FILE)
	@$(BIN)/corrlib book $(if $(DATA),--data "$(DATA)") $(if $(WEIGHTS),--weights "$(WEIGHTS)")
	@$(BIN)/python ci/check_html.py _build/html

pdf: venv  ## build the book and print it: _build/corrlib.pdf (needs Chromium)
	@$(BIN)/corrlib book --pdf $(if $(DATA),--data "$(DATA)") $(if $(WEIGHTS),--weights "$(WEIGHTS)")

test: venv  ## check the style and run the tests
	$(BIN)/ruff check . && $(BIN)/ruff format --check --quiet .
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal

lab: venv  ## open the chapters as notebooks in JupyterLab
	@$(BIN)/jupytext-config --settings-file .venv/etc/jupyter/labconfig/default_setting_overrides.json \
		set-default-viewer python
	$(BIN)/jupyter lab --LabApp.default_url=/lab/tree/book

bench: venv  ## measure against the peers of the bench extra, on a quiet machine: benchmarks/results.json
	@$(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt -r pyproject.toml --extra bench \
		|| echo "without the peers that are not installed"
	@$(BIN)/python -m benchmarks

faults: venv  ## test 10,000 corrupt files of each kind, and more killed processes (half an hour)
	FAULTS=10000 $(BIN)/python -m pytest tests/test_hostile.py tests/test_killed.py

# Torch is pinned above, since its CPU build is installed first and by itself; what only its CUDA build needs is
# left out. No address of a package registry is written.
constraints: venv  ## pin the newest requirements anew in constraints.txt, for Python 3.11 to 3.13
	set -o pipefail; $(BIN)/uv pip compile pyproject.toml --all-extras --constraints <(echo "$(TORCH)") \
		--universal --python-version 3.11 --fork-strategy fewest --no-config --quiet --no-emit-index-url \
		--no-emit-find-links --no-header --no-annotate \
		| grep -Ev '^(torch|torchvision|triton|nvidia-.*|cuda-.*)==' > .venv/constraints && mv .venv/constraints constraints.txt

venv:  ## make .venv, or bring it up to date
	@$(PYTHON) ci/venv.py "$(TORCH)"
