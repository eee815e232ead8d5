/**
 * Who reaches whom on two nodes (bench/matrix.ts), small: every ordered pair of 80 ports by trace, some by packets, within a
 * network and behind a router, and nobody of the other tenant. `npm run matrix` does it with 400 ports.
 */

import { join } from 'node:path'
import { expect, test } from 'vitest'
import { run } from '../../src/lab/process.ts'
import { buildMs, built } from '../support/build.ts'

test.each(['ipv4', 'ipv6'])(
  'two tenants with the same addresses, tunnels over %s: each port reaches its own and nobody else',
  async (underlay) => {
    const matrix = join(built('src', 'bench', 'test/support'), 'bench/matrix.js')
    const size = ['--ports', '40', '--elsewhere', '80', '--packets', '300', '--underlay', underlay]
    const report = await run('node', [matrix, ...size], { timeoutMs: 110_000 })
    console.log(report)
    expect(report).toMatch(/^pairs looked at, in order +6320 by 3120 packets traced/m)
    expect(report).toMatch(/^of the same tenant, reached +3120 of 3120 /m)
    expect(report).toMatch(/^across tenants, reached +0 of 3200 /m)
    expect(report).toMatch(/^packets sent, heard +(\d+), \1; [1-9]\d+ through a tunnel/m)
    expect(report).toMatch(/^faults +0 /m)
  },
  buildMs,
)
