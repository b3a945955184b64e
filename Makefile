# Everything sets up what it needs: a virtual environment in .venv with wye and its development tools.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test laws fuzz faults soak bench lint format docs clean

.venv/.ready: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "wye needs Python 3.11 or later; say make PYTHON=python3.x")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

demo: .venv/.ready
	$(BIN)/python config/demo/demo.py

test: .venv/.ready
	$(BIN)/python -m pytest -q

# The laws with many examples each, every vendor in a process of its own; SEED=… repeats a run.
SEED ?= $(shell date +%s)
EXAMPLES ?= 50000
VENDORS := clickstream google-retail moloco reelevant richrelevance
BY_VENDOR := $(addprefix tests/laws/test_,laws.py documents.py explained.py)
laws: .venv/.ready
	@echo "seed $(SEED)"
	@$(MAKE) --no-print-directory --jobs $(shell nproc) --keep-going --output-sync SEED=$(SEED) laws-of-pairs $(VENDORS:%=laws-%)

laws-of-pairs:
	WYE_LAWS_EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest -q tests/laws $(BY_VENDOR:%=--ignore=%) --hypothesis-seed=$(SEED)

laws-%:
	WYE_LAWS_EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest -q $(BY_VENDOR) -k $* --hypothesis-seed=$(SEED)

# A million mutated samples for each vendor's decoder; SEED=… repeats a run, FUZZ="--vendor moloco --inputs 1000" asks for less.
fuzz: .venv/.ready
	PYTHONPATH=tests $(BIN)/python -m laws.fuzz --seed $(SEED) $(FUZZ)

# Kills, power cuts and lying vendors: docs/faults.md says what, and is made from what this adds to docs/faults.json.
# MINUTES=…, ROUNDS=…, SEED=…, WORKERS=2; POINTS=1 tries every named point, MUTATIONS=1 the builds that are broken on purpose.
MINUTES ?= 5
ROUNDS ?= 0
WORKERS ?= 1
faults: .venv/.ready
	PYTHONPATH=tests $(BIN)/python -m faults --record --minutes $(MINUTES) --rounds $(ROUNDS) --seed $(SEED) \
		--workers $(WORKERS) $(if $(POINTS),--points) $(if $(MUTATIONS),--mutations)

# An hour (MINUTES=60) at half of the highest rate, with everything going wrong now and then; makes docs/soak.md.
soak: .venv/.ready
	PYTHONPATH=tests $(BIN)/python -m soak --record --minutes $(MINUTES)

# How fast it is beside the leanest programs for the same work and beside what else one would take; makes docs/benchmarks.md.
# BENCH="--quick" is for a look, BENCH="--only W1" for one row; the peers are installed into .bench.
bench: .venv/.ready
	PYTHONPATH=tests $(BIN)/python -m bench $(BENCH)

# What each stage of an event's way costs in instructions and memory: what a test holds the code to is written anew. After a change
# that means to cost something else.
costs: .venv/.ready
	PYTHONPATH=tests $(BIN)/python -m bench.costs

# How CPU time splits over these stages; makes docs/performance.md.
stages: .venv/.ready
	PYTHONPATH=tests $(BIN)/python -m bench.split

lint: .venv/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

format: .venv/.ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# What is generated from the code and committed; a test fails when it is stale.
docs: .venv/.ready
	$(BIN)/wye schema --markdown > docs/.new && mv docs/.new docs/configuration.md
	$(BIN)/wye schema > docs/.new && mv docs/.new config/wye.schema.json
	$(BIN)/wye explain --matrix --markdown > docs/.new && mv docs/.new docs/fidelity.md

clean:
	rm -rf .venv .demo .bench .pytest_cache .ruff_cache .hypothesis wye-data
