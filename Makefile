# Everything that is done to this repository by hand. `make help` lists it.

GO ?= go
export CGO_ENABLED = 0

.PHONY: help build web demo test check bench fuzz generate corpus

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

build: ## build ./plumbline
	$(GO) build -trimpath -ldflags "-s -w" -o plumbline ./cmd/plumbline

web: ## build the interface, which the next build carries inside (needs Node.js)
	cd web && npm ci --no-audit --no-fund --loglevel=error && npm run build

demo: web build ## a server with repositories made of examples/, at http://localhost:7420
	$(GO) run ./internal/demo examples .demo/repositories
	./plumbline serve --data .demo/data --allow-file .demo/repositories --history 1000 $$(printf -- '--connect %s ' .demo/repositories/*)

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
