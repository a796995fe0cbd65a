# Every task is in ./dev, which needs no make. Arguments: make test ARGS='-k search'
.PHONY: help sync init up down logs test chaos e2e fmt lint types check

help: ; @grep -hE "^[a-z0-9]+:.*##" Makefile | sed "s/:.*## /\t/" | expand -t 8 ## this list
sync: ; @./dev sync $(ARGS) ## make .venv exactly as the lock file says
up: ; @./dev up $(ARGS) ## start everything and check the whole path
init: ; @./dev init $(ARGS) ## write .env: one secret of your own for docker compose
down: ; @./dev down $(ARGS) ## stop it
logs: ; @./dev logs $(ARGS) ## follow the logs of all services
test: ; @./dev test $(ARGS) ## all tests
chaos: ; @./dev chaos $(ARGS) ## the tests that kill processes, at their whole size
e2e: ; @./dev e2e $(ARGS) ## the tests that start the whole stack
fmt: ; @./dev fmt $(ARGS) ## format and mend what can be mended
lint: ; @./dev lint $(ARGS) ## style and architecture
types: ; @./dev types $(ARGS) ## mypy, strict
check: ; @./dev check $(ARGS) ## everything that CI runs
