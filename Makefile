# Every task is in ./dev, which needs no make. Arguments: make test ARGS='-k search'
.PHONY: help sync init up down logs test chaos e2e fmt lint types check

help: ; @grep -hE "^[a-z0-9]+:.*##" Makefile | sed "s/:.*## /\t/" | expand -t 8 ## this list
sync: ; @./dev sync $(ARGS) ## install .venv from the lock file
up: ; @./dev up $(ARGS) ## start everything and run the self-check
init: ; @./dev init $(ARGS) ## write .env with a secret for docker compose
down: ; @./dev down $(ARGS) ## stop it
logs: ; @./dev logs $(ARGS) ## follow the logs of all services
test: ; @./dev test $(ARGS) ## all tests
chaos: ; @./dev chaos $(ARGS) ## the fault-injection tests, full size
e2e: ; @./dev e2e $(ARGS) ## the tests that start all services
fmt: ; @./dev fmt $(ARGS) ## format and fix what can be fixed automatically
lint: ; @./dev lint $(ARGS) ## style and architecture
types: ; @./dev types $(ARGS) ## mypy, strict
check: ; @./dev check $(ARGS) ## all checks of CI
