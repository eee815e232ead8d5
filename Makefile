# The two commands of the README, and the check that reviewers run. Each does its whole set-up by itself.

.PHONY: demo test check setup

demo: setup
	@node dist/cli/demo.js

test: setup
	@node scripts/test.mjs

check: setup
	@npm run --silent check

setup:
	@bash scripts/setup.sh
