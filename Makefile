# make run   set up, and open the app on the demo model, offline (MODEL=name for another)
# make test  set up for development, and run every check
# make lock  write constraints.txt: what is installed now, pin by pin
# make translations  bring the catalogues in lwtui/locale up to date with the code
# make docs  build the documentation site in build/site, without the network
# make clean remove what these made

PYTHON ?= python3
MODEL ?= demo
BIN := .venv/bin
# llama.cpp is compiled for this machine, and only the part of it that lwtui calls.
export CMAKE_ARGS := $(CMAKE_ARGS) -DLLAVA_BUILD=OFF "-DCMAKE_PROJECT_llama.cpp_INCLUDE=$(CURDIR)/packaging/llama_cpp.cmake"

.PHONY: run test lock translations docs clean

run: .venv/.installed-run
	@$(BIN)/lwtui --model "$(MODEL)"

test: .venv/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n auto --dist loadscope --no-loadscope-reorder --tb native

lock: .venv/.installed-dev
	@{ echo "# What the tests ran with; see CONTRIBUTING.md. Made by make lock."; \
	$(BIN)/python -m pip --disable-pip-version-check freeze --exclude-editable 2>/dev/null | sed 's/+[a-z0-9]*$$//'; } > constraints.txt

translations: .venv/.installed-dev
	$(BIN)/python packaging/translations.py

docs: .venv/.installed-dev
	$(BIN)/python docs/site.py build/site-source
	$(BIN)/python -m mkdocs build --quiet
	@echo "The site is in build/site."

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON). Install Python 3.11 or newer, or name it: make run PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "lwtui needs Python 3.11 or newer, and $(PYTHON) is older. Name another: make run PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "Making the environment failed. On Debian and Ubuntu: sudo apt install python3-venv" >&2; exit 1; }

# What is needed to use lwtui. The development set holds it too, so either stamp will do.
.venv/.installed-run: .venv/bin/python pyproject.toml
	@if [ .venv/.installed-dev -nt pyproject.toml ]; then touch $@; else $(call install,.[local$(comma)demo]) && touch $@; fi

.venv/.installed-dev: .venv/bin/python pyproject.toml
	@$(call install,.[dev]) && touch .venv/.installed-run $@

comma := ,
# pip keeps the wheels that it compiled, whatever the processor and the options: llama.cpp's is not taken from there.
define install
echo "Installing $(1). The first time takes some minutes, because llama.cpp is compiled for this machine."; \
{ $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-cache-dir --editable '.[local]' \
&& $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '$(1)'; } || { echo "The installation failed; see above. llama.cpp needs a C++ compiler: sudo apt install g++ (Debian, Ubuntu) or xcode-select --install (macOS)." >&2; exit 1; }
endef
