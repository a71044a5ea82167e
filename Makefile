# One word per habit. STACK chooses the stack (Pulumi.<stack>.yaml); everything else follows from it.
STACK ?= local
# Of the tests, side by side.
WORKERS ?= 2
PYTHON ?= $(shell command -v python3.11 || echo python3)

ROOT := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
export PATH := $(ROOT)/.venv/pulumi/bin:$(ROOT)/.venv/bin:$(PATH)
export PULUMI_SKIP_UPDATE_CHECK := true
# Importing without bytecode caches doubles the time of every command.
export PYTHONDONTWRITEBYTECODE :=
export Q
VENV := .venv/bin/python

# Stacks that live on the emulator; every other stack means Azure, where the Pulumi CLI asks before it acts.
EMULATED := local
ifneq ($(filter $(STACK),$(EMULATED)),)
  RUN := $(VENV) -m emulator exec --
  UP_OPTIONS := --yes
  DESTROY_OPTIONS := --yes --skip-preview
  STAND_IN := Both models are a small stand-in that the emulator trains, not Phi itself (docs/emulator.md).
  SELECT := test -f "$$EMULATOR_HOME/pulumi/state/.pulumi/stacks/finetune-phi/$(STACK).json" || \
		pulumi stack select --create $(STACK) &&
endif

# A stack without a configuration is refused (review --check): nobody has chosen its limits.
POLICIES := --policy-pack policy --policy-pack-config policy/$(notdir $(STACK)).json

# What data_prep writes; anything else in data/ is yours.
MADE := train_data.jsonl test_data.jsonl rejected.jsonl card.json card.md card-*.svg .data_prep-* .sources

THIS := $(if $(filter-out local,$(STACK)), STACK=$(STACK))

.DEFAULT_GOAL := help
.PHONY: help setup data up preview review approve policies chat chat-ui status evaluate logs cancel destroy test bench mutate lint audit sbom diagram screenshots docs lock clean settings rehearse conformance recover chaos fuzz prove
MAKEFLAGS += --no-print-directory

help: ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo "  STACK=$(STACK) (another one: make up STACK=dev)"

setup: ## get what is needed: .venv, the Pulumi CLI, Azurite (also the first step of all others)
	@$(PYTHON) -m toolchain $(if $(filter setup,$(MAKECMDGOALS)),,--quiet)

settings: setup
	@$(VENV) -m settings --stack $(STACK) --quiet

data: setup ## write data/train_data.jsonl and data/test_data.jsonl for the stack
	@$(VENV) -m data_prep --stack $(STACK)

policies: setup ## do the policies allow what is deployed? without the program, from the stack's state alone
	@$(RUN) sh -c '$(SELECT) pulumi policy analyze --stack $(STACK) $(POLICIES)'

# Of the last update: nothing but resources that are the same.
UNCHANGED = pulumi stack history --stack $(STACK) --page-size 1 --json | tr -d " \n" | grep -q "resourceChanges.:{.same.:[0-9]*}"

PAUSED = $(VENV) -m jobs status --stack $(STACK) --json | grep -q "\"paused\": {"

# Its preview runs the policies, so that what they forbid stops it before anything is made.
up: data ## stand everything up, fine-tune, release, and if anything has changed ask the tuned model (Q="..." in any case)
	@$(RUN) sh -c '$(SELECT) $(VENV) -m review --stack $(STACK) --check >/dev/null || exit 1; \
		pulumi up --stack $(STACK) $(UP_OPTIONS) $(POLICIES) || exit 1; rm -f .review/$(STACK)/approved.json; \
		if [ -z "$$1" ] && $(UNCHANGED); then echo "Nothing has changed."; else \
		$(VENV) -m chat --stack $(STACK) --compare --ask "$${1:-Who founded Microsoft?}" $(if $(STAND_IN),&& echo "$(STAND_IN)") \
		|| { $(PAUSED) && echo "The endpoint is paused, so nobody was asked."; }; fi' up "$$Q"
	@echo "Next: make chat$(THIS) or make chat-ui$(THIS), change finetune-phi:recipe in Pulumi.$(STACK).yaml and make up$(THIS), or make destroy$(THIS)"

preview: data ## show what make up would change
	@$(RUN) sh -c '$(SELECT) pulumi preview --stack $(STACK)'

review: data ## what make up would change, risk and cost, and whether policies allow it (OPTIONS="--refresh")
	@$(RUN) sh -c '$(SELECT) $(VENV) -m review --stack $(STACK) $(OPTIONS)'

approve: setup ## approve the last make review: make up does what that shows, or refuses and says what differs
	@$(VENV) -m review --stack $(STACK) --approve

rehearse: setup ## try the stack's settings, unchanged, on a throw-away emulator (OPTIONS="--with FILE")
	@$(VENV) -m emulator rehearse --stack $(STACK) $(OPTIONS)

conformance: setup ## the local journey with Pulumi's own CLI, language host and azure-native plugin, where found
	@$(VENV) -m emulator conformance $(OPTIONS)

chat: settings ## chat with the tuned model (Q="..." asks once)
	@$(RUN) $(VENV) -m chat --stack $(STACK) --note "$(STAND_IN)" $(if $(Q),--ask "$$Q")

chat-ui: settings ## chat on a web page, the base model's and the tuned one's answers side by side
	@$(RUN) $(VENV) -m chat --stack $(STACK) --note "$(STAND_IN)" --web $(OPTIONS)

status: settings ## stages, job, deployments, traffic, requests and cost so far (OPTIONS=--watch)
	@$(RUN) $(VENV) -m jobs status --stack $(STACK) $(OPTIONS)

evaluate: settings ## was the fine-tune worth it? losses, and answers beside the base model's (.evaluation/)
	@$(RUN) $(VENV) -m jobs evaluate --stack $(STACK) $(OPTIONS)
	@$(if $(RUN),echo "$(STAND_IN)")

logs: settings ## what the stack's newest job has written, the failing step first (OPTIONS=--follow)
	@$(RUN) $(VENV) -m jobs logs --stack $(STACK) $(OPTIONS)

cancel: settings ## end the stack's jobs that are under way; asks first
	@$(RUN) $(VENV) -m jobs cancel --stack $(STACK) $(OPTIONS)

destroy: settings ## remove everything the stack has made
	@$(RUN) sh -c '$(SELECT) pulumi destroy --stack $(STACK) $(DESTROY_OPTIONS)'
	@$(if $(RUN),$(VENV) -m emulator inventory)

recover: setup ## after a crash of make up: lift its lock, take what Azure has into the state
	@$(RUN) $(VENV) -m jobs recover --stack $(STACK)

chaos: setup ## the local stack under faults and kills (ROUNDS=50 SEED=1 SKIP=0), for hours if you like
	@$(VENV) -m tests.chaos --rounds $(or $(ROUNDS),50) --seed $(or $(SEED),1) --skip $(or $(SKIP),0)

fuzz: setup ## broken requests, files and answers by chance: a 500, a traceback, a hang, growth? (MINUTES=60 SEED=1)
	@$(VENV) -m tests.fuzz --minutes $(or $(MINUTES),60) --seed $(or $(SEED),1) $(OPTIONS)

prove: settings ## on Azure (STACK=dev): try what nobody could confirm, in a group of its own, under 10 USD; asks first
	@$(RUN) $(VENV) -m tests.prove --stack $(STACK) $(if $(RUN),--yes) $(OPTIONS)

test: setup ## run all tests; needs no network once set up (WORKERS=2)
	@echo "On two quiet cores, by machine: unit and program two to five minutes, contract and journey a quarter to half an hour more."
	@$(VENV) -m pytest tests/unit tests/program -n $(WORKERS)
	@$(VENV) -m pytest tests/contract tests/journey -n $(WORKERS) --dist loadfile --no-loadscope-reorder --durations 20

bench: settings ## measure what people wait for and write docs/benchmarks.md (OPTIONS="emulator preview")
	@$(VENV) -m bench $(OPTIONS)

mutate: setup ## change random places of the product: does a test notice? (SEED=1 NUMBER=40 OPTIONS="--in jobs")
	@$(VENV) -m tests.mutate --seed $(or $(SEED),1) --number $(or $(NUMBER),40) $(OPTIONS)

lint: setup ## ruff, mypy --strict, who imports whom, workflows, secrets in files, known vulnerabilities, docs without a warning
	@.venv/bin/ruff check --quiet .
	@.venv/bin/ruff format --check --quiet .
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-logo --no-cache >/dev/null || .venv/bin/lint-imports --no-logo --no-cache
	@.venv/bin/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@.venv/bin/check-jsonschema --quiet --builtin-schema vendor.github-actions .github/actions/*/action.yml
	@.venv/bin/zizmor --offline --min-severity medium --quiet --no-progress .github
	@.venv/bin/python -m toolchain.checks.leaks
	@.venv/bin/python -m toolchain.checks.audit
	@.venv/bin/zensical build --strict

audit: setup ## known vulnerabilities of all that is locked: PyPI's, npm's (GH_TOKEN=... also checks the pins of actions)
	@$(VENV) -m toolchain.checks.audit --all

sbom: setup ## write what a checkout is made of, as CycloneDX (sbom.json)
	@$(VENV) -m toolchain.checks.sbom sbom.json

diagram: setup ## draw the pictures, and write the pages, that are made from the code
	@$(VENV) -m documentation

screenshots: settings ## take the pictures of the chat's page again; needs the local stack and a browser
	@$(RUN) $(VENV) -m tests.screenshots --note "$(STAND_IN)"

docs: setup ## build the site of docs/ into .site (OPTIONS=serve shows it while you write)
	@.venv/bin/zensical $(if $(filter serve,$(OPTIONS)),serve,build --strict)

lock: setup ## pin everything that set-up installs, with hashes (UPGRADE=1: the newest that fits)
	@sh toolchain/lock

clean: ## remove what make makes here: .venv, data files, the emulator's state
	@if [ -d .emulator ]; then $(VENV) -m emulator stop; fi
	@rm -rf .venv .emulator .promptflow .review .evaluation .runs .mypy_cache .ruff_cache .pytest_cache .site .cache .bench
	@for made in $(MADE); do rm -rf data/$$made data/sample/$$made; done
	@rmdir data/sample data 2>/dev/null || true
