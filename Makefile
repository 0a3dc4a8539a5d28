# Everything runs in an environment of its own, .venv, which is made when needed.
PYTHON ?= python3
BIN = .venv/bin
export OPENBLAS_NUM_THREADS = 1
export OMP_NUM_THREADS = 1

.PHONY: help run test fuzz chaos chaos-cluster backup check format openapi docs bench-learning bench-training bench-environments bench-http bench-many-jobs \
	bench-load bench-checkpoints bench-watching bench-dashboard bench-scaling bench-workers screenshots soak bench-footprint clean

help: ## what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

run: .venv/run ## start the service on http://localhost:8000
	$(BIN)/python run_api.py

test: .venv/dev ## run all tests
	$(BIN)/python -m pytest -n 2 --dist loadgroup

fuzz: .venv/dev ## schemathesis: thousands of requests from openapi.json, valid and invalid, to a real server
	$(BIN)/python -m tests.fuzz $(ARGS)

chaos: .venv/dev ## kill server and workers 50 times while they train, compare every model with an undisturbed run; 4 minutes
	$(BIN)/python -m tests.chaos $(ARGS)

chaos-cluster: .venv/dev ## kill servers on one PostgreSQL and Ray nodes while 20 jobs train, compare every model with an undisturbed run
	$(BIN)/python -m tests.chaos_cluster $(ARGS)

TO ?= grpo-backup-$(shell date +%Y%m%dT%H%M%S).db

backup: .venv/run ## copy the database of a server, running or not (TO=FILE, ARGS="--data-dir FOLDER")
	$(BIN)/python -m bootstrap.backup --to "$(TO)" $(ARGS)

check: .venv/dev ## linters, types, dependency rule
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/dev ## put the code into its form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

openapi: .venv/run ## write docs/openapi.json
	$(BIN)/python -m bootstrap.openapi

docs: .venv-docs/installed ## build the site of the documents into site/; python -m http.server --directory site shows it
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict

bench-learning: .venv-bench/installed ## how well it learns, beside Stable-Baselines3's PPO (ARGS="--task pendulum --seeds 3")
	.venv-bench/bin/python -m benchmarks.learning $(ARGS)

bench-training: .venv/run ## speed of training, against PPO where .venv-bench is installed
	$(BIN)/python -m benchmarks.training $(ARGS)

bench-environments: .venv/run ## environment steps per second, beside Gymnasium's vectors
	$(BIN)/python -m benchmarks.environments $(ARGS)

bench-http: .venv/run ## requests per second of inference, against a bare Litestar route; needs wrk
	$(BIN)/python -m benchmarks.http $(ARGS)

bench-many-jobs: .venv/run ## time of GET /training/jobs with 10 and with 10,000 jobs
	$(BIN)/python -m benchmarks.many_jobs $(ARGS)

bench-load: .venv/run ## 30 s of mixed traffic at saturation while jobs train: answers, latency, memory
	$(BIN)/python -m benchmarks.load $(ARGS)

bench-checkpoints: .venv/run ## what checkpoints cost training; 11 minutes
	$(BIN)/python -m benchmarks.checkpoints $(ARGS)

bench-watching: .venv/run ## what watching costs training, and how soon an event arrives
	$(BIN)/python -m benchmarks.watching $(ARGS)

bench-dashboard: .venv/dev ## how soon the page can be used, how soon it shows an event, frames per second; needs Chromium
	$(BIN)/python -m benchmarks.dashboard $(ARGS)

screenshots: .venv/dev ## docs/screenshots/, made by a real server and Chromium
	$(BIN)/python -m benchmarks.screenshots

bench-scaling: .venv/dev ## inference and jobs over more servers and nodes; needs nginx, wrk and PostgreSQL
	$(BIN)/python -m benchmarks.scaling $(ARGS)

bench-workers: .venv/dev ## one job over 1, 2 and 4 workers of a Ray cluster of this machine
	$(BIN)/python -m benchmarks.workers $(ARGS)

soak: .venv/run ## 200 short jobs through one server, which holds afterwards what it held before
	$(BIN)/python -m benchmarks.soak $(ARGS)

bench-footprint: ## size of the installation, time to the first answer
	$(PYTHON) -m benchmarks.footprint $(ARGS)

clean: ## remove what can be made again
	rm -rf .venv .venv-bench .venv-docs site .mypy_cache .pytest_cache .ruff_cache .hypothesis

.venv/bin/python:
	$(PYTHON) -m venv .venv

# The project itself in editable form gives the command grpo.
.venv/run: requirements.txt pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

.venv/dev: requirements.txt requirements-dev.txt pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@ .venv/run

.venv-docs/installed: requirements-docs.txt
	$(PYTHON) -m venv .venv-docs
	@echo '*' > .venv-docs/.gitignore
	.venv-docs/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-docs.txt
	@touch $@

# PyTorch and the simulators, over a gigabyte, stay out of .venv; the folder hides itself from git.
.venv-bench/installed: requirements.txt requirements-bench.txt
	$(PYTHON) -m venv .venv-bench
	@echo '*' > .venv-bench/.gitignore
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-bench.txt
	@touch $@
