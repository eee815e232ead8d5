/** The odd packets of test/vectors/packets: made by real tools, each with what is to become of it. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { puntOf } from '../../support/apps.ts'
import { twoTenants } from '../../support/view.ts'
import { appOf, localPort } from './asking.ts'
import { reasons } from './reasons.ts'

interface Row {
  readonly name: string
  readonly expect: string
  readonly from: string
  readonly hex: string
}

const rows: Row[] = readFileSync(join(import.meta.dirname, '../../vectors/packets/odd.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line))

const view = twoTenants()
const app = appOf()
const [red, blue] = [1, 4]

const becomes = (frame: Buffer, key: number): string => {
  const { kind, why } = app.packetIn!(puntOf(localPort(view, key), frame), view)
  return `${kind} ${why}`
}

describe('an odd packet', () => {
  test.each(rows)('$name: $expect', ({ hex, expect: expected }) => {
    const frame = Buffer.from(hex, 'hex')
    expect(becomes(frame, red)).toBe(expected)
    expect(frame.toString('hex')).toBe(hex)
    // It asks for a name of red's: to blue it is at best a stranger's.
    expect(becomes(frame, blue)).toBe(expected.startsWith('reply') ? 'pass unknown-name' : expected)
  })
})

test('the corpus has every word of the frame and of the message', () => {
  const has = new Set(rows.map((row) => row.expect))
  const decisions = ['no-names', 'parent-side', 'short-name'] // asked in other tests
  const missing = reasons.pass!.filter((why) => !has.has(`pass ${why}`) && !decisions.includes(why))
  expect(missing).toEqual([])
})
