/**
 * Which destinations of queries are intercepted (`df_dns_intercept`, docs/architecture.md), per network of the askers, as
 * ranges of addresses: what a tenant serves itself is left alone on its own subnet and across its routers. It knows no
 * flow, and of names nothing.
 */

import { dhcpServerOf, isDhcpPort, ownDhcpAddresses } from '../dhcp-server.ts'
import { createGrouping } from '../grouping.ts'
import { createJoins } from '../joins.ts'
import { createCells, createMemo, type Memo } from '../memo.ts'
import { distinct, isWithin, type Reach, rangeText, reachOf } from '../reach.ts'
import type { LocalPort, Network, Port, Subnet, View } from '../view.ts'

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

/** Makes the function that sums up networks; the same object while the sum is the same, however many guests come and go. */
function createSummaries() {
  const byPorts = createCells<Summary>()
  const byText = createCells<Summary>()
  const reaches = createMemo<readonly Reach[]>()
  const texts = createMemo<string>()
  return (portsIn: (networkId: string) => readonly Port[]) => {
    const [now, same] = [byPorts(), byText()]
    const made = new Map<string, Summary>()
    return (network: Network): Summary => {
      const known = made.get(network.id)
      if (known !== undefined) return known
      const ports = portsIn(network.id)
      const make = () => summaryOf(network, ports, guestsAmong(ports, reaches))
      const summary = now(network.id, [network, ports], make)
      const kept = same(network.id, [texts(summary, '', () => textOf(summary))], () => summary)
      made.set(network.id, kept)
      return kept
    }
  }
}

function summaryOf({ subnets }: Network, ports: readonly Port[], guests: readonly Reach[]): Summary {
  const dhcpPorts = ports.filter(isDhcpPort)
  const inside = subnets.flatMap(({ cidr }) => reachOf(cidr) ?? [])
  const ranges = (ips: readonly string[]) => ips.flatMap((ip) => reachOf(ip) ?? [])
  return {
    inside,
    silent: ranges([
      ...subnets.flatMap(({ gatewayIp, dhcpIp, dnsNameservers }) => [
        gatewayIp ?? '',
        dhcpIp ?? '',
        ...dnsNameservers,
      ]),
      ...ownDhcpAddresses(dhcpPorts),
    ]).filter((reach) => isWithin(reach, inside) && !isWithin(reach, guests)),
    outside: distinct(guests.filter((reach) => !isWithin(reach, inside))),
    announced: ranges(
      subnets.flatMap((subnet) =>
        subnet.dnsNameservers.length > 0 ? subnet.dnsNameservers : (resolverOf(subnet, dhcpPorts) ?? []),
      ),
    ),
  }
}

/** Where machines are told to ask that are told of no other resolver. */
const resolverOf = (subnet: Subnet, dhcpPorts: readonly Port[]): string | undefined =>
  subnet.isDhcpEnabled ? dhcpServerOf(subnet, dhcpPorts)?.ip : subnet.dhcpIp

const textOf = (summary: Summary): string =>
  [summary.inside, summary.silent, summary.outside, summary.announced]
    .map((reaches) => reaches.map(rangeText).join())
    .join(';')

/**
 * What the guests among the ports of a network answer for. A port of the network itself (a router's, DHCP's) is no
 * guest: nothing of a tenant listens there. A pair that allows every address names none.
 */
function guestsAmong(ports: readonly Port[], memo: Memo<readonly Reach[]>): Reach[] {
  return ports.flatMap((port) => memo(port, '', () => (isGuest(port) ? reachesOf(port) : [])))
}

const isGuest = ({ deviceOwner }: Port) => !deviceOwner.startsWith('network:')

function reachesOf({ addresses, allowedAddressPairs }: Port): Reach[] {
  return [...addresses, ...allowedAddressPairs]
    .flatMap(({ ip }) => reachOf(ip) ?? [])
    .filter(({ prefix }) => prefix > 0)
}
