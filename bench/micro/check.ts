/**
 * The guard as a process of its own, compiled, as users run the controller: prints what it found and ends with 1 if
 * something fell.
 */

import { fallen, guard } from './guard.ts'

const best = await guard(100)
for (const { name, ns, ratio } of best)
  process.stdout.write(`${name}: ${ns.toFixed(0)} ns, ${ratio.toFixed(2)}\n`)
for (const text of fallen(best)) process.stdout.write(`fell: ${text}\n`)
process.exitCode = fallen(best).length > 0 ? 1 : 0
