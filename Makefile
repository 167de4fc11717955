# What can be done here. `make` alone lists it; each line below that has two hashes is shown.

# The first Python that is new enough; another one: make PYTHON=/path/to/python3.12
NEW_ENOUGH = import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(or $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c '$(NEW_ENOUGH)' 2>/dev/null && echo $$p && break; done),python3)
VENV := .venv
BIN := $(VENV)/bin
HOUSE ?= house
# The tests on two processes, most of their time being that of calls; a file's tests stay together,
# and the files with calls come first. One after another: make test SIDE_BY_SIDE=
SIDE_BY_SIDE := -n 2 --dist loadfile --no-loadscope-reorder
.DEFAULT_GOAL := help
.PHONY: help setup demo test check run bench lock packages asterisk clean

help:  ## list what can be made
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16

setup: packages $(VENV)/installed asterisk  ## install what is missing: packages, Python environment, Asterisk

demo: setup  ## play the main job on real calls, and show what became of each
	@$(BIN)/python -m tests.calls.demo

test: setup  ## everything that must hold: style, types, all tests, calls on a real Asterisk among them
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest $(SIDE_BY_SIDE)

check: packages $(VENV)/installed  ## the quick part, in seconds: style, types, the core's tests
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q tests/core

run: setup  ## start the front door in ./house (made where missing) and keep it running until Ctrl-C
	@test -e "$(HOUSE)/screener.toml" || $(BIN)/screener init "$(HOUSE)"
	@$(BIN)/screener run "$(HOUSE)"

bench: setup  ## measure: processor time, delay, calls at once and memory, beside Asterisk's own dialplan
	@$(BIN)/python -m tests.bench

lock: $(VENV)/installed  ## choose the dependencies' versions anew, for every platform
	@sh .ci/lock $(BIN)/python

clean:  ## remove what was made here (not the Asterisk in your cache folder, not your house)
	@rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info build dist

# The steps of setup. Each looks first and does nothing when its work is done.

packages:
	@PYTHON=$(PYTHON) sh .ci/packages

$(VENV)/installed: requirements-dev.txt pyproject.toml | packages
	@sh .ci/environment $(PYTHON) $(VENV)

asterisk: $(VENV)/installed
	@$(BIN)/python -m screener.asterisk.installation
