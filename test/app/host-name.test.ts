import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { domainOf, hostNameOf, isHostName, nameBytes } from '../../src/app/host-name.ts'
import { networkOf, portOf } from '../support/view.ts'

describe('host names', () => {
  test.each(['a', '1', 'web', 'Web', 'a-b', 'xn--bcher-kva', 'a.b.c', '123.example.org', 'a'.repeat(63)])(
    '%j is one',
    (text) => {
      expect(isHostName(text)).toBe(true)
    },
  )

  // biome-ignore format: a list of words
  test.each([
    '', '.', 'a.', '.a', 'a..b', '-a', 'a-', 'a_b', 'a b', 'a\n', '*', 'bücher', 'host-fd00-a--', 'a'.repeat(64), '<project_id>',
    'a.'.repeat(127), 'a\0', "a'b", 'a/b',
  ])('%j is none', (text) => {
    expect(isHostName(text)).toBe(false)
  })

  test('253 characters are one, 254 are none', () => {
    const name = `${'a'.repeat(63)}.`.repeat(3) + 'b'.repeat(61)
    expect([isHostName(name), isHostName(`${name}b`)]).toEqual([true, false])
  })
})

const red = networkOf('red', 1)
const portNamed = (name: string | undefined) => portOf(red, 1, name, ['10.0.0.11'])

describe('the name of a port', () => {
  test.each<[string | undefined, string | undefined, string | undefined]>([
    ['web', 'red.example.org', 'web'],
    ['web', undefined, 'web'],
    ['a.b', 'red.example.org', 'a.b'],
    ['web.Red.example.org.', 'red.example.org', 'web'],
    ['web.blue.example.org.', 'red.example.org', undefined],
    ['web.', undefined, undefined],
    ['a_b', 'red.example.org', undefined],
    [`${'a.'.repeat(119)}a`, 'red.example.org', undefined],
    ['', 'red.example.org', undefined],
    [undefined, 'red.example.org', undefined],
  ])('%j under %j is %j', (name, domain, wanted) => {
    expect(hostNameOf(portNamed(name), domain)).toBe(wanted)
  })
})

test('the domain of a subnet is its own, or else the default one', () => {
  const [subnet] = red.subnets
  const named = (name: string) => ({ ...subnet!, domain: { ...subnet!.domain!, name } })
  expect(domainOf(subnet!, 'openstacklocal')).toBe('red.example.org')
  expect(domainOf(named('no domain'), 'openstacklocal')).toBe('openstacklocal')
  expect(domainOf({ ...subnet!, domain: undefined }, undefined)).toBeUndefined()
})

test('names on the wire are what Python makes of them', () => {
  const names = ['web', 'web.Red.example.org', 'a'.repeat(63)]
  const script =
    'import sys\nfor n in sys.argv[1:]: print("".join("%02x%s" % (len(p), p.encode("idna").hex()) for p in n.split(".")) + "00")'
  const wanted = execFileSync('python3', ['-c', script, ...names], { encoding: 'utf8' })
  expect(names.map((name) => `${nameBytes(name).toString('hex')}\n`).join('')).toBe(wanted)
})
