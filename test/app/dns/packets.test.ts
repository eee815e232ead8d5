/**
 * Whatever a guest sends: 50,000 packets of a grammar with changed bytes through the frame parser and the whole
 * decision; `DF_PACKETS` asks for more (`npm run test:nightly`), `DF_SEED` for the packets of an earlier run.
 */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readQuery } from '../../../src/app/dns/question.ts'
import type { View } from '../../../src/app/view.ts'
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
    fc.assert(property, { numRuns: Math.min(chunk, count - done), seed: seed + done })
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
      const verdict = app.packetIn!({ port: localPort(view, key), frame }, view)
      if (!frame.equals(before)) throw new Error('the frame was changed')
      if (!reasons[verdict.kind]?.includes(verdict.why))
        throw new Error(`unknown: ${verdict.kind} ${verdict.why}`)
      const label = `${verdict.kind} ${verdict.why}`
      seen.set(label, (seen.get(label) ?? 0) + 1)
      if (verdict.kind !== 'reply') return
      const fault = faultOf(before, verdict.frame)
      if (fault !== undefined)
        throw new Error(`the reply is wrong: ${fault}: ${verdict.frame.toString('hex')}`)
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
