/**
 * Whatever a guest sends: 50,000 packets of a grammar with changed bytes through the frame parser and the whole
 * decision; `DF_PACKETS` asks for more (`npm run test:nightly`), `DF_SEED` for the packets of an earlier run.
 */

import { encode, type Packet } from 'dns-packet'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readQuery } from '../../../src/app/dns/question.ts'
import type { View } from '../../../src/app/view.ts'
import { puntOf } from '../../support/apps.ts'
import { frames, messages } from '../../support/odd-packets.ts'
import { faultOf } from '../../support/reply-judge.ts'
import { twoTenants, viewOf } from '../../support/view.ts'
import { appOf, localPort } from './asking.ts'
import { differenceOf } from './differential.ts'
import { reasons } from './reasons.ts'

const count = Number(process.env.DF_PACKETS ?? 50_000)
const seed = Number(process.env.DF_SEED ?? Date.now() % 0x7fff_ffff)
const timeoutMs = 60_000 + 2 * count
/** fast-check remembers what it has run; a million at once would be much to remember. */
const chunk = 50_000

function inChunks(property: fc.IRawProperty<unknown>): void {
  for (let done = 0; done < count; done += chunk)
    fc.assert(property, {
      numRuns: Math.min(chunk, count - done),
      seed: seed + done,
      endOnFailure: true, // a smaller failing packet may take an hour to find; the seed brings this one again
    })
}

/** The default cloud, each subnet authoritative, and in each a name with more addresses than fit into a reply. */
function crowded(): View {
  const plain = twoTenants()
  const networks = [...plain.networks.values()].map((network) => ({
    ...network,
    subnets: network.subnets.map((subnet) => ({
      ...subnet,
      domain: { ...subnet.domain!, isAuthoritative: true },
    })),
  }))
  const ports = [...plain.ports.values()].map((port, index) => {
    const { subnets } = networks.find(({ id }) => id === port.networkId)!
    const addresses = port.addresses.map(({ ip }) => ({ ip, subnet: subnets[ip.includes(':') ? 1 : 0] }))
    if (port.dnsName !== 'cache') return { ...port, addresses }
    const many = Array.from({ length: 100 }, (_, i) => ({ ip: `10.0.0.${100 + i}`, subnet: subnets[0] }))
    return { ...port, key: 100 + index, dnsName: 'many', addresses: many }
  })
  return viewOf(networks, ports, { 1: 11, 2: 12, 4: 14, 5: 15 })
}

/** What has to do with names; errors without one are said to everybody alike at the gateway's own address. */
const isAboutNames = new Set(['answer', 'nodata', 'nxdomain'])
const gateway = 0x0a00_0001

const views = [twoTenants(), crowded()].map((view) => ({ view, app: appOf() }))

test(`${count} packets, seed ${seed}: a known verdict, a right reply, an untouched frame`, {
  timeout: timeoutMs,
}, () => {
  const seen = new Map<string, number>()
  const asked = fc.record({ frame: frames, at: fc.nat(1), key: fc.constantFrom(1, 4, 5) })
  inChunks(
    fc.property(asked, ({ frame, at, key }) => {
      const { app, view } = views[at]!
      const before = Buffer.from(frame)
      const verdict = app.packetIn!(puntOf(localPort(view, key), frame), view)
      if (!frame.equals(before)) throw new Error('the frame was changed')
      if (!reasons[verdict.kind]?.includes(verdict.why))
        throw new Error(`unknown: ${verdict.kind} ${verdict.why}`)
      const label = `${verdict.kind} ${verdict.why}`
      seen.set(label, (seen.get(label) ?? 0) + 1)
      if (verdict.kind !== 'reply') return
      const fault = faultOf(before, verdict.frame)
      if (fault !== undefined)
        throw new Error(`the reply is wrong: ${fault}: ${verdict.frame.toString('hex')}`)
      if (!isAboutNames.has(verdict.why) && before.readUInt32BE(30) === gateway) return
      const stranger = key === 1 ? 'blue' : 'red'
      if (before.toString('latin1').toLowerCase().includes(`${stranger}\x07example`))
        throw new Error('a name of the other tenant was answered')
    }) as fc.IRawProperty<unknown>,
  )
  console.log(
    [...seen]
      .map(([label, n]) => `${label} ${n}`)
      .sort()
      .join(', '),
  )
  // The grammar reaches every word, or it proves little.
  if (count < chunk) return
  const expected = Object.entries(reasons).flatMap(([kind, all]) => all.map((why) => `${kind} ${why}`))
  expect(expected.filter((label) => !seen.has(label))).toEqual(['pass no-names'])
})

test(`${count} messages, seed ${seed}: what is read is what dns-packet reads`, { timeout: timeoutMs }, () => {
  let accepted = 0
  inChunks(
    fc.property(messages, (message) => {
      const query = readQuery(message, 0, message.length)
      if (typeof query === 'string') {
        if (!reasons.pass!.includes(query)) throw new Error(`unknown: ${query}`)
        return
      }
      accepted += 1
      const difference = differenceOf(message, query)
      if (difference !== undefined) throw new Error(difference)
    }) as fc.IRawProperty<unknown>,
  )
  expect(accepted).toBeGreaterThan(count / 10)
})

const ownLetter = fc.constantFrom(...'abcXYZ019-_')
const otherLetter = fc.constantFrom(...' *@!/', '\\', 'ü', '名')
const label = fc
  .record({
    letters: fc.array(ownLetter, { minLength: 1, maxLength: 20 }),
    odd: fc.option(otherLetter, { freq: 10 }),
  })
  .map(({ letters, odd }) => letters.join('') + (odd ?? ''))
const plain = fc.record({
  labels: fc.array(label, { minLength: 1, maxLength: 6 }),
  count: fc.constantFrom(1, 1, 1, 1, 0, 2),
  type: fc.constantFrom('A', 'AAAA', 'PTR', 'MX', 'TXT', 'ANY', 'SOA'),
  class: fc.constantFrom('IN', 'IN', 'IN', 'IN', 'CH', 'HS', 'ANY'),
  flags: fc.constantFrom(0x0100, 0, 0x0110, 0x0120, 0x0100, 0x2000, 0x2800, 0x1000),
  isResponse: fc.constantFrom(false, false, false, false, false, true),
  additionals: fc.constantFrom('', '', 'OPT', 'OPT', 'A', 'OPT OPT'),
})

const additionalOf = (type: string, name: string) =>
  type === 'A'
    ? { type, name, ttl: 1, data: '192.0.2.1' }
    : { type, name: '.', udpPayloadSize: 1232, flags: 0, options: [{ code: 'PADDING', length: 4 }] }

/** Why the documents say that such a query goes on; undefined if it is to be read. */
function statedReason(asked: typeof plain extends fc.Arbitrary<infer T> ? T : never): string | undefined {
  if (asked.isResponse) return 'response'
  if ((asked.flags & 0x7800) !== 0) return 'opcode'
  if (asked.count > 1) return 'counts'
  if (!['', 'OPT'].includes(asked.additionals)) return 'additional'
  return asked.count === 0 ? 'counts' : undefined
}

test(`queries that dns-packet makes, seed ${seed}: read, or refused for the reason stated`, {
  timeout: timeoutMs,
}, () => {
  fc.assert(
    fc.property(plain, (asked) => {
      const name = asked.labels.join('.')
      const question = { type: asked.type, class: asked.class, name }
      const message = encode({
        type: asked.isResponse ? 'response' : 'query',
        id: 1,
        flags: asked.flags,
        questions: Array.from({ length: asked.count }, () => question),
        additionals: asked.additionals
          .split(' ')
          .filter(Boolean)
          .map((type) => additionalOf(type, name)),
      } as Packet)
      const query = readQuery(message, 0, message.length)
      expect(typeof query === 'string' ? query : undefined).toBe(statedReason(asked))
    }),
    { numRuns: 10_000, seed },
  )
})
