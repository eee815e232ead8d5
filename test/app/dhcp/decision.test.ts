import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Verdict } from '../../../src/app/app.ts'
import { recorded } from '../../support/dhcp.ts'
import { portOf } from '../../support/view.ts'
import {
  appOf,
  ask,
  decoded,
  dhcpNetwork,
  frameOf,
  localView,
  replyOf,
  type Said,
  twoTenants,
} from './asking.ts'

const discover = '350101'
const request = '350103'
const own = '32040a00000b'
const other = '32040a00004d'
const server = '36040a000002'

/** What a client of red's `web` is told; blue's has the same address and another domain. */
const { view, web } = twoTenants()
const app = appOf()
const say = (said: Said): Verdict => ask(app, view, web('red'), frameOf(said))

describe('real clients are told what dnsmasq tells them', () => {
  /** What is otherwise, and why. */
  const differs: Readonly<Record<number, string>> = {
    3: 'asked for or not',
    6: 'asked for or not',
    12: 'dnsmasq offers it not to a client that says its own name, but then gives it',
    15: 'asked for or not',
    28: 'dnsmasq: asked for or not',
    56: 'another text',
    58: 'dnsmasq was told so in one recording',
    59: 'dnsmasq was told so in one recording',
    61: 'comes back (RFC 6842)',
    121: 'asked for or not; dnsmasq was told that 169.254.169.254 is on the link by 0.0.0.0, Dragonflow says the own address',
    249: 'to who asks for nothing',
  }

  const pairs = recorded.flatMap((query, at) => {
    const reply = recorded[at + 1]
    return query.side === 'client' && reply?.side === 'server' ? [{ text: query.text, query, reply }] : []
  })

  test('all of them', () => {
    expect(pairs.length).toBeGreaterThan(15)
  })

  const searching = { options: new Map([[119, 'red.example.org,example.net']]), siaddr: undefined }
  const cloud = twoTenants({}, { dhcp: searching })

  test.each(pairs)('$text', ({ query, reply }) => {
    const ours = replyOf(ask(app, cloud.view, cloud.web('red'), query.frame))
    const [theirs] = decoded([reply.frame])
    expect(ours.line).toContain('[udp sum ok]')
    expect(ours.to).toBe(theirs!.to)
    const { Flags: flags, ...fields } = ours.fields
    const { Flags: theirFlags, ...theirFields } = theirs!.fields
    expect(fields).toEqual(theirFields)
    expect(flags === theirFlags || reply.text.endsWith('NAK')).toBe(true)
    for (const code of new Set([...Object.keys(ours.options), ...Object.keys(theirs!.options)].map(Number)))
      if (differs[code] === undefined)
        expect(ours.options[code], `option ${code}`).toBe(theirs!.options[code])
  })

  test.each(recorded.filter(({ text }) => /RELEASE|DECLINE/.test(text)))('silence: $text', (row) => {
    const why = row.text.endsWith('RELEASE') ? 'released' : 'declined'
    expect(ask(app, view, web('red'), row.frame)).toEqual({ kind: 'drop', why })
  })
})

describe('RFC 2131 §4.3', () => {
  const renewing = { options: request, ciaddr: '10.0.0.11', from: '10.0.0.11', to: '10.0.0.2' }
  const moved = { options: request, ciaddr: '10.0.0.10', from: '10.0.0.10', to: '10.0.0.2' }
  const mine = { 'Your-IP': '10.0.0.11' }
  const kept = { ...mine, 'Client-IP': '10.0.0.11' }

  // biome-ignore format: a state a line
  test.each<[string, Said, string, Record<string, string>]>([
    ['DISCOVER', { options: discover }, 'Offer', mine],
    ['DISCOVER that would like another address', { options: discover + other }, 'Offer', mine],
    ['SELECTING', { options: request + own + server }, 'ACK', mine],
    ['SELECTING, another address', { options: request + other + server }, 'NACK', {}],
    ['INIT-REBOOT', { options: request + own }, 'ACK', mine],
    ['INIT-REBOOT on another network', { options: `${request}3204c0a8070b` }, 'NACK', {}],
    ['INIT-REBOOT, another address of the network', { options: request + other }, 'NACK', {}],
    ['RENEWING', renewing, 'ACK', kept],
    ['RENEWING an address that is not the port’s any more', moved, 'NACK', {}],
    ['REBINDING', { ...renewing, to: '255.255.255.255' }, 'ACK', kept],
    ['REBINDING an address that is not the port’s any more', { ...moved, to: '255.255.255.255' }, 'NACK', {}],
    ['INFORM', { ...renewing, options: '350108' }, 'ACK', { 'Client-IP': '10.0.0.11' }],
  ])('%s', (_, said, type, addresses) => {
    const reply = replyOf(say(said))
    expect([reply.options[53], reply.options[54]]).toEqual([type, '10.0.0.2'])
    const { xid, Flags, 'Server-IP': siaddr, ...fields } = reply.fields
    expect(fields).toEqual(addresses)
    expect([xid, siaddr]).toEqual(['0x12345678', type === 'NACK' ? undefined : '10.0.0.2'])
    expect(reply.from).toBe('02:df:0a:00:00:02 10.0.0.2.67')
  })

  // biome-ignore format: a state a line
  test.each<[string, Said, string]>([
    ['SELECTING another server', { options: `${request}${own}36040a000003` }, 'other_server'],
    ['DECLINE', { options: `350104${own}${server}` }, 'declined'],
    ['DECLINE to another server', { options: `350104${own}36040a000003` }, 'other_server'],
    ['RELEASE', { options: `350107${server}`, ciaddr: '10.0.0.11' }, 'released'],
    ['RELEASE to another server', { options: '35010736040a000003', ciaddr: '10.0.0.11' }, 'other_server'],
    ['REQUEST of nothing', { options: request }, 'no_address'],
    ['INFORM without an address', { options: '350108' }, 'no_address'],
    ['INFORM with somebody else’s address', { options: '350108', ciaddr: '10.0.0.12' }, 'no_address'],
    ['the hardware address of another port', { options: discover, chaddr: 'fa:16:3e:00:00:02' }, 'chaddr'],
    ['a multicast hardware address', { options: discover, chaddr: 'ff:ff:ff:ff:ff:ff' }, 'chaddr'],
  ])('silence to %s: %3$s', (_, said, why) => {
    expect(say(said)).toEqual({ kind: 'drop', why })
  })

  test('NAK tells nothing but who says so and why (table 3)', () => {
    const { options } = replyOf(say({ options: `${request}${other}3d0701fa163e000001` }))
    expect(options).toEqual({
      53: 'NACK',
      54: '10.0.0.2',
      56: '"this port has the address 10.0.0.11"',
      61: 'ether fa:16:3e:00:00:01',
    })
  })

  test('INFORM is told no times (table 3)', () => {
    const { options } = replyOf(say({ options: '350108', ciaddr: '10.0.0.11' }))
    for (const code of [51, 58, 59]) expect(options[code]).toBeUndefined()
    expect(options[15]).toBe('"red.example.org"')
  })
})

describe('whom a reply goes to (RFC 2131 §4.1)', () => {
  const mac = 'fa:16:3e:00:00:01'
  const everybody = 'ff:ff:ff:ff:ff:ff 255.255.255.255.68'

  // biome-ignore format: a case a line
  test.each<[string, Said, string]>([
    ['no address yet: the address that it gets', { options: discover }, `${mac} 10.0.0.11.68`],
    ['the broadcast flag', { options: discover, flags: 0x8000 }, everybody],
    ['an address already', { options: request, ciaddr: '10.0.0.11' }, `${mac} 10.0.0.11.68`],
    ['an address and the broadcast flag', { options: request, ciaddr: '10.0.0.11', flags: 0x8000 }, `${mac} 10.0.0.11.68`],
    ['an address that is not its own', { options: request + own, ciaddr: '224.0.0.1' }, `${mac} 10.0.0.11.68`],
    ['NAK', { options: request + other }, everybody],
    ['NAK to who has an address', { options: request, ciaddr: '10.0.0.10' }, everybody],
    ['a relay', { options: discover, giaddr: '10.0.0.11' }, `${mac} 10.0.0.11.67`],
    ['NAK by way of a relay', { options: request + other, giaddr: '10.0.0.11' }, `${mac} 10.0.0.11.67`],
  ])('%s', (_, said, to) => {
    expect(replyOf(say(said)).to).toBe(to)
  })

  test('the broadcast flag comes back, and a relay is told to broadcast a NAK (§4.3.2)', () => {
    const flagsOf = (said: Said) => replyOf(say(said)).fields.Flags
    expect(flagsOf({ options: discover, flags: 0x8000 })).toBe('[Broadcast]')
    expect(flagsOf({ options: request + other })).toBe('[none]')
    expect(flagsOf({ options: request + other, giaddr: '10.0.0.11' })).toBe('[Broadcast]')
    expect(replyOf(say({ options: discover, giaddr: '10.0.0.11' })).fields['Gateway-IP']).toBe('10.0.0.11')
  })
})

test('a network of small packets takes no more from a client than every network carries', () => {
  const network = { ...dhcpNetwork('red', 1), mtu: 68 }
  const small = localView([network], [portOf(network, 1, 'web', ['10.0.0.11'])])
  const { options } = replyOf(ask(app, small, small.localPorts[0]!, frameOf({ options: discover })))
  expect(options).toMatchObject({
    26: '68',
    54: '10.0.0.2',
    121: expect.stringContaining('default:10.0.0.1'),
  })
})

test('each tenant is told its own, to the same words of the same client', () => {
  const frame = frameOf({ options: `${discover}37020f0c` })
  const told = (['red', 'blue'] as const).map((tenant) => replyOf(ask(app, view, web(tenant), frame)))
  expect(told.map(({ options }) => options[15])).toEqual(['"red.example.org"', '"blue.example.org"'])
  expect(told.map(({ fields }) => fields['Your-IP'])).toEqual(['10.0.0.11', '10.0.0.11'])
})

describe('any frame ends in a verdict', () => {
  const drops = new Set(
    [
      'short ethertype header fragment protocol length checksum source destination',
      'message_size operation hardware bootp options type port chaddr other_server no_address declined released',
    ].flatMap((line) => line.split(' ')),
  )
  const frames = recorded.filter(({ side }) => side === 'client').map(({ frame }) => frame)
  const isFine = ({ kind, why }: Verdict) =>
    kind === 'reply' ? /^(offer|ack|nak)$/.test(why) : kind === 'drop' && drops.has(why)

  test('every truncation of every recorded one', () => {
    for (const frame of frames)
      for (let size = 0; size < frame.length; size += 1)
        expect(ask(app, view, web('red'), frame.subarray(0, size)).kind).toBe('drop')
  })

  test('recorded ones with some bytes changed', () => {
    const change = fc.record({ at: fc.integer({ min: 42, max: 341 }), byte: fc.nat(255) })
    const changes = fc.array(change, { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(fc.nat(frames.length - 1), changes, (row, changed) => {
        const frame = Buffer.from(frames[row]!)
        for (const { at, byte } of changed) frame[Math.min(at, frame.length - 1)] = byte
        frame.writeUInt16BE(0, 40) // no UDP checksum
        expect(ask(app, view, web('red'), frame)).toSatisfy(isFine)
      }),
      { numRuns: 5000 },
    )
  })

  test('any options', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (options) => {
        expect(say({ options: discover + Buffer.from(options).toString('hex') })).toSatisfy(isFine)
      }),
      { numRuns: 3000 },
    )
  })

  test('another service of the host', () => {
    const frame = frameOf({ options: discover })
    frame.writeUInt16BE(69, 36)
    frame.writeUInt16BE(0, 40)
    expect(ask(app, view, web('red'), frame)).toEqual({ kind: 'drop', why: 'port' })
  })
})
