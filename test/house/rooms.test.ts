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

/** Who imports what, and the rule that forbids it. */
const planted = [
  ['wire', '../errors.ts', 'room-wire'],
  ['openflow', '../app/view.ts', 'room-openflow'],
  ['app/dns', '../l2/l2.ts', 'apps-are-strangers'],
  ['app/dns', '../../controller/controller.ts', 'room-app'],
  ['app/l2', '../../openflow/oxm.ts', 'gate-openflow'],
  ['controller', '../app/dns/dns.ts', 'host-knows-no-application'],
  ['controller', 'dns-packet', 'package-dnspacket'],
  ['app/dns', 'rxjs', 'package-rxjs'],
  ['neutron', '../app/view.ts', 'room-neutron'],
  ['cli', '../neutron/api.ts', 'gate-neutron'],
  ['nb', 'amqplib', 'package-amqplib'],
] as const

describe('a planted import is caught', () => {
  let copy: string
  let violations: Cruise['summary']['violations']

  const plantOf = (index: number) => join('src', planted[index]![0], `planted-${index}.ts`)

  beforeAll(() => {
    copy = mkdtempSync(join(tmpdir(), 'df-rooms-'))
    for (const entry of ['src', '.dependency-cruiser.mjs', 'tsconfig.json', 'package.json'])
      cpSync(join(root, entry), join(copy, entry), { recursive: true })
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
    planted.forEach(([, target], index) => {
      writeFileSync(
        join(copy, plantOf(index)),
        `import * as planted from '${target}'\nexport const seen = planted\n`,
      )
    })
    violations = cruise(copy).violations
  })
  afterAll(() => rmSync(copy, { recursive: true, force: true }))

  test.each(planted.map(([room, target, rule], index) => [room, target, rule, index] as const))(
    '%s importing %s breaks %s',
    (_room, _target, rule, index) => {
      const broken = violations.filter(({ from }) => from === plantOf(index))
      expect(broken.map((violation) => violation.rule.name)).toContain(rule)
    },
  )
})
