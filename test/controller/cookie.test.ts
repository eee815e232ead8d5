import { describe, expect, test } from 'vitest'
import { cookieOf, everyCookie, kindOf } from '../../src/controller/cookie.ts'

describe('a cookie', () => {
  // FNV-1a by an independent implementation (Python, from the algorithm's own page).
  test.each([
    ['desired', 'dns', 0x4446_0100_da6a_e8bcn],
    ['timed', 'dns', 0x4446_0200_da6a_e8bcn],
    ['desired', 'classifier', 0x4446_0100_6b6d_5614n],
  ] as const)('of a %s flow of %s is the same in every run', (kind, owner, cookie) => {
    expect(cookieOf(kind, owner)).toBe(cookie)
  })

  test.each([
    ['a desired row', cookieOf('desired', 'l2'), 'desired'],
    ['a timed row', cookieOf('timed', 'l2'), 'timed'],
    ['a row without a cookie', 0n, undefined],
    ['a row of another controller', 0x1234n, undefined],
    ['a row of a kind to come', 0x4446_0300_0000_0000n, undefined],
  ] as const)('tells %s from the others', (_name, cookie, kind) => {
    expect(kindOf(cookie)).toBe(kind)
  })

  test('selects all rows of its kind and no others', () => {
    const { cookie, cookieMask } = everyCookie('timed')
    const selects = (other: bigint) => (other & cookieMask) === cookie
    expect(selects(cookieOf('timed', 'dns'))).toBe(true)
    expect(selects(cookieOf('timed', 'a-foreign-one'))).toBe(true)
    expect(selects(cookieOf('desired', 'dns'))).toBe(false)
    expect(selects(0n)).toBe(false)
  })
})
