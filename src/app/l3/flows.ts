/**
 * The router's part of the pipeline (docs/pipeline.md, tables 25, 45, 46, 55, 60, 65 and 66). Everything is keyed by the
 * router's or the network's register, so that equal addresses of two tenants never meet. It knows no packet.
 */

import { type Action, controller, ethTypes, type Flow, type Match, setField } from '../../openflow/index.ts'
import { ethernetSize } from '../../packet/index.ts'
import { unroutable } from '../../routing.ts'
import { arpAnswer, echoAnswer, ndAnswer, ndCompletion, ndFlags } from '../answers.ts'
import type { Part } from '../app.ts'
import { type Memo, partOf } from '../memo.ts'
import { flow, type Goto, goto, through, turnBack } from '../pipeline.ts'
import { addressText, destination, linkLocalOf, origin, reachOf } from '../reach.ts'
import type { Segment } from '../segments.ts'
import type { LocalPort, Network, Port } from '../view.ts'
import { marks, type Note, numberOf } from './notes.ts'
import type { RouterInterface, Routing, Way } from './routers.ts'

/** The userdata by which the host finds the application of a punt. */
export const userdata = 'l3_proactive'

// biome-ignore format: columns
const priority = {
  echo:      1000, // l3: what the router answers
  own:        900, // l3: what else comes to its own addresses
  never:      800, // l3: what no router forwards
  hopLimit:   700, // l3
  scope:      650, // l3
  linkLocal:  600, // l3
  route:      100, // l3: up to 357, by the length of the prefix
  miss:         1,
  tooBig:     300, // l3Lookup
  found:      250, // l3Lookup
  address:    200, // l3Lookup
  pair:       100, // l3Lookup
  outside:    210, // lookup: from outside
  router:     200, // lookup: from a port; ndReply
  answer:     110, // arp and nd: before the answers for ports
  anonymous:  210, // nd: before l2's row for what nobody can be told by the switch
  bypass:     100, // l3Refuse
}

type Step = Action | Goto
const families = [ethTypes.ipv4, ethTypes.ipv6]
const solicitation: Match = { ethType: ethTypes.ipv6, ipProto: 58, icmpv6Type: 135 }
const advertisement: Match = { ethType: ethTypes.ipv6, ipProto: 58, icmpv6Type: 136 }
const decTtl: Action = { kind: 'decTtl' }
/** In ndReply: the answer is a router's. */
const isRouter = 1

const refused = (note: Note): readonly Step[] => [setField({ reg8: numberOf(note) }), goto('l3Refuse')]
const towards = (text: string): Match => destination(reachOf(text)!)

/** What all routers share. */
export function* commonFlows(): Iterable<Flow> {
  for (const range of unroutable.filter((each) => each !== metadataRange))
    yield flow('l3', priority.never, towards(range), [])
  yield flow('l3', priority.linkLocal, towards(metadataRange), refused('no_route'))
  yield flow('l3', priority.scope, origin(reachOf('fe80::/10')!), refused('beyond_scope'))
  for (const ethType of families) {
    for (const nwTtl of [0, 1]) yield flow('l3', priority.hopLimit, { ethType, nwTtl }, refused('hop_limit'))
    yield flow('l3', priority.miss, { ethType }, refused('no_route'))
    const tooBig = { value: marks.tooBig, mask: marks.tooBig }
    yield flow('l3Lookup', priority.tooBig, { ethType, reg8: tooBig }, refused('too_big'))
    yield flow('l3Lookup', priority.miss, { ethType }, refused('no_host'))
  }
  yield flow('l3Lookup', priority.found, { reg8: marks.found }, [goto('egress')])
  yield flow('l3Refuse', priority.miss, {}, [controller({ userdata: Buffer.from(userdata) })])
  yield flow('ndReply', priority.router, { ...advertisement, reg8: isRouter }, ndCompletion(ndFlags.router))
}

/** Who asks for a metadata service there, at boot, must not wait for an answer that never comes. */
const metadataRange = '169.254.0.0/16'

/** The row by which the packets of a port that causes too many errors are dropped. */
export const bypassRow = ({ key }: LocalPort): Flow => flow('l3Refuse', priority.bypass, { reg6: key }, [])

/** One router. */
export function* routerFlows(routing: Routing): Iterable<Flow> {
  const { key: reg5, interfaces, ways } = routing
  yield* entries(reg5, interfaces)
  for (const { network, ip, mac } of interfaces) yield answerFor(BigInt(network.key), ip, mac)
  for (const [{ network, mac }, ip] of linkLocals(interfaces)) yield answerFor(BigInt(network.key), ip, mac)
  for (const [network, ip] of solicited(interfaces))
    yield flow(
      'nd',
      priority.anonymous,
      { ...solicitation, metadata: BigInt(network.key), ndTarget: ip, ndSll: '00:00:00:00:00:00' },
      [setField({ reg5 }), ...refused('solicited')],
    )
  const own = new Set([...interfaces.map(({ ip }) => ip), ...linkLocals(interfaces).map(([, ip]) => ip)])
  for (const ip of own) {
    yield flow('l3', priority.echo, { ...echoRequest(ip), reg5, ...towards(ip) }, echoAnswer(ip))
    yield flow('l3', priority.own, { reg5, ...towards(ip) }, refused('own'))
  }
  for (const by of interfaces)
    yield flow('l3', priorityOf(by.cidr, true), { reg5, ...towards(by.cidr) }, [
      ...fitting(by, interfaces),
      ...forwarded(by),
      goto('l3Lookup'),
    ])
  for (const way of ways)
    yield flow(
      'l3',
      priorityOf(way.destination, false),
      { reg5, ...towards(way.destination) },
      stepsOf(way, interfaces),
    )
}

/** How packets come to the router: by its MAC address, from ports of this node. */
function* entries(reg5: number, interfaces: readonly RouterInterface[]): Iterable<Flow> {
  const byMac = new Map(interfaces.map((each) => [`${each.networkId} ${each.mac}`, each]))
  for (const { network, mac: ethDst } of byMac.values()) {
    const metadata = BigInt(network.key)
    yield flow('lookup', priority.router, { metadata, ethDst }, [setField({ reg5 }), goto('l3')])
    // Every node has the router; if each took what comes by the wire, a packet would be forwarded once by each.
    if (network.physicalNetwork !== undefined)
      yield flow('lookup', priority.outside, { metadata, ethDst, reg6: 0 }, [])
  }
}

/** The link-local address of each MAC address, once a network. */
function linkLocals(interfaces: readonly RouterInterface[]): [RouterInterface, string][] {
  const byMac = new Map(interfaces.map((each) => [`${each.networkId} ${each.mac}`, each]))
  return [...byMac.values()].map((each) => [each, addressText(linkLocalOf(each.mac))])
}

/** The IPv6 addresses of the router, each with its network. */
const solicited = (interfaces: readonly RouterInterface[]): [Network, string][] => [
  ...interfaces
    .filter(({ ip }) => ip.includes(':'))
    .map(({ network, ip }): [Network, string] => [network, ip]),
  ...linkLocals(interfaces).map(([{ network }, ip]): [Network, string] => [network, ip]),
]

const answerFor = (metadata: bigint, ip: string, mac: string): Flow =>
  ip.includes(':')
    ? flow('nd', priority.answer, { ...solicitation, metadata, ndTarget: ip }, [
        setField({ reg8: isRouter }),
        ...ndAnswer(ip, mac),
      ])
    : flow(
        'arp',
        priority.answer,
        { ethType: ethTypes.arp, arpOp: 1, metadata, arpTpa: ip },
        arpAnswer(ip, mac),
      )

const echoRequest = (ip: string): Match =>
  ip.includes(':') ? { ipProto: 58, icmpv6Type: 128 } : { ipProto: 1, icmpv4Type: 8 }

/** The longest prefix wins, and of equal ones the connected subnet. */
const priorityOf = (cidr: string, isConnected: boolean): number =>
  priority.route + 2 * Number(cidr.split('/')[1]) + (isConnected ? 1 : 0)

/** OpenFlow's field has 16 bits. */
const longestMeasured = 0xffff

/** Marks what does not fit a network that is narrower than another one of the router. */
function fitting({ network: { mtu } }: RouterInterface, interfaces: readonly RouterInterface[]): Action[] {
  const isNarrower = mtu !== undefined && interfaces.some(({ network }) => (network.mtu ?? 0) > mtu)
  if (!isNarrower || mtu + ethernetSize > longestMeasured) return []
  return [{ kind: 'checkPktLarger', packetLength: mtu + ethernetSize, to: { field: 'reg8', offset: 0 } }]
}

/** On to a network: the packet is the router's own from here, one hop nearer to its end. */
const forwarded = ({ network, mac }: RouterInterface): Action[] => [
  decTtl,
  setField({ metadata: BigInt(network.key) }),
  setField({ ethSrc: mac }),
  turnBack,
]

function stepsOf({ by, next }: Way, interfaces: readonly RouterInterface[]): readonly Step[] {
  if (next.kind === 'nobody') return refused('no_host')
  // The other router is in this switch, too. The packet keeps its source, so that answers to it find their way back.
  if (next.kind === 'router')
    return [
      decTtl,
      setField({ metadata: BigInt(by.network.key) }),
      setField({ ethDst: next.mac }),
      through('lookup'),
    ]
  const delivered = [...forwarded(by), setField({ ethDst: next.mac }), setField({ reg7: next.key })]
  const check = fitting(by, interfaces)
  return check.length === 0
    ? [...delivered, goto('egress')]
    : [setField({ reg8: marks.found }), ...check, ...delivered, goto('l3Lookup')]
}

/** The hosts of a network that a router joins, a part each: each address by the port that has it. */
export function* hostsOf({ network, ips, macs }: Segment, memo: Memo<Part>): Iterable<Part> {
  const hostOf = (port: Port, what: 'address' | 'pair', ip: string, mac: string) =>
    memo(port, `${what} ${network.key} ${ip} ${mac}`, () =>
      partOf(port, { rank: priority[what], networkKey: network.key, ip, mac }, hostFlows),
    )
  for (const [ip, port] of ips) yield hostOf(port, 'address', ip, port.macs[0]!)
  // A pair is what a port may use, not what it has: it comes behind all that ports have.
  const claimed = new Set<string>()
  for (const port of new Set(macs.values()))
    for (const { ip, mac } of port.allowedAddressPairs)
      if (!ip.includes('/') && !claimed.has(ip)) {
        claimed.add(ip)
        yield hostOf(port, 'pair', ip, mac)
      }
}

/** Where an address is, and how much its row counts. */
interface Host {
  readonly rank: number
  readonly networkKey: number
  readonly ip: string
  readonly mac: string
}

function* hostFlows({ key }: Port, { rank, networkKey, ip, mac }: Host): Iterable<Flow> {
  yield flow('l3Lookup', rank, { metadata: BigInt(networkKey), ...towards(ip) }, [
    setField({ ethDst: mac }),
    setField({ reg7: key }),
    goto('egress'),
  ])
}
