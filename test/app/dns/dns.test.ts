import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Punt, selfCheckPort, type Verdict } from '../../../src/app/app.ts'
import { dns } from '../../../src/app/dns/dns.ts'
import { tables } from '../../../src/app/pipeline.ts'
import type { View } from '../../../src/app/view.ts'
import { formatFlow } from '../../../src/openflow/index.ts'
import { parseFrame } from '../../../src/packet/index.ts'
import { captured, frameOf, tcpdumpOf } from '../../packet/foreign.ts'
import { puntOf } from '../../support/apps.ts'
import { twoTenants } from '../../support/view.ts'
import { appOf, ask, frameWith, hostOf, localPort, messageIn, textOf } from './asking.ts'
import { reasons } from './reasons.ts'

const [red, blue] = [1, 4]
const view = twoTenants()
const app = appOf()

const decide = (frame: Buffer, key = red, at: View = view): Verdict =>
  app.packetIn!(puntOf(localPort(at, key), frame), at)

describe('what real tools ask, asked by red and by blue', () => {
  // biome-ignore format: one captured query a line
  test.each<[string, string]>([
    ['dig +noedns web.red.example.org A',        'reply answer'],
    ['dig -6 +noedns web.red.example.org A',     'reply answer'],
    ['dig web.red.example.org AAAA',             'reply answer'],
    ['dig -6 web.red.example.org AAAA',          'reply answer'],
    ['dig db.red.example.org AAAA',              'reply nodata'],
    ['dig WeB.rEd.eXample.ORG A',                'reply answer'],
    ['dig web A',                                'reply answer'],
    ['dig +norec web A',                         'pass short-name'],
    ['dig -x 10.0.0.12',                         'reply answer'],
    ['dig -x fd00:a::11',                        'reply answer'],
    ['dig -6 -x fd00:a::11',                     'reply answer'],
    ['dig -x 10.0.0.77',                         'pass unknown-name'],
    ['dig -x 10.0.1.12',                         'pass unknown-name'],
    ['dig 12.0.0.10.in-addr.arpa A',             'reply nodata'],
    ['dig web.blue.example.org A',               'pass unknown-name'],
    ['dig nosuch.red.example.org A',             'pass unknown-name'],
    ['dig www.example.net A',                    'pass unknown-name'],
    ['dig . NS',                                 'pass unknown-name'],
    ['dig _sip._udp.red.example.org SRV',        'pass unknown-name'],
    ['dig web.red.example.org HTTPS',            'reply nodata'],
    ['dig web.red.example.org TYPE65534',        'reply nodata'],
    ['dig web.red.example.org TYPE128',          'pass meta-type'],
    ['dig web.red.example.org TYPE254',          'pass meta-type'],
    ['dig +notcp web.red.example.org ANY',       'reply answer'],
    ['dig version.bind CH TXT',                  'pass class'],
    ['dig +opcode=5 red.example.org SOA',        'pass opcode'],
    ['dig +header-only',                         'pass no-question'],
    ['dig +noedns +header-only',                 'pass counts'],
    ['dig -y hmac-sha256:key.example.org:MDEyMzQ1Njc4OWFiY2RlZg== web.red.example.org A', 'pass additional'],
    ['dig +tcflag web.red.example.org A',        'reply answer'],
    ['dig +aaonly web.red.example.org A',        'reply answer'],
    ['dig +nocookie +edns=1 +noednsneg +noad +norec web.red.example.org A', 'reply badvers'],
    ['dig +nocookie +ednsopt=10:01234567 web.red.example.org A', 'reply formerr'],
    ['getent ahostsv4 web.red.example.org',      'reply answer'],
    ['host -t A web.red.example.org',            'reply answer'],
    ['nslookup web.red.example.org',             'reply answer'],
    ['without an UDP checksum: dig +noedns web.red.example.org A', 'reply answer'],
    ['with IPv4 options: dig +noedns web.red.example.org A', 'pass header'],
    ['with DSCP 46: dig +noedns web.red.example.org A', 'reply answer'],
    ['in fragments: dig +noedns web.red.example.org A', 'pass fragment'],
    ['an empty payload',                         'pass message'],
    ['11 bytes',                                 'pass message'],
    ['a response',                               'pass response'],
    ['trailing bytes',                           'pass message'],
  ])('%s: %s', (text, expected) => {
    const verdict = decide(frameOf(text))
    expect(`${verdict.kind} ${verdict.why}`).toBe(expected)
    // Whatever red may know, blue never gets a reply about red's full names.
    if (text.includes('.red.')) expect(decide(frameOf(text), blue).kind).toBe('pass')
  })

  test('every reply is a frame that tcpdump has nothing to say against', () => {
    const replies = captured.flatMap(({ frame }) => {
      const verdict = decide(frame)
      return verdict.kind === 'reply' ? [verdict.frame] : []
    })
    expect(replies.length).toBeGreaterThan(50)
    for (const line of tcpdumpOf(replies)) {
      expect(line).toContain('udp sum ok')
      expect(line).not.toMatch(/bad|no cksum|\[\|domain\]/)
      expect(line).toMatch(/ fa:16:3e:00:00:01, /)
    }
  })

  test.each([red, blue])(
    'a reply to port %i is the same when it is written to the room of the host',
    (key) => {
      const port = localPort(view, key)
      for (const { frame } of captured) {
        const verdict = app.packetIn!(puntOf(port, frame), view)
        const room = { bytes: Buffer.alloc(2000, 0xee), at: 40 }
        const written = app.packetIn!(puntOf(port, frame, { room }), view)
        if (verdict.kind !== 'reply') expect(written).toEqual(verdict)
        else {
          const end = room.at + verdict.frame.length
          expect(written).toMatchObject({ kind: 'written', size: verdict.frame.length, why: verdict.why })
          expect(room.bytes.subarray(room.at, end)).toEqual(verdict.frame)
          expect(room.bytes.subarray(end).every((byte) => byte === 0xee)).toBe(true)
        }
      }
    },
  )

  test('whether a packet was foreseen makes no difference, whoever asked and whichever are decided', () => {
    const asked = captured.flatMap(({ frame }) =>
      [localPort(view, red), localPort(view, blue), selfCheckPort].map((port) => ({ port, frame })),
    )
    const punts = () => asked.map(({ port, frame }) => puntOf(port, frame))
    const verdictsOf = (some: readonly Punt[]) => some.map((punt) => app.packetIn!(punt, view))
    const expected = verdictsOf(punts())
    const sights = punts()
    app.foresee!(sights, sights.length, view)
    expect(verdictsOf(sights)).toEqual(expected)
    app.foresee!(sights, sights.length, view)
    const isSome = (_: unknown, index: number) => index % 5 !== 1
    expect(verdictsOf(sights.filter(isSome))).toEqual(expected.filter(isSome))
    const some = sights.filter(isSome)
    app.foresee!(some, some.length, view)
    expect(verdictsOf(sights)).toEqual(expected)
  })

  test('what was foreseen with names that are gone since then is decided without them', () => {
    const frame = frameOf('dig -6 +noedns web.red.example.org AAAA')
    const punt = puntOf(localPort(view, red), frame)
    const verdictAt = (now: View) => app.packetIn!(punt, now)
    app.foresee!([punt], 1, view)
    expect(verdictAt(view)).toMatchObject({ kind: 'reply' })
    app.foresee!([punt], 1, view)
    expect(verdictAt({ ...view, ports: new Map() })).toMatchObject({ kind: 'pass', why: 'no-names' })
  })

  test('tcpdump reads the address in a reply', () => {
    const verdict = decide(frameOf('dig -6 +noedns web.red.example.org AAAA'))
    const [line] = tcpdumpOf([verdict.kind === 'reply' ? verdict.frame : Buffer.alloc(0)])
    expect(line).toContain('q: AAAA? web.red.example.org. 1/0/0 web.red.example.org. AAAA fd00:a::11')
  })
})

describe('where a packet may come from', () => {
  test('another port than 53 is not ours', () => {
    const frame = frameOf('without an UDP checksum: dig +noedns web.red.example.org A')
    frame.writeUInt16BE(5353, 36)
    expect(decide(frame)).toMatchObject({ kind: 'pass', why: 'port' })
  })

  test('the asker is the port, never the address in the packet', () => {
    const frame = frameOf('dig +noedns web.red.example.org A') // from red's web, 10.0.0.11
    expect(decide(frame, blue)).toMatchObject({ kind: 'pass', why: 'unknown-name' })
    expect(decide(frame, red).kind).toBe('reply')
  })

  test('a port that owns no names gets none', () => {
    const verdict = app.packetIn!(puntOf(selfCheckPort, frameOf('dig web A')), view)
    expect(verdict).toMatchObject({ kind: 'pass', why: 'no-names' })
  })

  test('the view of the moment counts', () => {
    const later = twoTenants()
    const ports = new Map([...later.ports].filter(([, port]) => port.dnsName !== 'db'))
    const without: View = { ...later, ports }
    expect(ask(app, view, red, 'db.red.example.org', 'A')).toMatch(/^NOERROR /)
    expect(ask(app, without, red, 'db.red.example.org', 'A')).toBe('pass unknown-name')
    expect(ask(app, view, red, 'db.red.example.org', 'A')).toMatch(/^NOERROR /)
  })

  test('a reply owns its bytes', () => {
    const punt = puntOf(localPort(view, red), frameOf('dig +noedns web.red.example.org A'))
    const first = app.packetIn!(punt, view)
    const before = first.kind === 'reply' ? Buffer.from(first.frame) : undefined
    punt.bytes.fill(0)
    decide(frameOf('dig -x fd00:a::11'))
    expect(first.kind === 'reply' && first.frame).toEqual(before)
  })
})

describe('the lease', () => {
  test('its probe is a whole packet that ends in a pass', () => {
    const { probe } = app.lease!
    const [line] = tcpdumpOf([probe.frame])
    expect(line).toContain('192.0.2.1.53535 > 198.51.100.53.53: [udp sum ok] 0+ A? self-check.invalid.')
    expect(line).not.toContain('bad')
    expect(probe.tableId).toBe(tables.dns.id)
    const punt: Punt = puntOf(selfCheckPort, probe.frame)
    expect(app.packetIn!(punt, view)).toMatchObject({ kind: 'pass', why: 'no-names' })
    // The query itself is understood: a port with names gets to the decision.
    expect(decide(probe.frame)).toMatchObject({ kind: 'pass', why: 'unknown-name' })
  })

  test('its rows lead whole, untagged queries for one host out of services', () => {
    expect(app.lease!.rows.map(formatFlow)).toMatchInlineSnapshot(`
      [
        "table=20, priority=100,udp,vlan_tci=0x0000,dl_dst=00:00:00:00:00:00/01:00:00:00:00:00,nw_frag=no,tp_dst=53 actions=goto_table:31",
        "table=20, priority=100,udp6,vlan_tci=0x0000,dl_dst=00:00:00:00:00:00/01:00:00:00:00:00,nw_frag=no,tp_dst=53 actions=goto_table:31",
      ]
    `)
  })
})

describe('options', () => {
  test('"off" wants nothing of the switch', () => {
    const off = appOf({ df_dns_intercept: 'off' })
    expect([...off.flows(view)]).toEqual([])
    expect(off.groups).toBeUndefined()
    expect(off.lease).toBeUndefined()
  })

  test.each(['', '.', 'example.org', 'example.org.', 'openstacklocal'])(
    'dns_domain %j is taken',
    (domain) => {
      expect(() => appOf({}, hostOf(domain))).not.toThrow()
    },
  )

  test.each(['a b', 'a..b', '-a', 'a_b', 'a'.repeat(64)])('dns_domain %j is refused', (domain) => {
    expect(() => appOf({}, hostOf(domain))).toThrow(
      `[DEFAULT] dns_domain: '${domain}' is not a domain name: use labels of letters, digits and hyphens`,
    )
  })

  test('a server id of more than 64 bytes is refused', () => {
    expect(() => appOf({ df_dns_nsid: 'ü'.repeat(32) })).not.toThrow()
    expect(() => appOf({ df_dns_nsid: `${'ü'.repeat(32)}x` })).toThrow(/df_dns_nsid has more than 64 bytes/)
  })

  test('have defaults that their own rules accept', () => {
    for (const [name, { default: value, parse }] of Object.entries(dns.options))
      expect([name, parse(String(value))]).toEqual([name, value])
  })
})

test("counts what it decides, but not the host's probes", async () => {
  const host = hostOf()
  const counted = appOf({}, host)
  ask(counted, view, red, 'web.red.example.org', 'A')
  ask(counted, view, red, 'web.red.example.org', 'TXT')
  ask(counted, view, red, 'www.example.net', 'A')
  counted.packetIn!(puntOf(selfCheckPort, counted.lease!.probe.frame), view)
  const text = await host.metrics.text()
  const labels = (type: string) => `type="${type}",family="ipv4",network="net-red"`
  expect(text).toContain(`df_dns_queries_total{verdict="reply",${labels('A')}} 1`)
  expect(text).toContain(`df_dns_queries_total{verdict="reply",${labels('TXT')}} 1`)
  expect(text).toContain(`df_dns_queries_total{verdict="pass",${labels('A')}} 1`)
  expect(text).toContain('df_dns_responses_total{rcode="NOERROR"} 2')
  expect(text).toContain('df_dns_forwarded_total{reason="unknown-name"} 1')
  expect(text).not.toContain('no-names')
})

describe('whatever a guest sends', () => {
  const check = (verdict: Verdict) => {
    if (!reasons[verdict.kind]!.includes(verdict.why)) throw new Error(`${verdict.kind} ${verdict.why}`)
    if (verdict.kind === 'reply' && typeof parseFrame(verdict.frame) === 'string')
      throw new Error('broken reply')
  }
  const messages = captured.flatMap(({ frame }) =>
    typeof parseFrame(frame) === 'string' ? [] : [messageIn(frame)],
  )

  test('50,000 frames of random bytes end in a verdict', () => {
    const property = fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) =>
      check(decide(Buffer.from(bytes))),
    )
    fc.assert(property, { numRuns: 50_000 })
  })

  test('50,000 mutated frames end in a verdict', () => {
    const changes = fc.array(fc.tuple(fc.nat(120), fc.nat(255)), { minLength: 1, maxLength: 4 })
    const property = fc.property(fc.nat(captured.length - 1), changes, fc.nat(40), (row, edits, cut) => {
      const frame = Buffer.from(captured[row]!.frame)
      for (const [offset, byte] of edits) if (offset < frame.length) frame[offset] = byte
      check(decide(frame))
      check(decide(frame.subarray(0, frame.length - cut)))
    })
    fc.assert(property, { numRuns: 25_000 })
  })

  test('50,000 whole frames with mutated messages end in a verdict', () => {
    const changes = fc.array(fc.tuple(fc.nat(80), fc.nat(255)), { maxLength: 4 })
    const more = fc.uint8Array({ maxLength: 40 })
    const property = fc.property(fc.nat(messages.length - 1), changes, more, (row, edits, tail) => {
      const message = Buffer.from(messages[row]!)
      for (const [offset, byte] of edits) if (offset < message.length) message[offset] = byte
      check(decide(frameWith(message)))
      check(decide(frameWith(Buffer.concat([message, tail]))))
    })
    fc.assert(property, { numRuns: 25_000 })
  })

  test('dns-packet reads every reply to a mutated question', () => {
    const changes = fc.array(fc.tuple(fc.nat(80), fc.nat(255)), { maxLength: 2 })
    const property = fc.property(fc.nat(messages.length - 1), changes, (row, edits) => {
      const message = Buffer.from(messages[row]!)
      for (const [offset, byte] of edits) if (offset < message.length) message[offset] = byte
      const verdict = decide(frameWith(message))
      if (verdict.kind === 'reply') textOf(verdict)
    })
    fc.assert(property, { numRuns: 5_000 })
  })
})
