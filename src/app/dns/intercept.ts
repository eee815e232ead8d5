/**
 * Which destinations of queries are intercepted (`df_dns_intercept`, docs/architecture.md), per network of the askers, as
 * ranges of addresses: what a tenant serves itself is left alone on its own subnet and across its routers. It knows no
 * flow, and of names nothing.
 */

import { dhcpServerOf, isDhcpPort, ownDhcpAddresses } from '../dhcp-server.ts'
import { createGrouping } from '../grouping.ts'
import { createJoins } from '../joins.ts'
import { createCells, createMemo } from '../memo.ts'
import { distinct, isWithin, type Reach, rangeText, reachOf } from '../reach.ts'
import type { Address, LocalPort, Network, Port, Subnet, View } from '../view.ts'

/** `external`: whatever is outside, and what the cloud itself announces; `advertised`: what the askers' subnets announce. */
export type Intercept = 'external' | 'advertised'

/** The destinations of one network's askers. */
export interface Interception {
  readonly network: Network
  /** Intercepted, even where `exempt` covers them. */
  readonly asked: readonly Reach[]
  /** Left alone; what is in neither is intercepted in the mode `external` only. */
  readonly exempt: readonly Reach[]
}

/** What no mode intercepts: nobody can tell on whose link such an address is (RFC 4291 §2.5.6). */
export const linkLocal = reachOf('fe80::/10')!

/** Whether queries to that destination are intercepted; for people, the switch has flows. */
export function isIntercepted(intercept: Intercept, { asked, exempt }: Interception, to: Reach): boolean {
  if (isWithin(to, asked)) return true
  return intercept === 'external' && !isWithin(to, [linkLocal, ...exempt])
}

/** The interceptions for these askers by their networks, each the very same object while it says the same. */
export type Interceptions = (view: View, askers: readonly LocalPort[]) => Interception[]

/** Makes the function that gives the interceptions; what a change costs follows from the networks that it touches. */
export function createInterceptions(intercept: Intercept): Interceptions {
  const inNetwork = createGrouping(({ networkId }) => [networkId])
  const joinedBy = createJoins()
  const summaries = createSummaries()
  const cells = createCells<Interception>()
  return (view, askers) => {
    const joined = joinedBy(view.routers)
    const summaryOf = summaries(inNetwork(view.ports))
    const cell = cells()
    return [...topicsByNetwork(askers)].flatMap(([id, topics]) => {
      const network = view.networks.get(id)
      if (network === undefined) return []
      const others = joined(id, topics).flatMap((other) => view.networks.get(other) ?? [])
      const reached = [network, ...others].map(summaryOf)
      return [cell(id, [network, ...reached], () => interceptionOf(intercept, network, reached))]
    })
  }
}

/** The networks of the askers, each with the tenants that ask there. */
function topicsByNetwork(askers: readonly LocalPort[]): Map<string, Set<string>> {
  const networks = new Map<string, Set<string>>()
  for (const { networkId, topic } of askers) {
    const topics = networks.get(networkId)
    if (topics) topics.add(topic)
    else networks.set(networkId, new Set([topic]))
  }
  return networks
}

/** `reached` begins with the network's own summary. */
function interceptionOf(intercept: Intercept, network: Network, reached: readonly Summary[]): Interception {
  const outside = reached.flatMap((each) => each.outside)
  const silent = reached.flatMap((each) => each.silent).filter((reach) => !isWithin(reach, outside))
  const exempt = [...reached.flatMap(({ inside }) => inside), ...outside]
  const external = { network, asked: distinct(silent), exempt: distinct(exempt) }
  if (intercept === 'external') return external
  const asked = reached[0]!.announced.filter((reach) => isIntercepted('external', external, reach))
  return { network, asked: distinct(asked), exempt: [] }
}

/** What a network adds to the interceptions of every network that reaches it. */
interface Summary {
  /** Its subnets. */
  readonly inside: readonly Reach[]
  /** The addresses inside that the cloud itself announces and no guest has. */
  readonly silent: readonly Reach[]
  /** What its guests answer for outside its subnets. */
  readonly outside: readonly Reach[]
  /** What its machines are told to ask: `dns_nameservers`, in a subnet without them its DHCP server. */
  readonly announced: readonly Reach[]
}

/**
 * Makes the function that sums up networks; the same object while the sum is the same, however many guests come and go,
 * and one for all networks that are alike in this.
 */
function createSummaries() {
  const cells = createCells<Summary>()
  const beyond = createBeyond()
  const texts = createMemo<string>()
  let last = new Map<string, Summary>()
  return (portsIn: (networkId: string) => readonly Port[]) => {
    const cell = cells()
    const before = last
    const byText = new Map<string, Summary>()
    last = byText
    const common = (summary: Summary): Summary => {
      const text = texts(summary, '', () => textOf(summary))
      const kept = byText.get(text) ?? before.get(text) ?? summary
      byText.set(text, kept)
      return kept
    }
    return (network: Network): Summary => {
      const ports = portsIn(network.id)
      return common(cell(network.id, [network, ports], () => common(summaryOf(network, ports, beyond))))
    }
  }
}

function summaryOf({ subnets }: Network, ports: readonly Port[], beyond: Beyond): Summary {
  const guests = ports.filter(isGuest)
  const dhcpPorts = ports.filter(isDhcpPort)
  const ranges = new Map(subnets.map((subnet) => [subnet, reachOf(subnet.cidr)]))
  const inside = [...ranges.values()].filter((reach) => reach !== undefined)
  const outside = guests.flatMap((guest) => beyond(guest, ranges))
  const own = new Set([
    ...subnets.flatMap(({ gatewayIp, dhcpIp, dnsNameservers }) => [gatewayIp, dhcpIp, ...dnsNameservers]),
    ...ownDhcpAddresses(dhcpPorts),
  ])
  for (const { addresses } of guests) for (const { ip } of addresses) own.delete(ip)
  const announced = subnets.flatMap((subnet) =>
    subnet.dnsNameservers.length > 0 ? subnet.dnsNameservers : (resolverOf(subnet, dhcpPorts) ?? []),
  )
  return {
    inside,
    silent: reachesOf(own).filter((reach) => isWithin(reach, inside) && !isWithin(reach, outside)),
    outside: distinct(outside.filter((reach) => !isWithin(reach, inside))),
    announced: reachesOf(announced),
  }
}

const reachesOf = (ips: Iterable<string | undefined>): Reach[] =>
  [...ips].flatMap((ip = '') => reachOf(ip) ?? [])

/** Where machines are told to ask that are told of no other resolver. */
const resolverOf = (subnet: Subnet, dhcpPorts: readonly Port[]): string | undefined =>
  subnet.isDhcpEnabled ? dhcpServerOf(subnet, dhcpPorts)?.ip : subnet.dhcpIp

const textOf = (summary: Summary): string =>
  [summary.inside, summary.silent, summary.outside, summary.announced]
    .map((reaches) => reaches.map(rangeText).join())
    .join(';')

/** A port of the network itself (a router's, DHCP's) is no guest: nothing of a tenant listens there. */
const isGuest = ({ deviceOwner }: Port) => !deviceOwner.startsWith('network:')

/** What a guest answers for besides its addresses in the network's own subnets, which are those of these ranges. */
type Beyond = (port: Port, ranges: ReadonlyMap<Subnet, Reach | undefined>) => readonly Reach[]

const nothing: readonly Reach[] = []

/** Makes it; of most guests it is nothing, so that nothing is kept of them. A pair that allows every address names none. */
function createBeyond(): Beyond {
  const memo = createMemo<readonly Reach[]>()
  return (port, ranges) => {
    const { addresses, allowedAddressPairs } = port
    const isHeld = ({ subnet }: Address) => subnet !== undefined && ranges.get(subnet) !== undefined
    if (allowedAddressPairs.length === 0 && addresses.every(isHeld)) return nothing
    return memo(port, '', () => {
      const ips = [...addresses.filter((address) => !isHeld(address)), ...allowedAddressPairs]
      return reachesOf(ips.map(({ ip }) => ip)).filter(({ prefix }) => prefix > 0)
    })
  }
}
