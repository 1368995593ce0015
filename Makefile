# Everything lives in .venv; `make run` needs Python >= 3.11 and nothing else, `make test` also a Chromium (it installs Debian's).
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: setup run test soak lint notebooks train bench sbom audit

setup: .venv/serve.stamp
run: setup
	$(BIN)/yidiantong serve

.venv/serve.stamp: pyproject.toml requirements/serve.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --requirement requirements/serve.txt
	$(BIN)/pip install --quiet --no-deps --editable .
	touch $@

.venv/dev.stamp: .venv/serve.stamp requirements/dev.txt
	$(BIN)/pip install --quiet --requirement requirements/dev.txt
	touch $@

chromium = $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)
.venv/browser.stamp: .venv/dev.stamp
	$(if $(chromium),,apt-get update --quiet=2 && apt-get install --yes --quiet=2 --no-install-recommends chromium fonts-noto-cjk)
	touch $@

# Every core runs the tests of one file after those of another.
test: .venv/browser.stamp lint
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses logical --dist loadfile --no-loadscope-reorder

# A real S3 server for the registry's tests, 300 MB that nothing else needs.
.venv/s3.stamp: .venv/dev.stamp requirements/s3.txt
	$(BIN)/pip install --quiet --requirement requirements/s3.txt
	touch $@

# Ray, 400 MB that only archives and several replicas need.
.venv/ray.stamp: .venv/dev.stamp requirements/ray.txt
	$(BIN)/pip install --quiet --requirement requirements/ray.txt
	touch $@

soak: .venv/browser.stamp .venv/s3.stamp .venv/ray.stamp
	$(BIN)/pytest -m soak

lint: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

notebooks: .venv/dev.stamp
	for notebook in notebooks/*.ipynb; do $(BIN)/python -m tests.notebooks.execute $$notebook $$notebook || exit 1; done

train: .venv/dev.stamp
	$(BIN)/yidiantong train --config training/configs/release.toml --output runs/release

# Figures for one core; rivals are trained into runs/rivals the first time (half an hour).
ONE_CORE ?= taskset -c 1
bench: .venv/dev.stamp .venv/ray.stamp
	$(BIN)/python -m tests.bench.service
	$(BIN)/python -m tests.bench.live
	$(BIN)/python -m tests.bench.reviews
	$(ONE_CORE) $(BIN)/python -m tests.bench.rivals.floor
	$(ONE_CORE) $(BIN)/python -m tests.bench.rivals
	$(BIN)/python -m tests.bench.load
	$(BIN)/python -m tests.bench.bulk

# Both tools live in an environment of their own, so that they do not list themselves.
.audit/stamp:
	$(PYTHON) -m venv .audit
	.audit/bin/pip install --quiet cyclonedx-bom==7.5.0 pip-audit==2.10.1
	touch $@

sbom: setup .audit/stamp
	.audit/bin/cyclonedx-py environment --output-format JSON --output-file sbom.json $(BIN)/python

audit: .audit/stamp
	.audit/bin/pip-audit --requirement requirements/serve.txt
