# Every target sets up what it needs, uv included; `make demo` and `make test` are the front door.
SHELL := /bin/bash
UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
RUN := $(UV) run --frozen --no-sync
export PATH := $(PATH):$(CURDIR)/.uv/bin

.PHONY: help setup demo dashboards run status test test-fast check gates format derive benchmark clean clean-demo

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.venv/.ready: pyproject.toml uv.lock
	@echo "Installing into .venv (about 1 GB; a minute or two the first time)"
	@command -v $(UV) >/dev/null || python3 .ci/get_uv.py .uv
	@$(UV) sync --frozen --compile-bytecode --quiet --system-certs
	@touch $@

setup: .venv/.ready ## install everything into .venv

demo: .venv/.ready ## start the demo's upstream world, run the pipeline over four of its days in data-demo/, check the result
	@$(RUN) python runner.py demo $(ARGS)

.PHONY: demo-aws
demo-aws: .venv/.ready ## the demo on target aws, against stand-ins of S3, Glue, Redshift and RDS on this machine
	@$(RUN) python -m tests.aws.demo $(ARGS)

run: .venv/.ready ## run the sources that are due
	@$(RUN) python runner.py run $(ARGS)

status: .venv/.ready ## show what ran and what is fresh
	@$(RUN) python runner.py status

dashboards: .venv/.ready ## show the dashboards in a browser: your own data's, or the demo's before there is any
	@$(RUN) python runner.py dashboards serve $(ARGS)

.PHONY: browser
browser: .venv/.ready
	@$(RUN) python -m tests.superset.browser

test: .venv/.ready browser ## all tests, fast ones first; what cannot run on this machine is listed at the end
	$(RUN) pytest $(ARGS)

.PHONY: test-all
test-all: .venv/.ready browser ## all tests, and the further cases that run nightly
	$(RUN) pytest --nightly $(ARGS)

test-fast: .venv/.ready ## the tests that need no running system and no data folder
	$(RUN) pytest -m "not slow" $(ARGS)

check: .venv/.ready ## lint, types, formats, derived files, models
	$(RUN) ruff check . && $(RUN) ruff format --check . && $(RUN) mypy && $(RUN) lint-imports --no-cache --no-logo && $(RUN) yamllint .
	$(RUN) python -m dlt_sources.derive --check
	export ELT_DATA_DIR=$$(mktemp -d); $(RUN) python -m superset.derive --check && $(RUN) python -m runtime.reference --check
	export ELT_DATA_DIR=$$(mktemp -d); $(RUN) sqlmesh -p sqlmesh_project format --check && $(RUN) sqlmesh -p sqlmesh_project lint && $(RUN) sqlmesh -p sqlmesh_project test

gates: .venv/.ready ## scan: secrets, vulnerable packages, licences, workflows, Dockerfiles, Terraform
	@python3 .ci/gates $(ARGS)

format: .venv/.ready ## format Python and SQL
	$(RUN) ruff check --fix . && $(RUN) ruff format . && $(RUN) sqlmesh -p sqlmesh_project format

derive: .venv/.ready ## rewrite what follows from the contracts and the models
	$(RUN) python -m dlt_sources.derive && $(RUN) python -m superset.derive
	export ELT_DATA_DIR=$$(mktemp -d); $(RUN) python -m runtime.reference

CASES ?= idle refine reread publish turns many side_by_side taxi bulk
benchmark: .venv/.ready ## measure the claims in benchmarks/ (an hour; ROWS=500000 makes the bulk cases small, CASES="idle turns" chooses)
	@for case in $(CASES); do echo "== $$case"; \
	  $(RUN) python -m benchmarks.$$case $$(case $$case in turns) echo 500;; bulk) echo $(ROWS);; esac) || exit; done

.PHONY: soak
soak: .venv/.ready ## strike the pipeline at random for MINUTES=30 and compare with an undisturbed one; SEED=N, TARGET=aws, WRITE=yes
	@$(RUN) python -m tests.soak --target $(or $(TARGET),local) --minutes $(or $(MINUTES),30) $(if $(SEED),--seed $(SEED)) $(if $(WRITE),--write) $(ARGS)

clean-demo: .venv/.ready ## remove the demo's data, and nothing that the demo did not make
	@$(RUN) python runner.py demo --remove

clean: ## remove environments and caches; asks before it removes data/ (CONFIRM=yes says yes, for scripts)
	@rm -rf .venv .uv superset/.venv .ci/gates/.venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .cache
	@rm -f logs/sqlmesh_*.log && { rmdir logs 2>/dev/null || true; }
	@if [ -e data ] || [ -L data ]; then \
	  answer="$(CONFIRM)"; \
	  if [ -z "$$answer" ] && [ -t 0 ]; then \
	    read -r -p "Remove data/ too: raw rows, warehouse, published tables, dashboards' users? [y/N] " answer || true; \
	  fi; \
	  case "$$answer" in \
	    y|Y|yes) rm -rf data && echo "data/ is removed." ;; \
	    *) echo "data/ is kept; \`make clean CONFIRM=yes\` removes it." ;; \
	  esac; \
	fi
