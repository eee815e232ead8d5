/** What DHCPv6 says, against dnsmasq's replies to the same messages, and where ours differ on purpose. */

import { describe, expect, test } from 'vitest'
import type { ServiceRules } from '../../../../src/app/dhcp/service.ts'
import { decide } from '../../../../src/app/dhcp/v6/decision.ts'
import { type Link, linkOf, routerMacs } from '../../../../src/app/dhcp/v6/link.ts'
import { eth, ipv6, udp } from '../../../support/frames.ts'
import { cloudView, linkLocals, macs, portIn, vectorOf, vectorsOf } from './cloud.ts'
import { address, asking, association, client, message, option, said } from './messages.ts'

const rules: ServiceRules = {
  dnsServers: [],
  defaultDomain: undefined,
  defaultMtu: 1460,
  leaseSeconds: 86_400,
}
const view = cloudView()
const linkIn = (tenant: 'red' | 'blue', name = 'web'): Link => {
  const port = portIn(view, tenant, name)
  return linkOf(port, view.networks.get(port.networkId)!, [], routerMacs(view.routers), rules)!
}
const link = linkIn('red')
/** What dnsmasq was told to be called. */
const serverId = Buffer.from('000200007ed9df00', 'hex')
const server = option(2, serverId.toString('hex'))
const otherServer = option(2, '000200007ed9df01')

const decided = (frame: Buffer, leaseSeconds = 86_400) => decide(frame, link, { serverId, leaseSeconds })
const frameOf = (
  payload: Buffer,
  source = linkLocals.web,
  to = 'ff02::1:2',
  ports: [number, number] = [546, 547],
) => eth(macs.web, '33:33:00:01:00:02', ipv6(source, to, udp(...ports, payload)))
const asked = (payload: Buffer, ...more: [string?, string?, [number, number]?]) => {
  const decision = decided(frameOf(payload, ...more))
  return decision.kind === 'reply' ? said(decision.frame) : `${decision.kind}: ${decision.why}`
}

describe('a reply says what dnsmasq says of the same', () => {
  // Of the options: `-` what we leave out, `+` what we say besides.
  const name = '-39: only to clients that say their own (RFC 4704 §6)'
  const pause = '+82: asked for'
  const success = '-13: success goes without saying (RFC 8415 §21.13)'
  const inside = '-13: said inside the association (RFC 8415 §18.3.9)'
  const only = '3: nothing but the status (RFC 8415 §18.3.7)'
  const unasked = ['-39: not asked for', '-24: not asked for', '-23: not asked for']
  test.each<[string, ...string[]]>([
    ['solicit', name, pause, success],
    ['solicit with rapid commit', '-7: a reply', name, pause, success],
    ['solicit with a hint', name, pause, success],
    ['solicit without options asked', ...unasked, success],
    [
      'solicit for a prefix',
      inside,
      '+25: with the status',
      '+7: one server',
      '+23: asked for',
      '+24: asked for',
      pause,
    ],
    ['request', name, pause, success],
    ['request with a name', pause, success],
    ['request of another link', inside, name, pause],
    ['confirm'],
    ['confirm of another link'],
    ['renew', name, pause],
    ['rebind', name, pause],
    ['release of nothing bound', only],
    ['release'],
    ['request after a release', name, pause, success],
    ['decline'],
    ['information request', '-32: not asked for', name, pause],
    ['information request, nameless', '+83: asked for'],
  ])('%s', (row, ...differences) => {
    const vector = vectorOf('leases', row)
    const decision = decided(vector.request)
    if (decision.kind !== 'reply') throw new Error(decision.why)
    const [ours, theirs] = [said(decision.frame), said(vector.reply)]
    expect([ours.type, ours.transaction]).toEqual([theirs.type, theirs.transaction])
    const codes = [...new Set([...Object.keys(ours.options), ...Object.keys(theirs.options)])]
    const different = codes.flatMap((code) => {
      const [our, their] = [ours.options[code], theirs.options[code]]
      return our === their ? [] : [their === undefined ? `+${code}` : our === undefined ? `-${code}` : code]
    })
    expect(different.sort()).toEqual(differences.map((text) => text.split(':')[0]).sort())
    expect([decision.frame.toString('hex', 0, 12), decision.frame.toString('hex', 22, 54)]).toEqual([
      vector.reply.toString('hex', 0, 12).replace('fa163e0000fe', '02df00000001'),
      vector.reply.toString('hex', 22, 54).replace('f8163efffe0000fe', '00df00fffe000001'),
    ])
  })

  test('has a row for each', () => {
    expect(vectorsOf('leases')).toHaveLength(18)
  })
})

const hint = association(1, address('fd00:a::11'))

describe('addresses', () => {
  const times = (payload: Buffer, leaseSeconds?: number) => {
    const decision = decided(frameOf(payload), leaseSeconds)
    if (decision.kind !== 'reply') throw new Error(decision.why)
    const at = decision.frame.indexOf(Buffer.from('0003002800000001', 'hex'))
    return [8, 12, 36, 40].map((offset) => decision.frame.readUInt32BE(at + offset))
  }

  test('are asked for again at half and at four fifths of their time (RFC 8415 §21.4)', () => {
    expect(times(message(3, client, server, hint))).toEqual([43_200, 69_120, 86_400, 86_400])
    expect(times(message(3, client, server, hint), 0xffff_ffff)).toEqual(Array(4).fill(0xffff_ffff))
  })

  test('that are not the port’s end when they are renewed', () => {
    const both = association(1, address('fd00:a::11'), address('fd00:a::99'), address('fd00:b::1'))
    for (const [type, ...ids] of [[5, server], [6]] as const)
      expect(asked(message(type, client, ...ids, both))).toMatchObject({
        options: { 3: 'iaid 1, fd00:a::11 86400 86400, fd00:a::99 0 0, fd00:b::1 0 0' },
      })
  })

  test('go to the first association alone', () => {
    expect(asked(message(1, client, association(7), association(9)))).toMatchObject({
      options: { 3: 'iaid 7, fd00:a::11 86400 86400', '3+': 'iaid 9, status 2' },
    })
  })

  test('of the link that are another’s are not confirmed: they would not pass', () => {
    const other = association(1, address('fd00:a::12'))
    expect(asked(message(4, client, other))).toMatchObject({ options: { 13: 'status 4' } })
    expect(asked(message(4, client, hint, other))).toMatchObject({ options: { 13: 'status 4' } })
  })
})

describe('temporary addresses and prefixes', () => {
  const temporary = option(4, '00000002')
  const prefixes = option(25, `00000003${'00'.repeat(8)}`)
  test.each<[string, Buffer, string, string]>([
    ['are not there', message(1, client, temporary, prefixes), '2', '6'],
    ['are not there, at once', message(1, client, option(14), temporary, prefixes), '2', '6'],
    ['are not given', message(3, client, server, temporary, prefixes), '2', '6'],
    ['are not renewed', message(5, client, server, temporary, prefixes), '3', '3'],
    ['are nobody’s', message(6, client, temporary, prefixes), '3', '3'],
    ['are not given back', message(8, client, server, temporary, prefixes), '3', '3'],
  ])('%s', (_, payload, ta, pd) => {
    expect(asked(payload)).toMatchObject({
      options: { 4: `iaid 2, status ${ta}`, 25: `iaid 3, status ${pd}` },
    })
  })

  test('commit nobody: a solicitation for them alone is only advertised', () => {
    expect(asked(message(1, client, option(14), prefixes))).toMatchObject({ type: 2 })
  })
})

describe('the name', () => {
  const red = '0377656203726564076578616d706c65036f726700'
  test.each<[string, string, string | undefined]>([
    ['whose server updates', '01', `01${red}`],
    ['that the client would update', '00', `03${red}`],
    ['that nobody updates', '04', `04${red}`],
  ])('%s', (_, flags, answered) => {
    const payload = message(11, client, asking(39), option(39, `${flags}03707764`))
    expect(asked(payload)).toMatchObject({ options: { 39: answered } })
  })

  test('of a port without one is not told', () => {
    const nameless = { ...link, name: undefined }
    const decision = decide(frameOf(message(11, client, asking(39), option(39, '01'))), nameless, {
      serverId,
      leaseSeconds: 60,
    })
    expect(decision.kind === 'reply' && said(decision.frame).options).not.toHaveProperty('39')
  })

  test('is each tenant’s own', () => {
    const decision = decide(frameOf(message(11, client, asking(39, 24), option(39, '01'))), linkIn('blue'), {
      serverId,
      leaseSeconds: 60,
    })
    expect(decision.kind === 'reply' && said(decision.frame).options).toMatchObject({
      39: '010377656204626c7565076578616d706c65036f726700',
      24: '04626c7565076578616d706c65036f726700',
    })
  })
})

test('what a client did not ask for it is not told', () => {
  expect(Object.keys((asked(message(11, client)) as { options: object }).options)).toEqual(['1', '2'])
})

test('the information is to be refreshed no sooner than the protocol lets it', () => {
  const payload = message(11, asking(32))
  expect(said((decided(frameOf(payload), 60) as { frame: Buffer }).frame).options).toMatchObject({
    32: '00000258',
  })
})

describe('no answer', () => {
  test.each<[string, Buffer, string]>([
    ['a solicitation without a client', message(1, association(1)), 'drop: identifiers'],
    ['a solicitation of one server', message(1, client, server, association(1)), 'drop: identifiers'],
    ['a request of no server', message(3, client, hint), 'drop: identifiers'],
    ['a rebinding of one server', message(6, client, server, hint), 'drop: identifiers'],
    ['a confirmation without addresses', message(4, client, association(1)), 'drop: associations'],
    ['a question for information with addresses', message(11, client, hint), 'drop: associations'],
    ['a relay agent’s message', message(12, '00'.repeat(34)), 'drop: relay'],
    ['a server’s message', message(2, client, server), 'drop: type'],
  ])('to %s', (_, payload, decision) => {
    expect(asked(payload)).toBe(decision)
  })

  test.each([3, 5, 8, 9])('to message %i for another server, which goes on', (type) => {
    expect(asked(message(type, client, otherServer, hint))).toBe('pass: other_server')
  })

  test('to a question for information of another server, which goes on', () => {
    expect(asked(message(11, client, otherServer))).toBe('pass: other_server')
  })

  test.each(['::', 'fd00:a::11', '2001:db8::1', 'ff02::1'])('to a sender at %s', (source) => {
    expect(asked(message(1, client, association(1)), source)).toBe('drop: source')
  })

  test('to other ports', () => {
    const payload = message(1, client, association(1))
    expect(asked(payload, linkLocals.web, 'ff02::1:2', [547, 547])).toBe('drop: port')
    expect(asked(payload, linkLocals.web, 'ff02::1:2', [546, 53])).toBe('drop: port')
  })

  test('to a broken packet', () => {
    const frame = frameOf(message(1, client, association(1)))
    frame[60]! ^= 1
    expect(decided(frame)).toEqual({ kind: 'drop', why: 'checksum' })
  })

  test('to any change of a byte of a message is a throw', () => {
    for (const { request } of vectorsOf('leases'))
      for (let at = 0; at < request.length; at++) {
        const frame = Buffer.from(request)
        frame[at]! ^= 0xff
        decided(frame)
        decided(request.subarray(0, at))
      }
  })
})

describe('to the server alone', () => {
  const alone = link.server.ip
  test.each([3, 5, 8, 9])('message %i is told to ask all (RFC 8415 §18.4)', (type) => {
    expect(asked(message(type, client, server, hint), linkLocals.web, alone)).toEqual({
      type: 7,
      transaction: 'abc123',
      options: { 1: expect.any(String), 2: serverId.toString('hex'), 13: 'status 5' },
    })
  })

  test.each([1, 4, 6])('message %i is not answered', (type) => {
    expect(asked(message(type, client, hint), linkLocals.web, alone)).toBe('drop: unicast')
  })

  test('what goes to another address goes on', () => {
    expect(asked(message(3, client, server, hint), linkLocals.web, 'fd00:a::99')).toBe('pass: other_server')
  })
})

test('a client that finds its address taken is told that it was heard, and so is the operator', () => {
  expect(decided(frameOf(message(9, client, server, hint)))).toMatchObject({ kind: 'reply', why: 'declined' })
})
