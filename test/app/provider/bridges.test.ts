import { expect, test } from 'vitest'
import { bridgesOf } from '../../../src/app/provider/bridges.ts'
import { ConfigError } from '../../../src/errors.ts'

test('pairs of a physical network and a bridge', () => {
  expect([...bridgesOf(['physnet1:br-ex', ' physnet2 : br-lab '])]).toEqual([
    ['physnet1', 'br-ex'],
    ['physnet2', 'br-lab'],
  ])
  expect(bridgesOf([]).size).toBe(0)
})

const remedy = 'is not <physical network>:<bridge>; write, for example, physnet1:br-ex'

test.each([
  [['br-ex'], `'br-ex' ${remedy}`],
  [['physnet1:'], `'physnet1:' ${remedy}`],
  [[':br-ex'], `':br-ex' ${remedy}`],
  [['physnet1:br-ex:5'], `'physnet1:br-ex:5' ${remedy}`],
  [['a:br-ex', 'a:br-lab'], "'a:br-lab' names a a second time; keep one of the two"],
  [
    ['a:br-ex', 'b:br-ex'],
    "'b:br-ex' names br-ex a second time; give each physical network a bridge of its own",
  ],
])('%j is refused', (mappings, message) => {
  expect(() => bridgesOf(mappings)).toThrow(
    new ConfigError(`[df_provider_networks] bridge_mappings: ${message}`),
  )
})
