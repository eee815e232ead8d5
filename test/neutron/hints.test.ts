/** Notifications as the real server sent them through RabbitMQ (test/vectors/neutron/notifications.jsonl), and others. */

import { describe, expect, test } from 'vitest'
import { hintIn, queriesOf } from '../../src/neutron/hints.ts'
import { recordedCloud, recordedPort, recordedText } from '../support/neutron.ts'

const recorded = recordedText('notifications.jsonl')
  .trim()
  .split('\n')
  .map((line) => {
    const { 'oslo.message': message, 'oslo.version': version } = JSON.parse(line) as Record<string, unknown>
    return Buffer.from(JSON.stringify({ 'oslo.version': version, 'oslo.message': JSON.stringify(message) }))
  })

test('every one is a hint without the requester’s context', () => {
  const hints = recorded.map(hintIn)
  expect(hints.every((hint) => hint && Object.keys(hint).join() === 'event,payload')).toBe(true)
  expect(hints[0]).toMatchObject({ event: 'port.create.end' })
})

test('together they are read again once each', () => {
  const asked = queriesOf(recorded.map((message) => hintIn(message)!)).map(
    ({ collection, filter, values }) => `${collection} ${filter} ${values.length}`,
  )
  expect(asked).toEqual([
    'ports id 5',
    'networks id 2',
    'subnets network_id 2',
    'ports network_id 2',
    'subnets id 2',
    'routers id 1',
    'ports device_id 1',
  ])
})

describe('what is read again', () => {
  test.each([
    ['port.update.end', { port: { id: 'p' } }, ['ports id p']],
    ['port.create.end', { ports: [{ id: 'p' }, { id: 'q' }] }, ['ports id p,q']],
    ['port.delete.end', { port_id: 'p' }, ['ports id p']],
    ['network.create.end', { network: { id: 'n' } }, ['networks id n']],
    [
      'network.delete.end',
      { network_id: 'n' },
      ['networks id n', 'subnets network_id n', 'ports network_id n'],
    ],
    [
      'subnet.delete.end',
      { subnet_id: 's', subnet: { id: 's', network_id: 'n' } },
      ['subnets id s', 'ports network_id n'],
    ],
    [
      'router.interface.create',
      { router_interface: { id: 'r', port_id: 'p' } },
      ['routers id r', 'ports device_id r', 'ports id p'],
    ],
    ['router.update.end', { router: { id: 'r' } }, ['routers id r', 'ports device_id r']],
    ['floatingip.update.end', { floatingip: { id: 'f' } }, ['floatingips id f', 'ports device_id f']],
    ['security_group.update.end', { security_group: { id: 'g' } }, ['securityGroups id g']],
    [
      'security_group_rule.create.end',
      { security_group_rule: { id: 'x', security_group_id: 'g' } },
      ['securityGroups id g'],
    ],
    ['compute.instance.update', { instance: { id: 'i' } }, []],
    ['port.update.end', { port: null, ports: [null, 7], port_id: 7 }, []],
  ])('%s %j', (event, payload, expected) => {
    const asked = queriesOf([{ event, payload }]).map(
      ({ collection, filter, values }) => `${collection} ${filter} ${values.join()}`,
    )
    expect(asked).toEqual(expected)
  })

  test('who should be found is known from the cloud', () => {
    const { network_id } = recordedPort('web')
    const [, , ports] = queriesOf([{ event: 'network.delete.end', payload: { network_id } }])
    const cloud = recordedCloud()
    const there = [...cloud.ports.values()]
      .filter((port) => port.network_id === network_id)
      .map(({ id }) => id)
    expect(ports!.known(cloud)).toEqual(there)
  })
})

test.each(['', '{', '7', 'null', '{}', '{"oslo.message": "{"}', '{"oslo.message": "{}"}', '\xff'])(
  '%j is no hint',
  (text) => {
    expect(hintIn(Buffer.from(text, 'latin1'))).toBeUndefined()
  },
)
