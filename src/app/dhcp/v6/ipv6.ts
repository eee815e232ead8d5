/**
 * What configures IPv6, as a service: joins the view to the pure parts (links, decisions, flows, advertisements). It holds
 * no lease: what a port is told follows from the rows at the moment of the question.
 */

import { createHash } from 'node:crypto'
import { rateLimited } from '../../../log.ts'
import { icmpv6Frame } from '../../../packet/index.ts'
import type { AppHost, Beacon, Punt, Unit, Verdict } from '../../app.ts'
import { isDhcpPort } from '../../dhcp-server.ts'
import { createGrouping } from '../../grouping.ts'
import { createCells, createMemo, createParts, partOf } from '../../memo.ts'
import type { LocalPort, View } from '../../view.ts'
import type { Problem, Service, ServiceRules } from '../service.ts'
import { type Advertisement, advertisementBytes, withdrawalBytes } from './advertisement.ts'
import { groups } from './codes.ts'
import { advertisementOf, decide } from './decision.ts'
import { commonFlows, portFlows } from './flows.ts'
import { type Link, linkOf, problemsOf, type RouterMacOf, routerMacs } from './link.ts'

/** The service, and what it says unasked. */
export interface Ipv6Service extends Service {
  beacons(view: View): Iterable<Beacon>
}

/** RFC 4861 §6.2.1: seconds between advertisements that nobody asked for. */
const everySeconds = { least: 200, most: 600 }
const etherTypeOffset = 12
const ipv6EtherType = 0x86dd

/** Makes the service; `userdata` leads to it what its flows send up. */
export function createIpv6Service(
  rules: ServiceRules,
  userdata: string,
  { log, now }: Pick<AppHost, 'log' | 'now'>,
): Ipv6Service {
  const limited = rateLimited(now)
  const linksAt = createLinks(rules)
  const common = commonFlows()
  const parts = createParts()
  const beaconOf = createMemo<Beacon>()

  const flowsOf = (port: LocalPort, isRouted: boolean) => portFlows(port, isRouted, userdata)

  function* units(view: View): Iterable<Unit> {
    yield common
    yield parts(Array.from(linksAt(view), ([port, link]) => partOf(port, link.isRouted, flowsOf)))
  }

  function* beacons(view: View): Iterable<Beacon> {
    for (const [port, link] of linksAt(view)) yield beaconOf(link, port.id, () => advertising(port, link))
  }

  return {
    units,
    beacons,
    decide({ frame, port }: Punt, view: View): Verdict | undefined {
      if (frame.length < 14 || frame.readUInt16BE(etherTypeOffset) !== ipv6EtherType) return undefined
      const link = linksAt(view).get(port)
      if (link === undefined) return { kind: 'pass', why: 'not_served' }
      const serverId = serverIdOf(port.networkId)
      const decision = decide(frame, link, { serverId, leaseSeconds: rules.leaseSeconds })
      if (decision.why === 'declined')
        limited('declined', (suppressed) =>
          log.warn(
            { port: port.id, ips: link.addresses.map(({ ip }) => ip), suppressed },
            'a client says that somebody else has its address',
          ),
        )
      return decision
    },
    problems: ({ localPorts, networks }) => [...distinctProblems(localPorts, networks, rules)],
  }
}

/** The problems of all ports, each once: many ports share a subnet. */
function distinctProblems(
  ports: readonly LocalPort[],
  networks: View['networks'],
  rules: ServiceRules,
): Iterable<Problem> {
  const found = new Map<string, Problem>()
  for (const port of ports) {
    const network = networks.get(port.networkId)
    for (const problem of network ? problemsOf(port, network, rules) : [])
      found.set(`${problem.row} ${problem.reason}`, problem)
  }
  return found.values()
}

/** The links of the local ports that have one. */
type Links = ReadonlyMap<LocalPort, Link>

/** Makes the function that gives the links; one is the same object for as long as nothing that it is made of changes. */
function createLinks(rules: ServiceRules): (view: View) => Links {
  const dhcpPortsIn = createGrouping((port) => (isDhcpPort(port) ? [port.networkId] : []))
  const routerMacsOf = createMemo<RouterMacOf>()
  const cells = createCells<Link | undefined>()
  let last: { readonly view: View; readonly links: Links } | undefined
  return (view) => {
    if (last?.view === view) return last.links
    const [dhcpPorts, cell, links] = [dhcpPortsIn(view.ports), cells(), new Map<LocalPort, Link>()]
    const routerMacOf = routerMacsOf(view.routers, '', () => routerMacs(view.routers))
    for (const port of view.localPorts) {
      const network = view.networks.get(port.networkId)
      if (network === undefined) continue
      const servers = dhcpPorts(network.id)
      const gateways = port.addresses.map(({ subnet }) => subnet && routerMacOf(subnet))
      const link = cell(port.id, [port, network, servers, gateways.join()], () =>
        linkOf(port, network, servers, routerMacOf, rules),
      )
      if (link !== undefined) links.set(port, link)
    }
    last = { view, links }
    return links
  }
}

/** An advertisement to all nodes, of which there is one. */
interface Advertising extends Beacon {
  readonly said: Advertisement
}

function advertising(port: LocalPort, link: Link): Advertising {
  const said = advertisementOf(link)
  const frameOf = (message: Buffer) => icmpv6Frame(link.advertiser, groups.nodes, message)
  return {
    ...{ port, said, everySeconds },
    frame: frameOf(advertisementBytes(said)),
    endFor(next) {
      const message = withdrawalBytes(said, (next as Advertising | undefined)?.said)
      return message && frameOf(message)
    },
  }
}

/**
 * The identifier of the server of a network: a DUID made of a UUID (RFC 6355), which is made of the network's id (RFC 9562
 * §5.5), so that every node has the same and a machine that moves renews where it is.
 */
export function serverIdOf(networkId: string): Buffer {
  const uuid = createHash('sha1').update(namespace).update(networkId).digest().subarray(0, 16)
  uuid[6] = (uuid[6]! & 0x0f) | 0x50
  uuid[8] = (uuid[8]! & 0x3f) | 0x80
  return Buffer.concat([Buffer.from([0, 4]), uuid])
}

/** A random UUID: whose names the identifiers of servers are. */
const namespace = Buffer.from('5d0c1c9b3f5a4f0f9a4e8d0b7e2c6a71', 'hex')
