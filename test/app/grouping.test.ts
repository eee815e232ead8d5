import { expect, test } from 'vitest'
import { createGrouping } from '../../src/app/grouping.ts'
import type { Port } from '../../src/app/view.ts'
import { SortedMap } from '../../src/sorted-map.ts'
import { twoTenants } from '../support/view.ts'

const { ports: all } = twoTenants()
const keysIn = (ports: readonly Port[]) => ports.map(({ key }) => key)

test('ports stand in their groups in order of their keys', () => {
  const portsIn = createGrouping(({ networkId }) => [networkId])(new Map([...all].toReversed()))
  expect(keysIn(portsIn('net-red'))).toEqual([1, 2, 3])
  expect(keysIn(portsIn('net-blue'))).toEqual([4, 5, 6])
  expect(portsIn('elsewhere')).toEqual([])
})

test('a port may stand in several groups, and once in each', () => {
  const portsIn = createGrouping(({ addresses }) => addresses.flatMap(({ subnet }) => subnet?.id ?? []))(all)
  expect(keysIn(portsIn('subnet-red-v4'))).toEqual([1, 2, 3])
  expect(keysIn(portsIn('subnet-red-v6'))).toEqual([1, 3])
})

test.each([
  ['sorted maps', SortedMap.of(all)],
  ['other maps', all],
])('only the groups of what changed are made again: %s', (_name, before) => {
  const group = createGrouping(({ networkId }) => [networkId])
  const first = group(before)
  const [red, blue] = [first('net-red'), first('net-blue')]
  const moved = { ...all.get('net-red-2')!, networkId: 'net-new' }
  const changes = new Map([[moved.id, moved]])
  const after = group(before instanceof SortedMap ? before.with(changes) : new Map([...before, ...changes]))
  expect(keysIn(after('net-red'))).toEqual([1, 3])
  expect(after('net-new')).toEqual([moved])
  expect(after('net-blue')).toBe(blue)
  expect(group(before)('net-red')).toEqual(red)
  expect(group(new Map())('net-red')).toEqual([])
})

test('groupings that find the same ports have one list of them, until one finds others', () => {
  const inNetwork = createGrouping(({ networkId }) => [networkId])
  const bySubnet = createGrouping(({ addresses }) => addresses.flatMap(({ subnet }) => subnet?.id ?? []))
  const [of, on] = [inNetwork(all), bySubnet(all)]
  for (const tenant of ['red', 'blue']) {
    expect(on(`subnet-${tenant}-v4`)).toBe(of(`net-${tenant}`))
    expect(on(`subnet-${tenant}-v6`)).not.toBe(of(`net-${tenant}`))
  }
  const fewer = new Map(all)
  fewer.delete('net-red-2')
  expect(keysIn(bySubnet(fewer)('subnet-red-v4'))).toEqual([1, 3])
  expect(keysIn(of('net-red'))).toEqual([1, 2, 3])
  expect(inNetwork(fewer)('net-red')).toBe(bySubnet(fewer)('subnet-red-v4'))
})
