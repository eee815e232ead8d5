/**
 * What a packet of the routed cloud (routed.ts) comes to, for either tenant: the whole frame that leaves, at which port,
 * and nothing anywhere else. The rows run on the fake switch (test/app/l3) and on Open vSwitch (test/system).
 */

import {
  arp,
  broadcast,
  type Content,
  eth,
  ipv4,
  ipv6,
  nobody,
  ping,
  ping6,
  pong,
  pong6,
  solicitation,
  solicitedNode,
  udp,
} from './frames.ts'
import { macs } from './routed.ts'

/** A port of the tenant, what it sends, and what arrives where; names without the tenant. */
export interface RoutedRow {
  readonly name: string
  readonly from: string
  readonly frame: Buffer
  readonly arrives: Readonly<Record<string, Buffer>>
}

const toFront = (content: Content) => eth(macs.web, macs.frontGateway, content)
const toBack = (content: Content) => eth(macs.db, macs.backGateway, content)
const hello = udp(4000, 4001)
const big = udp(4000, 4001, 'x'.repeat(1400))
const frontLinkLocal = 'fe80::f816:3eff:fe00:f1'
const webLinkLocal = 'fe80::f816:3eff:fe00:11'
const asked = solicitedNode('fd00:a::1')

/** An advertisement of a router: flags R, S and O (RFC 4861 §4.4), made from the solicitation as the switch does it. */
function routerAdvertised(target: string, mac: string): Content {
  const content = ipv6(target, 'fd00:a::11', solicitation(target, { sll: mac }))
  const bytes = Buffer.from(content.bytes)
  bytes[40] = 136
  bytes[44] = 0xe0
  bytes[64] = 2
  bytes.writeUInt16BE(0, 42)
  const pseudo = Buffer.concat([bytes.subarray(8, 40), Buffer.from([0, bytes.length - 40, 0, 58])])
  let sum = 0
  for (const part of [pseudo, bytes.subarray(40)])
    for (let i = 0; i < part.length; i += 2) sum += part.readUInt16BE(i)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  bytes.writeUInt16BE(0xffff - sum, 42)
  return { ...content, bytes }
}

// biome-ignore format: one row a line or two
export const routedRows: readonly RoutedRow[] = [
  { name: 'to the other network', from: 'web', frame: toFront(ipv4('10.0.0.11', '10.0.1.12', hello)),
    arrives: { db: eth(macs.backGateway, macs.db, ipv4('10.0.0.11', '10.0.1.12', hello, { ttl: 63 })) } },
  { name: 'and back', from: 'db', frame: toBack(ipv4('10.0.1.12', '10.0.0.11', hello)),
    arrives: { web: eth(macs.frontGateway, macs.web, ipv4('10.0.1.12', '10.0.0.11', hello, { ttl: 63 })) } },
  { name: 'the same over IPv6', from: 'web', frame: toFront(ipv6('fd00:a::11', 'fd00:b::12', hello)),
    arrives: { db: eth(macs.backGateway, macs.db, ipv6('fd00:a::11', 'fd00:b::12', hello, { hopLimit: 254 })) } },
  { name: 'a fragment', from: 'web', frame: toFront(ipv4('10.0.0.11', '10.0.1.12', hello, { isFragment: true })),
    arrives: { db: eth(macs.backGateway, macs.db, ipv4('10.0.0.11', '10.0.1.12', hello, { isFragment: true, ttl: 63 })) } },
  { name: 'the last hop that is left', from: 'web', frame: toFront(ipv4('10.0.0.11', '10.0.1.12', hello, { ttl: 2 })),
    arrives: { db: eth(macs.backGateway, macs.db, ipv4('10.0.0.11', '10.0.1.12', hello, { ttl: 1 })) } },
  { name: 'back to its own network, by the port it came in by', from: 'web', frame: toFront(ipv4('10.0.0.11', '10.0.0.11', hello)),
    arrives: { web: eth(macs.frontGateway, macs.web, ipv4('10.0.0.11', '10.0.0.11', hello, { ttl: 63 })) } },
  { name: 'by an extra route through a second router', from: 'web', frame: toFront(ipv4('10.0.0.11', '10.0.2.14', hello)),
    arrives: { attic: eth(macs.rearGateway, macs.attic, ipv4('10.0.0.11', '10.0.2.14', hello, { ttl: 62 })) } },
  { name: 'and back', from: 'attic', frame: eth(macs.attic, macs.rearGateway, ipv4('10.0.2.14', '10.0.0.11', hello)),
    arrives: { web: eth(macs.frontGateway, macs.web, ipv4('10.0.2.14', '10.0.0.11', hello, { ttl: 62 })) } },
  { name: 'what fits the narrower network', from: 'web', frame: toFront(ipv4('10.0.0.11', '10.0.1.12', udp(4000, 4001, 'x'.repeat(1372)))),
    arrives: { db: eth(macs.backGateway, macs.db, ipv4('10.0.0.11', '10.0.1.12', udp(4000, 4001, 'x'.repeat(1372)), { ttl: 63 })) } },
  { name: 'out of the narrower network everything fits', from: 'db', frame: toBack(ipv4('10.0.1.12', '10.0.0.11', big)),
    arrives: { web: eth(macs.frontGateway, macs.web, ipv4('10.0.1.12', '10.0.0.11', big, { ttl: 63 })) } },

  { name: 'a ping of the router', from: 'web', frame: toFront(ipv4('10.0.0.11', '10.0.0.1', ping)),
    arrives: { web: eth(macs.frontGateway, macs.web, ipv4('10.0.0.1', '10.0.0.11', pong)) } },
  { name: 'a ping with one hop left', from: 'web', frame: toFront(ipv4('10.0.0.11', '10.0.0.1', ping, { ttl: 1 })),
    arrives: { web: eth(macs.frontGateway, macs.web, ipv4('10.0.0.1', '10.0.0.11', pong)) } },
  { name: "a ping of the router's other address", from: 'web', frame: toFront(ipv4('10.0.0.11', '10.0.1.1', ping)),
    arrives: { web: eth(macs.frontGateway, macs.web, ipv4('10.0.1.1', '10.0.0.11', pong)) } },
  { name: 'a ping of the second router', from: 'web', frame: toFront(ipv4('10.0.0.11', '10.0.1.254', ping)),
    arrives: { web: eth(macs.backOfRear, macs.web, ipv4('10.0.1.254', '10.0.0.11', pong)) } },
  { name: 'a ping over IPv6', from: 'web', frame: toFront(ipv6('fd00:a::11', 'fd00:a::1', ping6)),
    arrives: { web: eth(macs.frontGateway, macs.web, ipv6('fd00:a::1', 'fd00:a::11', pong6, { hopLimit: 64 })) } },
  { name: 'a ping of its link-local address', from: 'web', frame: toFront(ipv6(webLinkLocal, frontLinkLocal, ping6)),
    arrives: { web: eth(macs.frontGateway, macs.web, ipv6(frontLinkLocal, webLinkLocal, pong6, { hopLimit: 64 })) } },

  { name: 'ARP for the router', from: 'web', frame: eth(macs.web, broadcast, arp({ op: 'request', sha: macs.web, spa: '10.0.0.11', tpa: '10.0.0.1' })),
    arrives: { web: eth(macs.frontGateway, macs.web, arp({ op: 'reply', sha: macs.frontGateway, spa: '10.0.0.1', tha: macs.web, tpa: '10.0.0.11' })) } },
  { name: 'an ARP probe for its address', from: 'web', frame: eth(macs.web, broadcast, arp({ op: 'request', sha: macs.web, spa: '0.0.0.0', tha: nobody, tpa: '10.0.0.1' })),
    arrives: { web: eth(macs.frontGateway, macs.web, arp({ op: 'reply', sha: macs.frontGateway, spa: '10.0.0.1', tha: macs.web, tpa: '0.0.0.0' })) } },
  { name: 'a solicitation for the router', from: 'web', frame: eth(macs.web, asked.mac, ipv6('fd00:a::11', asked.ip, solicitation('fd00:a::1', { sll: macs.web }))),
    arrives: { web: eth(macs.frontGateway, macs.web, routerAdvertised('fd00:a::1', macs.frontGateway)) } },
  { name: 'a solicitation for its link-local address', from: 'web', frame: eth(macs.web, asked.mac, ipv6('fd00:a::11', solicitedNode(frontLinkLocal).ip, solicitation(frontLinkLocal, { sll: macs.web }))),
    arrives: { web: eth(macs.frontGateway, macs.web, routerAdvertised(frontLinkLocal, macs.frontGateway)) } },

  { name: 'link-local addresses stay where they are', from: 'web', frame: toFront(ipv6(webLinkLocal, 'fe80::f816:3eff:fe00:12', hello)), arrives: {} },
  { name: 'so do groups', from: 'web', frame: toFront(ipv6('fd00:a::11', 'ff0e::1', hello)), arrives: {} },
  { name: 'groups of IPv4', from: 'web', frame: toFront(ipv4('10.0.0.11', '224.0.0.251', hello)), arrives: {} },
  { name: "nobody's own subnet", from: 'web', frame: eth(macs.web, macs.backGateway, ipv4('10.0.0.11', '10.0.1.12', hello)), arrives: {} },
]

/** Packets that are sent up, and what for. */
// biome-ignore format: one row a line
export const refusedRows: readonly Omit<RoutedRow, 'arrives'>[] = [
  { name: 'hop_limit', from: 'web', frame: toFront(ipv4('10.0.0.11', '10.0.1.12', hello, { ttl: 1 })) },
  { name: 'hop_limit', from: 'web', frame: toFront(ipv6('fd00:a::11', 'fd00:b::12', hello, { hopLimit: 1 })) },
  { name: 'no_route', from: 'web', frame: toFront(ipv4('10.0.0.11', '198.51.100.1', hello)) },
  { name: 'no_route', from: 'web', frame: toFront(ipv4('10.0.0.11', '169.254.169.254', hello)) },
  { name: 'no_route', from: 'web', frame: toFront(ipv6('fd00:a::11', '2001:db8::1', hello)) },
  { name: 'no_host', from: 'web', frame: toFront(ipv4('10.0.0.11', '10.0.1.99', hello)) },
  { name: 'no_host', from: 'web', frame: toFront(ipv6('fd00:a::11', 'fd00:b::99', hello)) },
  { name: 'too_big', from: 'web', frame: toFront(ipv4('10.0.0.11', '10.0.1.12', big)) },
  { name: 'too_big', from: 'web', frame: toFront(ipv6('fd00:a::11', 'fd00:b::12', big)) },
  { name: 'beyond_scope', from: 'web', frame: toFront(ipv6(webLinkLocal, 'fd00:b::12', hello)) },
  { name: 'no_port', from: 'web', frame: toFront(ipv4('10.0.0.11', '10.0.0.1', hello)) },
  { name: 'no_port', from: 'web', frame: toFront(ipv6('fd00:a::11', 'fd00:a::1', hello)) },
  { name: 'no_port', from: 'web', frame: toFront(ipv4('10.0.0.11', '10.0.1.254', hello)) },
]
