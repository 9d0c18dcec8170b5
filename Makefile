PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test lint bench reference sample clean

run: $(VENV)/run.installed  ## the dashboard on the sample cohort (or on CALCISCOPE_REGISTRY)
	$(BIN)/python -m streamlit run app.py --server.address=localhost

test: $(VENV)/dev.installed lint  ## every test, browser tests included
	$(BIN)/python -m pytest

lint: $(VENV)/dev.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

bench: $(VENV)/dev.installed  ## how fast it is, beside lifelines, R, pandas and an empty page, in one run; tables to benchmarks/results
	$(BIN)/python benchmarks/engine.py
	$(BIN)/python benchmarks/rerun.py
	$(BIN)/python benchmarks/redraw.py
	$(BIN)/python benchmarks/sessions.py

reference:  ## R's numbers, made again; needs Rscript with survival, cmprsk, KMsurv and jsonlite
	for script in tests/reference/*.R; do Rscript $$script || exit 1; done

sample: $(VENV)/run.installed  ## the synthetic sample, made again byte for byte
	$(BIN)/python data/sample/generate.py

clean:
	rm -rf $(VENV)

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.installed: requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/dev.installed: requirements-dev.txt requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@ $(VENV)/run.installed
