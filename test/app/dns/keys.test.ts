import fc from 'fast-check'
import { expect, test } from 'vitest'
import { keyOf } from '../../../src/app/dns/domain-name.ts'
import { createKeyReader, readKey } from '../../../src/app/dns/keys.ts'

const wire = (name: string) => Buffer.from(keyOf(name), 'latin1')

test('a reader that remembers reads what one that does not reads, whatever came before', () => {
  const keyAt = createKeyReader()
  const name = fc.uint8Array({ minLength: 1, maxLength: 255 })
  fc.assert(
    fc.property(fc.array(name, { minLength: 1, maxLength: 8 }), fc.nat(20), (names, at) => {
      for (const each of [...names, ...names, ...names]) {
        const bytes = Buffer.concat([Buffer.alloc(at, 0xff), each, Buffer.alloc(3, 0xff)])
        expect(keyAt(bytes, at, at + each.length)).toBe(readKey(bytes, at, at + each.length))
      }
    }),
    { numRuns: 5000 },
  )
})

test.each([
  ['in any case', 'WeB.Red.Example.ORG'],
  ['again', 'web.red.example.org'],
])('a name is one key %s', (_, name) => {
  const keyAt = createKeyReader()
  keyAt(wire('web.red.example.org'), 0, 21)
  const bytes = Buffer.from(wire(name))
  bytes.write('WEB', 1)
  expect(keyAt(bytes, 0, bytes.length)).toBe(keyOf(name))
})

test('names that differ in one byte, or share a beginning, stay apart', () => {
  const keyAt = createKeyReader()
  for (let turn = 0; turn < 3; turn++)
    for (let i = 0; i < 20_000; i++) {
      const bytes = wire(`vm-${i}.red.example.org`)
      expect(keyAt(bytes, 0, bytes.length)).toBe(keyOf(`vm-${i}.red.example.org`))
    }
})
