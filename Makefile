# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Needs Python 3.11 or later, git and make; everything else is set up under build/.
.DEFAULT_GOAL := help
.PHONY: help demo demo-set-up test unit integration fuzz faults e2e bench sanity lint format clean

PYTHON ?= python3
JAVA ?= any
STAGES ?=
export PYTHON
RUN := tests/run/python.sh tests/run

help: ## show this list
	@echo 'make TARGET, where TARGET is one of:'
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16
	@echo 'Logs of each stage are in build/log. PYTHON=/path/to/python3 names the Python to start with.'

demo: ## set up what is needed, then watch three servers share one tape drive (no root; under two minutes)
	@$(RUN) demo --java $(JAVA)

demo-set-up: ## only the set-up of the demo
	@$(RUN) demo-set-up --java $(JAVA)

test: ## all tests; as root, Debian packages of bindep.txt are installed first (STAGES="unit-2.19 ruff": only those)
	@$(RUN) test $(STAGES)

unit: ## unit tests, under ansible-core 2.19, 2.20 and 2.21
	@$(RUN) test unit

integration: ## integration tests
	@$(RUN) test integration

lab: ## tests with real SCSI tape devices, Fibre Channel and iSCSI, in a guest of QEMU (root; some minutes)
	@$(RUN) test lab

lab-e2e: ## end to end with these devices: a reservation, the detector scsi, the rule engine, the other host's application
	@$(RUN) test lab-e2e

# Once `make lab` or `make unit` has set up the environment.
LAB := build/venv/2.19/bin/python tests/lab/machine.py
lab-up: ## the lab's guest to try things out in (FORWARD="8443:8443": a port of 127.0.0.1 that leads into it)
	@$(LAB) up $(addprefix --forward ,$(FORWARD))

lab-run: ## run COMMAND="..." in it, as root
	@$(LAB) run '$(subst ','\'',$(COMMAND))'

lab-down: ## end it
	@$(LAB) down

fuzz: ## a fixed time of fuzzing what comes from the network (DRIVE_SHARING_FUZZ_SECONDS: longer)
	@$(RUN) test fuzz

faults: ## everything that can go wrong on a site, and what one sees then
	@$(RUN) test faults

e2e: ## end-to-end tests: real notifications, rule engine and SSH
	@$(RUN) test e2e

bench: ## measure the drive table, the plan at scale and the informs per second (a few minutes, on a quiet machine)
	@$(RUN) bench

sanity: ## ansible-test sanity, under ansible-core 2.19 and 2.21
	@$(RUN) test sanity

lint: ## ansible-lint, antsibull-docs, antsibull-changelog, reuse, ruff, mypy
	@$(RUN) test lint

format: ## let ruff put right what it can, and format FILES="..."
	@build/venv/2.19/bin/ruff check --fix-only --no-cache $(or $(FILES),.)
	@build/venv/2.19/bin/ruff format --no-cache $(or $(FILES),.)

clean: ## remove build/, and so all environments, copies and logs
	rm -rf build .ansible .hypothesis tests/output
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
