/**
 * The benchmark of a large cloud (bench/scale.ts), small, so that it cannot rot and that what it counts is held: every
 * changed row takes effect, on both stores. Its times are the benchmark's business, on a machine that does nothing else.
 */

import { beforeAll, expect, test } from 'vitest'
import { run } from '../../src/lab/process.ts'

const built = 'node_modules/.cache/df-bench/bench/scale.js'
const cloud = ['--ports', '300', '--networks', '40', '--local', '20']
const load = ['--seconds', '4', '--turns', '14', '--rest', '1']

beforeAll(() => run('npx', ['tsc', '-p', 'tsconfig.bench.json'], { timeoutMs: 170_000 }), 180_000)

test.each(['file', 'etcd'])(
  'ten tenants with the same addresses, rows of the store %s changed 50 times a second',
  async (nb) => {
    const report = await run('node', [built, '--nb', nb, ...cloud, ...load], { timeoutMs: 110_000 })
    console.log(report)
    expect(report).toMatch(/^flows .* local ports 20 /m)
    expect(report).toMatch(/^row to flow in the switch .*median .*, never seen: 0 /m)
    expect(report).toMatch(/^row to answer .*median .*, asked: [1-9]\d* /m)
    expect(report).toMatch(/^flows at the end .* local ports 20 /m)
  },
  120_000,
)
