import { describe, expect, test } from 'vitest'
import { readRequest, writeReply } from '../../../../src/app/dhcp/v6/message.ts'
import { vectorsOf } from './cloud.ts'
import { address, asking, association, client, clientId, message, option } from './messages.ts'

describe('a message', () => {
  test('is read with what stands in it', () => {
    const temporary = option(4, '00000002')
    const prefixes = option(25, `00000003${'00'.repeat(8)}${option(26, '00'.repeat(25))}`)
    const asked = message(
      1,
      client,
      asking(23, 24),
      option(14),
      option(39, '0103776562'),
      association(1, address('fd00:a::11'), address('fd00:a::12'), option(13, '0000')),
      temporary,
      prefixes,
    )
    expect(readRequest(asked)).toEqual({
      type: 'solicit',
      transactionId: 0xabc123,
      clientId: Buffer.from(clientId, 'hex'),
      serverId: undefined,
      asked: new Set([23, 24]),
      isRapid: true,
      nameFlags: 1,
      associations: [
        { kind: 'na', iaid: 1, addresses: ['fd00:a::11', 'fd00:a::12'] },
        { kind: 'ta', iaid: 2, addresses: [] },
        { kind: 'pd', iaid: 3, addresses: [] },
      ],
    })
  })

  test('needs no options', () => {
    expect(readRequest(message(11))).toMatchObject({
      type: 'informationRequest',
      asked: new Set(),
      isRapid: false,
    })
  })

  test('may have options that are not read more than once', () => {
    expect(readRequest(message(11, option(17, '00000001'), option(17, '00000002')))).toMatchObject({
      type: 'informationRequest',
    })
  })

  test.each<[string, Buffer, string]>([
    ['without a transaction', Buffer.from('01abc1', 'hex'), 'message_size'],
    ['of a relay agent', message(12, '00'.repeat(34)), 'relay'],
    ['to a relay agent', message(13), 'relay'],
    ['of a server', message(7, client), 'type'],
    ['of a type that nobody knows', message(99), 'type'],
    ['with an option without its head', message(1, client, '000e00'), 'options'],
    ['with an option that is longer than it', message(1, client, '000e0001'), 'options'],
    ['with two clients', message(1, client, client), 'options'],
    ['with a client without a name', message(1, option(1, '0001')), 'options'],
    ['with a client that is too long', message(1, option(1, '00'.repeat(131))), 'options'],
    ['with a server that is too long', message(3, client, option(2, '00'.repeat(131))), 'options'],
    ['with half an option asked', message(1, client, option(6, '001700')), 'options'],
    ['with a name without flags', message(1, client, option(39)), 'options'],
    ['with an association without times', message(1, client, option(3, '00000001')), 'options'],
    ['with half an address', message(1, client, association(1, option(5, '00'.repeat(23)))), 'options'],
    ['with half an option in an association', message(1, client, association(1, '0005')), 'options'],
    ['with 17 associations', message(1, client, ...Array(17).fill(association(1))), 'options'],
    ['with 17 addresses', message(1, client, association(1, ...Array(17).fill(address('::1')))), 'options'],
  ])('%s is not understood', (_, bytes, why) => {
    expect(readRequest(bytes)).toBe(why)
  })

  test('of any bytes never throws', () => {
    for (const { request } of vectorsOf('leases')) {
      const whole = request.subarray(62)
      for (let size = 0; size <= whole.length; size++) readRequest(whole.subarray(0, size))
      for (let at = 0; at < whole.length; at++)
        for (const value of [0, 1, 5, 0x7f, 0xff]) {
          const bytes = Buffer.from(whole)
          bytes[at] = value
          readRequest(bytes)
        }
    }
    let seed = 1
    const random = () => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
      return seed >>> 24
    }
    for (let i = 0; i < 5000; i++) readRequest(Buffer.from(Array.from({ length: random() % 80 }, random)))
  })
})

test('a reply keeps its transaction and its options in order', () => {
  const reply = writeReply(0xabc123, 'reply', [
    [2, Buffer.from('0102', 'hex')],
    [14, Buffer.alloc(0)],
  ])
  expect(reply.toString('hex')).toBe('07abc123' + '000200020102' + '000e0000')
})
