import { expect, test } from 'vitest'
import { createSegments } from '../../src/app/segments.ts'
import { networkOf, portOf, routerOf, twoTenants, viewOf } from '../support/view.ts'

test('each tenant has its own ports behind the same addresses', () => {
  const owners = createSegments()(twoTenants()).map(({ network, ips }) => [
    network.id,
    ips.get('10.0.0.11')?.id,
  ])
  expect(owners).toEqual([
    ['net-red', 'net-red-1'],
    ['net-blue', 'net-blue-4'],
  ])
})

test('ports of other nodes are known, ports of no node and disabled ones are not', () => {
  const red = networkOf('red', 1)
  const ports = [
    portOf(red, 1, 'web', ['10.0.0.11']),
    { ...portOf(red, 2, 'remote', ['10.0.0.12']), chassis: 'compute-2' },
    { ...portOf(red, 3, 'unbound', ['10.0.0.13']), chassis: undefined },
    { ...portOf(red, 4, 'disabled', ['10.0.0.14']), isEnabled: false },
    { ...portOf(red, 5, 'nameless', ['10.0.0.15']), macs: [] },
  ]
  const [segment] = createSegments()(viewOf([red], ports, { 1: 11 }))
  expect([...segment!.ips.keys()]).toEqual(['10.0.0.11', '10.0.0.12'])
  expect([...segment!.macs.keys()]).toEqual(['fa:16:3e:00:00:01', 'fa:16:3e:00:00:02'])
})

test('of two ports with one address, the one with the lower key has it, whatever the order of the rows', () => {
  const red = networkOf('red', 1)
  const twins = [2, 1].map((key) => ({
    ...portOf(red, key, 'web', ['10.0.0.11']),
    macs: ['fa:16:3e:00:00:aa'],
  }))
  const [segment] = createSegments()(viewOf([red], twins, { 1: 11, 2: 12 }))
  expect(segment!.ips.get('10.0.0.11')!.key).toBe(1)
  expect(segment!.macs.get('fa:16:3e:00:00:aa')!.key).toBe(1)
})

test('a network without a local port is there if routers lead to it, each for its own ports', () => {
  const [red, blue] = [networkOf('red', 1), networkOf('blue', 2)]
  const [middle, far, other] = ['middle', 'far', 'other'].map((id, index) =>
    networkOf('red', 3 + index, { id }),
  )
  const ports = [portOf(red, 1, 'web', ['10.0.0.11']), portOf(far!, 2, 'db', ['10.0.0.12'])]
  const routers = [
    { ...routerOf('red', 1, [red, middle!]), id: 'near' },
    { ...routerOf('red', 2, [middle!, far!]), id: 'far' },
    { ...routerOf('blue', 3, [blue, other!]), id: 'elsewhere' },
  ]
  const found = createSegments()(viewOf([red, blue, middle!, far!, other!], ports, { 1: 11 }, routers))
  expect(
    found.map(({ network, localPorts, ips }) => [network.id, localPorts.length, [...ips.keys()]]),
  ).toEqual([
    ['net-red', 1, ['10.0.0.11']],
    ['middle', 0, []],
    ['far', 0, ['10.0.0.12']],
  ])
})

test('a network without a local port and without a router is not there', () => {
  const view = twoTenants()
  const localPorts = view.localPorts.filter((port) => port.networkId === 'net-blue')
  expect(createSegments()({ ...view, localPorts }).map(({ network }) => network.id)).toEqual(['net-blue'])
})
