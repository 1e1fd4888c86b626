# `make` alone lists the commands. ARGS, WHEELS and PYTHON may be given: make lab ARGS="--port 8899"

.DEFAULT_GOAL := help
.PHONY: help lab board setup setup-tests wheels test test-browser test-full test-solved lint format \
    notebooks solutions check-notebooks site bench gpu results clean

# The first Python that is new enough. If none is, the script tells the first one there.
PYTHON ?= $(shell for python in python3 python python3.14 python3.13 python3.12 python3.11; do \
    $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
        && echo $$python && exit; \
    done; command -v python3 || command -v python)
SCRIPT = "$(or $(PYTHON),$(error Python 3.11 or newer is needed: get it from python.org))" scripts/setup.py
# PYTHON=… on the command line asks for just that one, even if .venv has another.
ASKED := $(if $(filter command,$(origin PYTHON)),--this-python)
SETUP = $(SCRIPT) $(ASKED) $(if $(WHEELS),--wheels "$(WHEELS)")
ifeq ($(OS),Windows_NT)
BIN := .venv/Scripts
else
BIN := .venv/bin
endif

help:  ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

lab: setup  ## set up if needed and open JupyterLab on your lessons; ARGS="--no-browser --port 8899"
	@$(BIN)/mnist-course lab $(ARGS)

board: setup  ## draw a digit in a page and watch a network read it; ARGS="--port 8801"
	@$(BIN)/mnist-course board $(ARGS)

setup:  ## set up: .venv with every package, the data; WHEELS=DIR takes packages from a folder
	@$(SETUP)

setup-tests:
	@$(SETUP) --tests

wheels:  ## fill the folder wheels/ (or WHEELS=DIR) for a room without a network
	@$(SCRIPT) $(ASKED) --tests
	@$(SCRIPT) --fill "$(or $(WHEELS),wheels)"

# One worker for each core, each on one thread. Every worker needs about a gigabyte, hence at most 4.
WORKERS = -n auto --maxprocesses 4
test test-browser: export MNIST_COURSE_QUICK = 1
test test-browser: export OMP_NUM_THREADS = 1
test: setup-tests  ## run every test and, in quick mode, every notebook
	$(BIN)/python -m pytest $(WORKERS) --dist loadfile --no-loadscope-reorder --nbval-lax tests \
	    notebooks $(ARGS)

test-browser: setup-tests  ## use the lessons and their explorers in JupyterLab, in Chromium
	$(BIN)/python -m pytest $(WORKERS) --dist loadscope tests/browser $(ARGS)

# Here a network that learned nothing is a failure; to a student it is only said. The exercises of
# these lessons are unsolved, so a check that is not passed is none.
test-full site: export MNIST_COURSE_STRICT = floors
test-full: export MNIST_COURSE_QUICK = 0
test-full: setup-tests  ## run every notebook in full mode, as a student does
	$(BIN)/python -m pytest --nbval-lax --nbval-cell-timeout=1800 notebooks $(ARGS)

test-solved: export MNIST_COURSE_QUICK = 1
test-solved: export MNIST_COURSE_STRICT = 1
test-solved: solutions  ## run the solved notebooks in quick mode: every check must be passed
	$(BIN)/python -m pytest --nbval-lax solutions

lint: setup-tests  ## look for mistakes and bad style, check types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/oxlint --deny-warnings -D correctness -D suspicious mnist_course/web scripts
	$(BIN)/oxfmt --check mnist_course/web scripts/page.css scripts/page.js

format: setup-tests  ## mend bad style where that can be done by rule
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/oxfmt mnist_course/web scripts/page.css scripts/page.js

notebooks: setup-tests  ## make notebooks/ from lessons/, and README.md and docs/ from docs/*.in.md
	$(BIN)/python scripts/make_notebooks.py
	$(BIN)/python scripts/make_pages.py

solutions: setup-tests  ## make the solved notebooks, in solutions/
	$(BIN)/python scripts/make_notebooks.py --solved $(ARGS)

check-notebooks: setup-tests
	$(BIN)/python -m pytest --quiet tests/test_notebooks.py tests/test_claims.py

site: setup-tests  ## run the lessons and render them to web pages, in site/
	$(BIN)/python scripts/render.py $(ARGS)

bench: setup-tests  ## measure speed against stated peers
	$(BIN)/python benchmarks/bench.py $(ARGS)

gpu: setup  ## try the course on this machine's GPU and time a training, in at most 8 minutes
	@$(BIN)/python benchmarks/gpu.py $(ARGS)

results: setup  ## make the long runs that are missing, into research/evidence/; resumable
	$(BIN)/python research/runs.py $(ARGS)

clean:  ## remove caches, built packages, what tests saved; your lessons, .venv, wheels and data stay
	rm -f notebooks/*.safetensors notebooks/*.json notebooks/*.jsonl
	rm -rf dist site screenshots solutions .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -path ./.venv -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
