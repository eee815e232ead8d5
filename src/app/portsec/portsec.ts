/**
 * The application portsec: a port sends only with its own addresses, in Ethernet, ARP, IP and neighbour discovery. It
 * replaces the tables 201 to 203 that Dragonflow allocates for its application of the same name (docs/pipeline.md,
 * tables 5 and 6). It knows nothing of where packets go.
 */

import { ethTypes, type Flow, type Match } from '../../openflow/index.ts'
import { type Application, flowsIn, type Unit } from '../app.ts'
import { createParts, partOf } from '../memo.ts'
import { flow, goto, matchOf } from '../pipeline.ts'
import { distinct, isIpv6, linkLocalOf, origin, type Reach, reachOf, within } from '../reach.ts'
import type { LocalPort, View } from '../view.ts'

const options = {}

/** The application `portsec`. */
export const portsec: Application<typeof options> = {
  name: 'portsec',
  section: 'df_portsec_app',
  options,
  factory: () => {
    const parts = createParts()
    const common = [...defaults()]
    function* units({ localPorts }: View): Iterable<Unit> {
      yield common
      yield parts(localPorts.map((port) => partOf(port, undefined, portRows)))
    }
    return { name: 'portsec', onFailure: 'drop', units, flows: (view) => flowsIn(units(view)) }
  },
}

// biome-ignore format: columns
const priority = {
  unsecured:  300, // a port without security sends what it likes
  unassigned: 280, // probes and joins from the unspecified address, before a port has one
  icmpv6:     250, // a proper source, then table 6
  own:        200,
  family:     100, // everything else in ARP and IP: dropped
  other:       50, // other Ethernet types from the port's own MAC
  rest:        20,
}

// biome-ignore format: columns
const ndPriority = {
  own:  100,
  type:  50, // any other packet of these types: dropped
  miss:   1, // ICMPv6 that is not neighbour discovery
}

/** ICMPv6 types (RFC 4861 §4, RFC 2710 §3, RFC 3810 §5). */
const icmpv6 = {
  multicastReport: 131,
  multicastDone: 132,
  routerSolicitation: 133,
  routerAdvertisement: 134,
  neighborSolicitation: 135,
  neighborAdvertisement: 136,
  redirect: 137,
  multicastReportV2: 143,
}

/** What may come from `::` (RFC 4861 §4.1 and §4.3, RFC 3590). */
const fromUnspecified = [
  icmpv6.multicastReport,
  icmpv6.multicastDone,
  icmpv6.routerSolicitation,
  icmpv6.neighborSolicitation,
  icmpv6.multicastReportV2,
]

const ipv4: Match = { ethType: ethTypes.ipv4 }
const ipv6: Match = { ethType: ethTypes.ipv6 }
const arp: Match = { ethType: ethTypes.arp }
const udp: Match = { ipProto: 17 }
const noAddress = '00:00:00:00:00:00'

/** What holds for every port with port security. */
function* defaults(): Iterable<Flow> {
  for (const family of [ipv4, ipv6, arp]) yield flow('portsec', priority.family, family, [])
  yield flow('portsec', priority.rest, {}, [])
  const { routerAdvertisement, neighborSolicitation, neighborAdvertisement, redirect } = icmpv6
  for (const type of [routerAdvertisement, neighborSolicitation, neighborAdvertisement, redirect])
    yield flow('portsecNd', ndPriority.type, icmpv6Of(type), [])
  yield flow('portsecNd', ndPriority.own, icmpv6Of(icmpv6.routerSolicitation), [goto('services')])
  yield flow('portsecNd', ndPriority.miss, {}, [goto('egressConntrack')])
}

function* portRows(port: LocalPort): Iterable<Flow> {
  if (port.isPortSecurityEnabled) yield* securedPort(port)
  else yield flow('portsec', priority.unsecured, { reg6: port.key }, [goto('egressConntrack')])
}

function* securedPort(port: LocalPort): Iterable<Flow> {
  for (const [mac, reaches] of sourcesOf(port)) {
    const sender: Match = { reg6: port.key, ethSrc: mac }
    yield flow('portsec', priority.other, sender, [goto('services')])
    yield* addressless(sender, mac)
    for (const reach of reaches)
      if (isIpv6(reach)) yield* ipv6Source(sender, mac, reach)
      else yield* ipv4Source(sender, mac, reach)
    for (const ndSll of [mac, noAddress]) {
      const solicitation = matchOf(sender, icmpv6Of(icmpv6.neighborSolicitation), { ndSll })
      yield flow('portsecNd', ndPriority.own, solicitation, [goto('services')])
    }
  }
}

const dhcp: Match = { ...ipv4, ...udp, ipv4Src: '0.0.0.0', udpSrc: 68, udpDst: 67 }
/** RFC 8415 §13.1: from a link-local address, which need not be the one that the MAC makes, to a multicast group. */
const dhcpv6: Match = {
  ...ipv6,
  ...udp,
  ethDst: { value: '01:00:00:00:00:00', mask: '01:00:00:00:00:00' },
  ipv6Src: { value: 'fe80::', mask: 'ffc0::' },
  udpSrc: 546,
  udpDst: 547,
}
/** RFC 5227 §2.1.1 */
const arpProbe: Match = { ...arp, arpOp: 1, arpSpa: '0.0.0.0' }

/** What a machine sends before it has an address: DHCP, DHCPv6, address probes, multicast joins. */
function* addressless(sender: Match, mac: string): Iterable<Flow> {
  yield flow('portsec', priority.own, matchOf(sender, dhcp), [goto('egressConntrack')])
  yield flow('portsec', priority.own, matchOf(sender, dhcpv6), [goto('egressConntrack')])
  yield flow('portsec', priority.own, matchOf(sender, arpProbe, { arpSha: mac }), [goto('services')])
  for (const type of fromUnspecified) {
    const probe = matchOf(sender, icmpv6Of(type), { ipv6Src: '::' })
    yield flow('portsec', priority.unassigned, probe, [goto('services')])
  }
}

function* ipv4Source(sender: Match, mac: string, reach: Reach): Iterable<Flow> {
  yield flow('portsec', priority.own, matchOf(sender, origin(reach)), [goto('egressConntrack')])
  const announcement = matchOf(sender, arp, within('arpSpa', reach), { arpSha: mac })
  yield flow('portsec', priority.own, announcement, [goto('services')])
}

function* ipv6Source(sender: Match, mac: string, reach: Reach): Iterable<Flow> {
  const source = matchOf(sender, origin(reach))
  yield flow('portsec', priority.own, source, [goto('egressConntrack')])
  yield flow('portsec', priority.icmpv6, matchOf(source, { ipProto: 58 }), [goto('portsecNd')])
  for (const ndTll of [mac, noAddress]) {
    const claim = matchOf(sender, icmpv6Of(icmpv6.neighborAdvertisement), within('ndTarget', reach), {
      ndTll,
    })
    yield flow('portsecNd', ndPriority.own, claim, [goto('services')])
  }
}

/** The addresses that the port may use, by the MAC address that they may be used with; each once. */
function sourcesOf(port: LocalPort): ReadonlyMap<string, readonly Reach[]> {
  const own = port.addresses.map(({ ip }) => ip)
  const pairs = [...port.macs.flatMap((mac) => own.map((ip) => ({ mac, ip }))), ...port.allowedAddressPairs]
  const sources = new Map<string, Reach[]>(port.macs.map((mac) => [mac, []]))
  for (const { mac, ip } of pairs) {
    const reach = reachOf(ip)
    if (reach !== undefined) sources.set(mac, [...(sources.get(mac) ?? []), reach])
  }
  return new Map([...sources].map(([mac, reaches]) => [mac, distinct([...reaches, linkLocalOf(mac)])]))
}

const icmpv6Of = (type: number): Match => matchOf(ipv6, { ipProto: 58, icmpv6Type: type })
