/** Resources as servers send them, of this version and of others. */

import { describe, expect, test } from 'vitest'
import { cloudWith, collectionNames, emptyCloud, readResource } from '../../src/neutron/resources.ts'
import { recordedItems } from '../support/neutron.ts'

describe.each(collectionNames)('%s', (collection) => {
  const items = recordedItems(collection)

  test('are read as the real server sends them', () => {
    expect(items.map((item) => readResource(collection, item).problem)).toEqual(items.map(() => undefined))
  })

  test('with fields that nobody knows, too', () => {
    const newer = { ...items[0], 'new:field': { deep: [1] }, revision_number: 2 ** 40 }
    expect(readResource(collection, newer)).toMatchObject({ value: { revision_number: 2 ** 40 } })
  })

  test('whatever is sent is a value or a problem', () => {
    for (const field of Object.keys(items[0]!))
      for (const value of [null, undefined, 7, '', [], {}, [null], 'vm\n', true]) {
        const reading = readResource(collection, { ...items[0], [field]: value })
        expect((reading.value === undefined) !== (reading.problem === undefined), `${field} = ${value}`).toBe(
          true,
        )
      }
    for (const item of [null, 7, 'text', [], {}])
      expect(readResource(collection, item)).toMatchObject({ id: undefined })
  })
})

test('one that cannot be understood is known to exist', () => {
  const [port] = recordedItems('ports') as { id: string }[]
  const whole = cloudWith(emptyCloud, 'ports', [readResource('ports', port)])
  const broken = cloudWith(whole, 'ports', [
    readResource('ports', { ...port, mac_address: 7 }),
    readResource('ports', {}),
  ])
  expect([broken.ports.size, broken.unread.ports.get(port!.id)]).toEqual([
    0,
    expect.stringMatching(/^mac_address: /),
  ])
  const mended = cloudWith(broken, 'ports', [readResource('ports', port)])
  expect([mended.ports.size, mended.unread.ports.size]).toEqual([1, 0])
  expect(cloudWith(mended, 'ports', [], [port!.id]).ports.size).toBe(0)
})
