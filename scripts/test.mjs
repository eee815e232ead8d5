// Runs every check and every test and ends with one line, `N passed, N failed`; exits non-zero on any failure.
// A skipped test is a failure: a missing real part must not look like a pass.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const folder = mkdtempSync(join(tmpdir(), 'df-test-'))
const report = join(folder, 'vitest.json')
let passed = 0
let failed = 0

const run = (command, args) => spawnSync(command, args, { stdio: 'inherit' }).status === 0

if (run('npm', ['run', '--silent', 'check'])) passed += 1
else {
  failed += 1
  console.log('FAILED: npm run check')
}

const vitestIsOk = run('npx', [
  'vitest',
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${report}`,
])
try {
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(
    readFileSync(report, 'utf8'),
  )
  passed += numPassedTests
  failed += numFailedTests + numPendingTests + numTodoTests
  for (const { name, assertionResults, status } of testResults) {
    if (status === 'failed' && assertionResults.every((test) => test.status === 'passed')) {
      failed += 1
      console.log(`FAILED: ${name} (the file itself)`)
    }
    for (const test of assertionResults)
      if (test.status !== 'passed') console.log(`${test.status.toUpperCase()}: ${name}: ${test.fullName}`)
  }
} catch (error) {
  console.log(`FAILED: vitest left no report: ${error.message}`)
  failed += 1
}
if (!vitestIsOk && failed === 0) failed += 1

rmSync(folder, { recursive: true, force: true })
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
