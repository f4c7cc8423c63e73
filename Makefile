# A few lines over nox: `make run` and `make test` set everything up in .venv the first time.
PYTHON ?= $(firstword $(foreach p,python3 python3.14 python3.13 python3.12 python3.11,$(shell $(p) -c 'import sys; sys.version_info >= (3, 11) and print("$(p)")' 2>/dev/null)))
PIP := .venv/bin/python -m pip --quiet --quiet install --constraint constraints.txt
READY := .venv/.ready

.PHONY: run test setup lint bench wheel wheelhouse clean
run: $(READY)  ## the main job: plan=smoke on this machine (ARGS adds overrides and options)
	@.venv/bin/assay run plan=smoke $(ARGS)

test: $(READY)  ## lint, types, imports and the tests
	@.venv/bin/nox

lint bench wheel: $(READY)  ## one nox session
	@.venv/bin/nox --session $@

wheelhouse: $(READY)  ## wheels for a machine without a network (docs/airgapped.md); ARGS go on to it
	@.venv/bin/nox --session wheelhouse -- $(ARGS)

setup: $(READY)  ## only the set-up

$(READY): pyproject.toml setup.py constraints.txt
	@test -n "$(PYTHON)" || { echo "make: no Python from 3.11 on was found. Install one, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "Setting up .venv with $$($(PYTHON) --version) (once, a few minutes)"
	@.venv/bin/python -c "" 2>/dev/null || $(PYTHON) -m venv --clear .venv || { echo "make: no venv. On Debian: apt-get install python3-venv" >&2; exit 1; }
	@$(PIP) --upgrade pip
	@$(PIP) --editable '.[mpich]' --group dev
	@touch $@

clean:  ## forget the set-up and what tools left; runs/ stays
	rm -rf .venv .nox .mypy_cache .ruff_cache .pytest_cache .import_linter_cache build *.egg-info
