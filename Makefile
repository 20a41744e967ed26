# Every target sets up what it needs: a virtual environment in .venv with the versions of constraints.txt.
# `make demo` needs the program alone; the other targets add what develops, trains and compares.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO ?= demo.zarr
BENCHMARKS := matching compositing mosaic two_processes thinning skeleton_maps skinning render pseudo3d kmeans read_random read_shuffled

.PHONY: install demo lint test bench clean

install: $(VENV)/installed

$(VENV)/program: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 …")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	touch $@

$(VENV)/installed: $(VENV)/program
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,train,bench]'
	touch $@

demo: $(VENV)/program
	$(BIN)/synth mosaic --recipe demo --out $(DEMO)
	@printf '%s\n' '' \
		'Look at $(DEMO:.zarr=-preview.png): each sample above its skeleton, right in red, left in blue.' \
		'What next:' \
		'  $(BIN)/synth verify $(DEMO)                           check every byte' \
		'  $(BIN)/synth label all $(DEMO) --recipe labels-small     pose classes, skeleton maps' \
		'  $(BIN)/synth render $(DEMO) --out renders.zarr           rendered people in the same poses' \
		'  $(BIN)/synth sources --data-root DATA                    which real data is there' \
		'  $(BIN)/synth mosaic --mocap cmu --images mpii-lsp --data-root DATA --n 20000 --out m.zarr' \
		'The README tells how to read a store from any trainer.'

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: install
	$(BIN)/python -m pytest --numprocesses logical --dist loadfile

bench: install
	@for name in $(BENCHMARKS); do $(BIN)/python -m benchmarks.$$name || exit 1; done

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
