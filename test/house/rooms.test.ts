/** The rooms of the project hold: the walls are where .dependency-cruiser.mjs says, and a breach is seen. */

import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

interface Cruise {
  summary: { totalCruised: number; violations: { rule: { name: string }; from: string; to: string }[] }
}

const root = join(import.meta.dirname, '../..')

function cruise(folder: string): Cruise['summary'] {
  const args = ['src', '--config', '.dependency-cruiser.mjs', '--output-type', 'json']
  const options = { cwd: folder, encoding: 'utf8', maxBuffer: 64 << 20 } as const
  const output = execFileSync(join(root, 'node_modules/.bin/depcruise'), args, options)
  return (JSON.parse(output) as Cruise).summary
}

test('the source keeps to its rooms', () => {
  const summary = cruise(root)
  expect(summary.totalCruised).toBeGreaterThan(20)
  expect(summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`)).toEqual([])
})

describe('a planted import is caught', () => {
  let copy: string

  beforeAll(() => {
    copy = mkdtempSync(join(tmpdir(), 'df-rooms-'))
    for (const entry of ['src', '.dependency-cruiser.mjs', 'tsconfig.json', 'package.json'])
      cpSync(join(root, entry), join(copy, entry), { recursive: true })
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  })
  afterAll(() => rmSync(copy, { recursive: true, force: true }))

  test.each([
    ['src/wire/planted.ts', '../errors.ts', 'room-wire'],
    ['src/openflow/planted.ts', '../app/view.ts', 'room-openflow'],
    ['src/app/dns/planted.ts', '../l2/l2.ts', 'apps-are-strangers'],
    ['src/app/dns/planted.ts', '../../controller/controller.ts', 'room-app'],
    ['src/app/l2/planted.ts', '../../openflow/oxm.ts', 'gate-openflow'],
    ['src/controller/planted.ts', '../app/dns/dns.ts', 'host-knows-no-application'],
    ['src/controller/planted.ts', 'dns-packet', 'package-dnspacket'],
    ['src/app/dns/planted.ts', 'rxjs', 'package-rxjs'],
  ])('%s importing %s breaks %s', (file, target, rule) => {
    const path = join(copy, file)
    writeFileSync(path, `import * as planted from '${target}'\nexport const seen = planted\n`)
    try {
      const broken = cruise(copy).violations.filter(({ from }) => from === file)
      expect(broken.map((violation) => violation.rule.name)).toContain(rule)
    } finally {
      rmSync(path)
    }
  })
})
