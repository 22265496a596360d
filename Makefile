# Everything a newcomer or CI types. Needs python3, make and git; builds .venv by itself.

PYTHON ?= python3
BIN := .venv/bin
PINS := requirements/core.txt requirements/sandbox.txt requirements/dev.txt
INSTALLED := .venv/.installed

.PHONY: help demo test redteam check format bench soak pins clean

help: ## This list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /make \1\t/' | expand -t 14

$(INSTALLED): requirements/uv.txt $(PINS) pyproject.toml
	@echo "preparing .venv (once; a minute or so)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/uv.txt
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python requirements/uv.txt $(PINS)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

demo: $(INSTALLED) ## The laptop world with the bot in it. ARGS=--once tells every story hands-free; MODEL=scripted uses a model
	@$(BIN)/python -m deploy.sandbox $(if $(MODEL),--model $(MODEL)) $(ARGS)

test: $(INSTALLED) ## Every test but the long ones, in under 8 minutes on 2 cores
	@$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder -m "not soak" -p no:cacheprovider $(ARGS)

redteam: $(INSTALLED) ## Every attack of the corpus; `make test` plays every goal once
	@EVERY_ATTACK=1 $(BIN)/python -m pytest -n 2 --dist loadfile -p no:cacheprovider tests/redteam $(ARGS)

check: $(INSTALLED) ## Format, lint, types, import contracts
	@$(BIN)/ruff format --check --quiet . || { echo "run 'make format'"; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

format: $(INSTALLED) ## Put the code into shape
	@$(BIN)/ruff format --quiet . && $(BIN)/ruff check --quiet --fix .

bench: $(INSTALLED) ## Measure what the README quotes (a few minutes, loopback only)
	@$(BIN)/python -m tests.bench $(ARGS)

soak: $(INSTALLED) ## The long crash and load runs
	@$(BIN)/python -m pytest -m soak -p no:cacheprovider -o timeout=1800 $(ARGS)

pins: $(INSTALLED) ## Resolve requirements/*.in to exact pins
	@for set in core sandbox dev; do \
		$(BIN)/uv pip compile --quiet --upgrade --no-header --no-annotate requirements/$$set.in -o requirements/$$set.txt; \
	done

clean: ## Remove the environment and everything generated
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache var dist
