# Everything that is done to this repository by hand. `make help` lists it.

GO ?= go
export CGO_ENABLED = 0

.PHONY: help build web demo test check bench fuzz generate corpus

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

build: ## build ./plumbline
	@echo "building ./plumbline: the first time takes some minutes"
	@$(GO) build -trimpath -ldflags "-s -w" -o plumbline ./cmd/plumbline

web: web/node_modules/.package-lock.json ## build the interface, which the next build carries inside (needs Node.js)
	@echo "building the interface"
	@cd web && npm run -s build

# npm writes this file last: what is installed is what the lock file says until that changes.
web/node_modules/.package-lock.json: web/package-lock.json
	@echo "installing what the interface is built with"
	@cd web && npm ci --no-audit --no-fund --loglevel=error && touch node_modules/.package-lock.json

demo: web build ## a server with repositories made of examples/, at http://localhost:7420
	@echo "making repositories with some history of examples/, where there are none yet"
	@$(GO) run -trimpath ./internal/demo examples .demo/repositories
	@echo "starting the server"
	@./plumbline serve --data .demo/data --allow-file .demo/repositories --history 1000 $$(printf -- '--connect %s ' .demo/repositories/*)

test: ## the everyday tests: nothing runs beside them, nothing long (under three minutes); `make check` has all
	$(GO) test -short ./...

check: ## what CI runs: formatting, vet, staticcheck, the README's commands with every test, races
	bash .ci/run

bench: ## benchmarks in the form benchstat reads; PLUMBLINE_CORPUS names a folder of estates
	$(GO) test -run '^$$' -bench . -benchmem -count $(or $(COUNT),6) ./scan ./rule ./schema ./dialects/...

fuzz: ## fuzz every target for TIME (default 10m) each; what they found is run by every test
	@for p in $$($(GO) list ./...); do \
		for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz'); do \
			echo "$$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(or $(TIME),10m) $$p || exit 1; \
		done; \
	done

generate: ## write the generated documents and goldens anew
	$(GO) test ./... -run 'Generated|Golden' -update
