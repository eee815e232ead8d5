/**
 * DHCP for IPv4 as a service: joins the view to the pure parts (leases, decisions, flows) and counts what they leave out.
 * It holds no lease: what a port is told follows from the rows at the moment of the question.
 */

import { rateLimited } from '../../log.ts'
import type { AppHost, Punt, Unit, Verdict } from '../app.ts'
import { type DhcpServer, dhcpServerOf, isDhcpPort } from '../dhcp-server.ts'
import { createGrouping } from '../grouping.ts'
import { createCells, partOf } from '../memo.ts'
import { createRouterAddresses } from '../router-addresses.ts'
import { createSegments, type Segment } from '../segments.ts'
import type { LocalPort, Port, View } from '../view.ts'
import { decide } from './decision.ts'
import { commonFlows, portFlows, serverFlows } from './flows.ts'
import { dhcpAddressOf, type Lease, type LeaseRules, leaseOf } from './lease.ts'
import type { Problem, Service } from './service.ts'

/** The service, which decides every packet: one of another protocol is none for it. */
export interface Ipv4Service extends Service {
  decide(punt: Punt, view: View): Verdict
}

/** Makes the service. */
export function createIpv4Service(
  rules: LeaseRules,
  { log, metrics, now }: Pick<AppHost, 'log' | 'metrics' | 'now'>,
): Ipv4Service {
  const dhcpPortsIn = createGrouping((port) => (isDhcpPort(port) ? [port.networkId] : []))
  const leftOut = metrics.words(
    'df_dhcp_options_left_out_total',
    'Options that clients were not told because their messages may not be so large, by number',
    'option',
  )
  const units = createUnits(dhcpPortsIn)
  const limited = rateLimited(now)

  function leaseIn(view: View, port: Port): Lease | Unserved {
    const address = dhcpAddressOf(port)
    const network = view.networks.get(port.networkId)
    if (address === undefined || network === undefined) return 'not_served'
    const server = dhcpServerOf(address.subnet, dhcpPortsIn(view.ports)(network.id))
    return server ? leaseOf(port, address, network, server, rules) : 'no_server'
  }

  return {
    units,
    decide({ frame, port }: Punt, view: View): Verdict {
      const lease = leaseIn(view, port)
      if (typeof lease === 'string') return { kind: 'drop', why: lease }
      const decision = decide(frame, port, lease, (code) => {
        leftOut(`${code}`).count += 1
      })
      if (decision.why === 'declined')
        limited('declined', (suppressed) =>
          log.warn(
            { port: port.id, ip: lease.ip, suppressed },
            'a client says that somebody else has its address',
          ),
        )
      return decision
    },
    problems: (view) => view.localPorts.flatMap((port) => problemsOf(port, leaseIn(view, port))),
  }
}

/** Why a port that asks is told nothing, as a metric label. */
type Unserved =
  /** None of its addresses is in a subnet with DHCP, any more. */
  | 'not_served'
  /** Its subnet has neither an address for DHCP nor a gateway. */
  | 'no_server'

function problemsOf(port: LocalPort, lease: Lease | Unserved): Problem[] {
  if (lease === 'not_served') return []
  if (lease === 'no_server')
    return [
      {
        row: `lsubnet/${dhcpAddressOf(port)!.subnet.id}`,
        reason: 'has DHCP, but no dhcp_ip and no gateway_ip',
      },
    ]
  return lease.problems.map((reason) => ({ row: `lport/${port.id}`, reason }))
}

/** Makes the function that gives the flows; what a change costs follows from the ports and networks that it touches. */
function createUnits(dhcpPortsIn: (ports: View['ports']) => (networkId: string) => readonly Port[]) {
  const common = commonFlows()
  const segmentsAt = createSegments()
  const routersBy = createRouterAddresses()
  const cells = createCells<Unit>()
  return function* (view: View): Iterable<Unit> {
    const dhcpPorts = dhcpPortsIn(view.ports)
    const routers = routersBy(view.routers)
    const cell = cells()
    yield common
    for (const port of view.localPorts) {
      const address = dhcpAddressOf(port)
      if (address === undefined) continue
      const inNetwork = dhcpPorts(port.networkId)
      yield cell(port.id, [port, inNetwork], () => [
        partOf(port, dhcpServerOf(address.subnet, inNetwork)?.ip, portFlows),
      ])
    }
    for (const segment of segmentsAt(view)) {
      if (segment.localPorts.length === 0) continue
      const { id } = segment.network
      const [inNetwork, taken] = [dhcpPorts(id), routers.get(id) ?? []]
      yield cell(`network ${id}`, [segment, inNetwork, taken.join()], () =>
        serversIn(segment, inNetwork, taken).map((server) => partOf(server, segment.network, serverFlows)),
      )
    }
  }
}

/** The servers of a network that answer for themselves: each address once, and none that a router or another port has. */
function serversIn(
  { network, ips }: Segment,
  dhcpPorts: readonly Port[],
  routers: readonly string[],
): DhcpServer[] {
  const servers = network.subnets
    .filter(({ isDhcpEnabled }) => isDhcpEnabled)
    .flatMap((subnet) => dhcpServerOf(subnet, dhcpPorts) ?? [])
    .filter(({ ip, isOwn }) => isOwn && !ips.has(ip) && !routers.includes(ip))
  return [...new Map(servers.map((server) => [server.ip, server])).values()]
}
