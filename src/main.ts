#!/usr/bin/env node
/**
 * The process of `df-local-controller`. V8 is told how to work before the controller is loaded, not only before it runs:
 * code that was optimized on another thread meanwhile left 8 MB of holes in malloc's heap. The process ends with 0 after
 * SIGTERM or SIGINT, with 2 for a mistake that a person can mend, which is told in one line.
 */

import { ConfigError, NorthboundError, reasonOf } from './errors.ts'
import { growSlowly } from './heap.ts'

growSlowly()
const { run } = await import('./local-controller.ts')
try {
  await run(process.argv.slice(2))
  process.exit(0)
} catch (error) {
  if (!(error instanceof ConfigError || error instanceof NorthboundError)) throw error
  process.stderr.write(`df-local-controller: ${reasonOf(error).replaceAll('\n', ' ')}\n`)
  process.exit(2)
}
