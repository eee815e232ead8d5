/**
 * The interceptor's cases beyond RFC 8906, numbered as in docs/dns.md: the real `dig` and other real clients behind the
 * real switch, in both tenants, whose addresses and host names are the same. Every port and gateway is captured.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DnsLab, type Reply, tenants, upstream } from '../support/dns-lab.ts'
import { bits, optOf } from '../support/dns-reply.ts'

let cloud: DnsLab

beforeAll(async () => {
  cloud = await DnsLab.start('dns-cases')
})

afterAll(async () => {
  await cloud?.close()
  expect(cloud.strayPackets).toBe(0)
})

const server = `@${upstream.v4}`

/** `NOERROR qr aa rd ra`, in the order of dig. */
const headOf = ({ dns }: Reply) => {
  const word = dns.readUInt16BE(2)
  const set = Object.entries(bits).flatMap(([name, bit]) => ((word & bit) === 0 ? [] : [name]))
  return [['NOERROR', 'FORMERR', '2', 'NXDOMAIN'][word & 15], ...set].join(' ')
}

const answersOf = ({ message }: Reply) =>
  (message.answers ?? []).map((record) => ('data' in record ? String(record.data) : record.type))

const authorityOf = ({ message }: Reply) =>
  (message.authorities ?? []).map(({ type, name }) => `${type} ${name}`)

describe.each(tenants)('tenant %s', (tenant, domain, others) => {
  const vm1 = `${tenant}-vm1`
  const guest = `${tenant}-guest`
  const answered = (words: string, port = vm1) => cloud.answered(port, `${server} ${words}`)
  const forwarded = (words: string, port = vm1) => cloud.forwarded(port, `${server} ${words}`)
  const nodata = async (words: string, owner: string = domain) => {
    const reply = await answered(words)
    expect([headOf(reply), answersOf(reply), authorityOf(reply)]).toEqual([
      'NOERROR qr aa rd ra',
      [],
      [`SOA ${owner}`],
    ])
  }

  test('1: an owned name, from the server that was asked', async () => {
    const reply = await answered(`vm2.${domain} A`)
    expect([headOf(reply), answersOf(reply), reply.source]).toEqual([
      'NOERROR qr aa rd ra',
      ['10.0.0.6'],
      upstream.v4,
    ])
    expect(reply.message.answers![0]).toMatchObject({ name: `vm2.${domain}`, ttl: 30 })
  })

  test('2: no address of the other family', () => nodata(`vm2.${domain} AAAA`))

  test('3: an unknown name, in a domain with authority and in one without', async () => {
    const reply = await answered(`nosuch.${domain}`)
    expect([headOf(reply), authorityOf(reply)]).toEqual(['NXDOMAIN qr aa rd ra', [`SOA ${domain}`]])
    await forwarded('nosuch.open.example', guest)
    expect(answersOf(await answered('guest.open.example', guest))).toEqual(['10.0.1.4'])
  })

  test('4: below a name, the apex, an empty non-terminal', async () => {
    expect(headOf(await answered(`x.vm2.${domain}`))).toBe('NXDOMAIN qr aa rd ra')
    await nodata(`${domain} A`)
    await nodata(`rack.${domain} A`)
    expect(answersOf(await answered(`node.rack.${domain}`))).toEqual(['10.0.0.10'])
  })

  test('5: a name of the world', async () => {
    const { output } = await forwarded('ext.test')
    expect(output).toMatch(/^ext\.test\.\s+\d+\s+IN\s+A\s+192\.0\.2\.1$/m)
  })

  test('6: the case of the query, in question and answer', async () => {
    const asked = `vM2.${domain.toUpperCase()}`
    const reply = await answered(asked)
    expect([reply.message.questions![0]!.name, reply.message.answers![0]!.name]).toEqual([asked, asked])
  })

  test('7: the name of an address, v4 and v6', async () => {
    expect(answersOf(await answered('-x 10.0.0.6'))).toEqual([`vm2.${domain}`])
    expect(answersOf(await answered('-x fd00:a::4'))).toEqual([`vm1.${domain}`])
  })

  test('8: the name of an address that nobody has', async () => {
    const reply = await answered('-x 10.0.0.77')
    expect([headOf(reply), authorityOf(reply)]).toEqual(['NXDOMAIN qr aa rd ra', ['SOA 0.0.10.in-addr.arpa']])
    await forwarded('-x 10.0.1.77', guest)
    await forwarded('-x 10.1.0.77')
  })

  test('9: PTR of a host name', () => nodata(`vm2.${domain} PTR`))
  test('10: A of a reverse name', () => nodata('6.0.0.10.in-addr.arpa A', '0.0.10.in-addr.arpa'))

  test('11: ANY', async () => {
    const reply = await answered(`vm1.${domain} ANY +notcp +noedns`)
    expect([answersOf(reply), reply.dns.length <= 512]).toEqual([['10.0.0.4'], true])
  })

  test.each(['HTTPS', 'SVCB', 'MX', 'TXT', 'TYPE65534'])('12: %s of an owned name', (type) =>
    nodata(`vm1.${domain} ${type}`),
  )

  test('13: version.bind of class CHAOS', async () => {
    await forwarded('ch txt version.bind')
  })

  test('14: other classes', async () => {
    await forwarded(`-c ANY vm1.${domain}`)
    await forwarded(`-c CLASS65280 vm1.${domain}`)
  })

  test('15: a name of the other tenant', async () => {
    const { output } = await forwarded(`vm2.${others}`)
    expect(output).toContain('status: NXDOMAIN')
    await forwarded(`node.rack.${others}`)
  })

  test('16: the same host name, with and without the domain', async () => {
    expect(answersOf(await answered(`vm1.${domain}`))).toEqual(['10.0.0.4'])
    expect((await answered('vm1')).message.answers![0]).toMatchObject({ name: 'vm1', data: '10.0.0.4' })
    expect(answersOf(await answered('-x 10.0.0.4'))).toEqual([`vm1.${domain}`])
  })

  test('17: both addresses every time, in changing order', async () => {
    const orders = new Set<string>()
    for (let turn = 0; turn < 20; turn += 1) {
      const answers = answersOf(await answered(`vm3.${domain}`))
      expect(answers.toSorted()).toEqual(['10.0.0.7', '10.0.0.8'])
      orders.add(answers.join(' '))
    }
    expect(orders.size).toBe(2)
  })

  test('18: sixty addresses, as many as fit', async () => {
    const seen = new Set<string>()
    for (const [words, limit] of [
      ['+noedns', 512],
      ['+bufsize=512 +nocookie', 512],
      ['+bufsize=1232', 1232],
      ['+bufsize=4096', 1232],
    ] as const) {
      const reply = await answered(`many.${domain} +ignore ${words}`)
      expect(reply.dns.length).toBeLessThanOrEqual(limit)
      expect(headOf(reply)).not.toContain('tc')
      expect(new Set(answersOf(reply)).size).toBe(answersOf(reply).length)
      expect(reply.dns.length + 16 + 28).toBeGreaterThan(limit === 512 ? 512 : 60 * 16)
      for (const answer of answersOf(reply)) seen.add(answer)
    }
    expect(seen.size).toBe(60)
  })

  test('19: over IPv6', async () => {
    const reply = await cloud.answered(vm1, `@${upstream.v6} vm2.${domain} A`)
    expect([answersOf(reply), reply.source]).toEqual([['10.0.0.6'], '20010db8000000000000000000000053'])
  })

  test('22: updates, notifications and transfers', async () => {
    const update = `server ${upstream.v4}\nupdate add vm2.${domain} 60 A 10.0.0.99\nsend\n`
    const { sent, passed } = await cloud.observe(vm1, ['nsupdate', '-t', '1', '-u', '1', '-r', '0'], {
      input: `zone ${domain}\n${update}`,
    })
    expect(sent.length).toBeGreaterThan(0)
    expect(passed).toEqual(sent)
    await forwarded(`+opcode=4 ${domain} SOA`)
    await forwarded(`+notcp +ignore ixfr=1 ${domain}`)
    const { output, replies } = await cloud.dig(vm1, `${server} axfr ${domain}`)
    expect([output, replies]).toEqual([expect.stringMatching(/Transfer failed|connection/), []])
  })

  test.each([4, 5, 6])('23: opcode %i', async (opcode) => {
    await forwarded(`+opcode=${opcode} vm2.${domain}`)
  })

  test('28: a signed query', async () => {
    await forwarded(`-y hmac-sha256:key:c2VjcmV0 vm2.${domain}`)
  })

  test.each(['+bufsize=0', '+bufsize=65535', '+subnet=10.0.0.0/8', '+padding=128', '+keepalive', '+expire'])(
    '29: EDNS with %s',
    async (option) => {
      const reply = await answered(`vm2.${domain} +nocookie ${option}`)
      expect(answersOf(reply)).toEqual(['10.0.0.6'])
      expect(optOf(reply.dns)).toMatchObject({ udpSize: 1232, options: [] })
    },
  )

  test('30: cookies', async () => {
    const client = '0123456789abcdef'
    const first = await answered(`vm2.${domain} +cookie=${client}`)
    const cookie = cookieOf(first)
    expect(cookie.startsWith(client)).toBe(true)
    expect(cookie.length / 2 - 8).toBeGreaterThanOrEqual(8)
    expect(cookie.length / 2 - 8).toBeLessThanOrEqual(32)
    expect(cookieOf(await answered(`vm2.${domain} +cookie=${cookie}`))).toBe(cookie)
    expect(headOf(await answered(`vm2.${domain} +nocookie +ednsopt=10:01020304`))).toBe('FORMERR qr rd ra')
  })

  test('31: a name server id, when none is configured', async () => {
    expect(optOf((await answered(`vm2.${domain} +nsid +nocookie`)).dns)?.options).toEqual([])
  })

  test('39: both families at once, by the C library', async () => {
    const command = ['sh', '-c', `getent ahosts vm1.${domain}; getent ahosts vm2.${domain}`]
    const { output, exitCode, sent, passed, replies } = await cloud.observe(vm1, command)
    expect([exitCode, passed, replies.length]).toEqual([0, [], 4])
    expect(sent.length, 'nothing is asked twice').toBe(4)
    expect(output.match(/^\S+(?=\s+STREAM)/gm)).toEqual(
      expect.arrayContaining(['10.0.0.4', 'fd00:a::4', '10.0.0.6']),
    )
  })

  test('40: ping by a short name with a search domain', async () => {
    const { output, exitCode, passed } = await cloud.observe(vm1, ['ping', '-4', '-c', '1', '-W', '3', 'vm2'])
    expect(output).toContain(`vm2.${domain} (10.0.0.6)`)
    expect(exitCode).toBe(0)
    expect(passed.length).toBeLessThanOrEqual(2)
  })
})

/** The COOKIE option (RFC 7873) of a reply, in hexadecimal. */
function cookieOf({ message }: Reply): string {
  const opt = (message.additionals ?? []).find((record) => record.type === 'OPT') as
    | { options: readonly { code: number; data: Buffer }[] }
    | undefined
  return opt?.options.find(({ code }) => code === 10)?.data.toString('hex') ?? ''
}
