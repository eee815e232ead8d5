# The commands of the README, the check that reviewers run, and what a night is long enough for. Each does
# its whole set-up by itself.

.PHONY: demo demo-cloud test nightly check install setup

demo: setup
	@node dist/cli/demo.js

demo-cloud: setup
	@node dist/cli/demo-cloud.js

# A real Neutron with its message broker: two more minutes on a new machine.
test nightly: PACKAGES = neutron-server rabbitmq-server
test: setup
	@node scripts/test.mjs

nightly: setup
	@npm run --silent test:nightly
	@npm run --silent test:coverage
	@npm run --silent test:reliability

check: setup
	@npm run --silent check

# Below DESTDIR, of what was built (DIST=dist); docs/operations.md.
install:
	@bash scripts/install.sh

setup:
	@bash scripts/setup.sh $(PACKAGES)
