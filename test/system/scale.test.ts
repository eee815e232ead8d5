/**
 * The benchmark of a large cloud (bench/scale.ts), small, so that it cannot rot and that what it counts is held: every
 * changed row takes effect, on both stores. Its times are the benchmark's business, on a machine that does nothing else.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { outputOf, run } from '../../src/lab/process.ts'

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

test('interrupted while the controller runs, it leaves no process, no namespace and no file', async () => {
  const temporary = mkdtempSync(join(tmpdir(), 'df-test-'))
  onTestFinished(() => rmSync(temporary, { recursive: true, force: true }))
  const child = spawn('node', [built, '--nb', 'etcd', ...cloud, ...load], {
    env: { ...process.env, TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [report, complaint] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => {
    report += chunk
    if (report.includes('memory when ready')) child.kill('SIGINT')
  })
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk))
  const [exitCode] = await once(child, 'close')
  expect([exitCode, complaint]).toEqual([130, 'interrupted (SIGINT)\n'])
  expect(report).not.toMatch(/^CPU at rest/m)
  expect(readdirSync(temporary)).toEqual([])
  expect(await run('ip', ['netns', 'list'])).not.toContain(`dfb-${child.pid}-`)
  // Each of its processes has a path in there in its arguments.
  expect((await outputOf('pgrep', ['--full', '--list-full', temporary])).stdout).toBe('')
}, 120_000)

test.each([
  [['--ports', 'many'], '--ports many: takes a whole number from 1 to 1000000\n'],
  [['--rate', '0'], '--rate 0: takes a whole number from 1 to 3600\n'],
  [['--nb', 'paper'], "'paper' is no store: --nb takes file or etcd\n"],
])('%j is refused in one line', async (args, line) => {
  const { stdout, stderr, exitCode } = await outputOf('node', [built, ...args])
  expect([exitCode, stderr, stdout]).toEqual([2, line, ''])
})
