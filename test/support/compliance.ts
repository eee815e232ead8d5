/**
 * What a packet of the cloud below comes to. The rows run on the fake switch (test/app) and on Open vSwitch
 * (test/system): the whole frames that leave, at which ports, and nothing anywhere else.
 */

import type { Network, Port, View } from '../../src/app/view.ts'
import {
  advertisement,
  allNodes,
  arp,
  broadcast,
  eth,
  experiment,
  ipv4,
  ipv6,
  multicastReport,
  nobody,
  ping6,
  redirect,
  routerAdvertisement,
  routerSolicitation,
  solicitation,
  solicitedNode,
  tagged,
  udp,
} from './frames.ts'
import { networkOf, portOf, viewOf } from './view.ts'

export interface Row {
  readonly name: string
  /** `<tenant>-<name>` or a physical network. */
  readonly from: string
  readonly frame: Buffer
  readonly arrives: Readonly<Record<string, Buffer>>
}

/**
 * Red and blue have the same addresses and the same MAC addresses behind one physical network, as VLANs 101 and 102.
 * Red also has a flat network behind another one and an island with nothing behind it. `cache` is on another node, `vip`
 * on none; `inner` and `outer`, which is on another node, are in a network of each that a tunnel carries; `pairs` may also use 10.0.0.128/25, fd00:a:0:0:1::/80 and a second MAC address; `open` has no port security.
 */
export function complianceView(): View {
  const red = networkOf('red', 1)
  const blue = networkOf('blue', 2)
  const flat = networkOf('red', 3, { id: 'net-flat', networkType: 'flat', physicalNetwork: 'physnet2' })
  const island = networkOf('red', 4, { id: 'net-island', networkType: 'vxlan', physicalNetwork: undefined })
  const trio = (network: Network, firstKey: number): Port[] => [
    { ...portOf(network, firstKey, 'web', ['10.0.0.11', 'fd00:a::11']), macs: [webMac] },
    { ...portOf(network, firstKey + 1, 'db', ['10.0.0.12', 'fd00:a::12']), macs: [dbMac] },
    {
      ...portOf(network, firstKey + 2, 'cache', ['10.0.0.13', 'fd00:a::13']),
      macs: [cacheMac],
      chassis: 'compute-2',
    },
  ]
  const pairs: Port = {
    ...portOf(red, 7, 'pairs', ['10.0.0.14']),
    allowedAddressPairs: [
      { ip: '10.0.0.128/25', mac: pairsMac },
      { ip: 'fd00:a:0:0:1::/80', mac: pairsMac },
      { ip: '10.0.0.200', mac: vrrpMac },
      { ip: 'fd00:a::200', mac: vrrpMac },
    ],
  }
  const overlays = [networkOf('red', 5, overlay('red')), networkOf('blue', 6, overlay('blue'))] as const
  const overlaid = overlays.flatMap((network, index) => [
    { ...portOf(network, 20 + 2 * index, 'inner', ['10.0.0.11']), macs: [webMac] },
    {
      ...portOf(network, 21 + 2 * index, 'outer', ['10.0.0.13']),
      macs: [cacheMac],
      chassis: 'compute-2',
    },
  ])
  const ports = [
    ...overlaid,
    ...trio(red, 1),
    ...trio(blue, 4),
    pairs,
    { ...portOf(blue, 8, 'open', ['10.0.0.15']), isPortSecurityEnabled: false },
    portOf(flat, 9, 'flat', ['10.0.0.11']),
    portOf(island, 10, 'isle', ['10.0.0.11']),
    portOf(island, 11, 'islet', ['10.0.0.12']),
    { ...portOf(red, 12, 'vip', ['10.0.0.100', 'fd00:a::100']), chassis: undefined },
  ]
  const ofports = { 1: 11, 2: 12, 4: 14, 5: 15, 7: 17, 8: 18, 9: 19, 10: 20, 11: 21, 20: 30, 22: 32 }
  const view = viewOf([red, blue, flat, island, ...overlays], ports, ofports)
  const compute2 = { id: 'compute-2', ip: '192.0.2.12', tunnelTypes: ['geneve'], externalHostIp: undefined }
  return {
    ...view,
    uplinks: new Map([
      ['physnet1', 1],
      ['physnet2', 2],
    ]),
    tunnels: new Map([['geneve', 3]]),
    chassis: new Map([['compute-2', compute2]]),
  }
}

const overlay = (tenant: string): Partial<Network> => ({
  id: `net-${tenant}-overlay`,
  networkType: 'geneve',
  physicalNetwork: undefined,
})

const webMac = 'fa:16:3e:00:00:01'
const dbMac = 'fa:16:3e:00:00:02'
const cacheMac = 'fa:16:3e:00:00:03'
const pairsMac = 'fa:16:3e:00:00:07'
const openMac = 'fa:16:3e:00:00:08'
const flatMac = 'fa:16:3e:00:00:09'
const isleMac = 'fa:16:3e:00:00:0a'
const isletMac = 'fa:16:3e:00:00:0b'
const vrrpMac = '00:00:5e:00:02:09'
const gatewayMac = '02:00:00:00:00:01'
const strangerMac = '02:00:00:00:00:99'

const webLinkLocal = 'fe80::f816:3eff:fe00:1'
const dbLinkLocal = 'fe80::f816:3eff:fe00:2'

const hello = ipv4('10.0.0.11', '10.0.0.12', udp(4000, 4001))
const webToDb = eth(webMac, dbMac, hello)
const webToCache = eth(webMac, cacheMac, hello)
const webToAll = eth(webMac, broadcast, ipv4('10.0.0.11', '255.255.255.255', udp(4000, 4001)))
const webToGateway = eth(webMac, gatewayMac, ipv4('10.0.0.11', '198.51.100.53', udp(4000, 53)))
const gatewayToWeb = eth(gatewayMac, webMac, ipv4('198.51.100.53', '10.0.0.11', udp(53, 4000)))
const gatewayToAll = eth(gatewayMac, broadcast, ipv4('10.0.0.1', '255.255.255.255', udp(4000, 4001)))

// biome-ignore format: one row a line or two
const switching: Row[] = [
  { name: 'unicast to a port of the network', from: 'red-web', frame: webToDb, arrives: { 'red-db': webToDb } },
  { name: 'the same in the other tenant', from: 'blue-web', frame: webToDb, arrives: { 'blue-db': webToDb } },
  { name: 'a fragment', from: 'red-web', ...same(eth(webMac, dbMac, ipv4('10.0.0.11', '10.0.0.12', udp(1, 2), { isFragment: true })), 'red-db') },
  { name: 'IPv6', from: 'red-web', ...same(eth(webMac, dbMac, ipv6('fd00:a::11', 'fd00:a::12', udp(1, 2))), 'red-db') },
  { name: 'a ping over IPv6', from: 'red-web', ...same(eth(webMac, dbMac, ipv6('fd00:a::11', 'fd00:a::12', ping6)), 'red-db') },
  { name: 'an unknown Ethernet type', from: 'red-web', ...same(eth(webMac, dbMac, experiment), 'red-db') },
  { name: 'a tagged frame, inside', from: 'red-web', ...same(tagged(webToDb, 102), 'red-db') },
  { name: 'unicast to itself', from: 'red-web', frame: eth(webMac, webMac, hello), arrives: {} },
  { name: 'broadcast: everybody here but the sender, and outside', from: 'red-web', frame: webToAll,
    arrives: { 'red-db': webToAll, 'red-pairs': webToAll, physnet1: tagged(webToAll, 101) } },
  { name: 'broadcast in the other tenant', from: 'blue-web', frame: webToAll,
    arrives: { 'blue-db': webToAll, 'blue-open': webToAll, physnet1: tagged(webToAll, 102) } },
  { name: 'multicast', from: 'red-web', ...flooded(eth(webMac, '33:33:00:00:00:fb', ipv6(webLinkLocal, 'ff02::fb', udp(5353, 5353)))) },
  { name: 'unicast on the island', from: 'red-isle', ...same(eth(isleMac, isletMac, hello), 'red-islet') },
  { name: 'broadcast on the island stays there', from: 'red-isle', ...same(eth(isleMac, broadcast, hello), 'red-islet') },
  { name: 'unknown unicast on the island', from: 'red-isle', frame: eth(isleMac, gatewayMac, hello), arrives: {} },
]

// biome-ignore format: one row a line or two
const tunnelled: Row[] = [
  { name: 'a port on another node, by tunnel', from: 'red-inner', ...same(webToCache, 'geneve') },
  { name: 'the same in the other tenant', from: 'blue-inner', ...same(webToCache, 'geneve') },
  { name: 'broadcast: one copy for the other node', from: 'blue-inner', ...same(webToAll, 'geneve') },
  { name: 'unknown unicast goes into no tunnel', from: 'red-inner', frame: webToGateway, arrives: {} },
  { name: 'nothing comes out of a tunnel without its number', from: 'geneve', frame: eth(cacheMac, webMac, hello), arrives: {} },
]

// biome-ignore format: one row a line or two
const outside: Row[] = [
  { name: 'unknown unicast leaves by the uplink only, with the tag', from: 'red-web', frame: webToGateway, arrives: { physnet1: tagged(webToGateway, 101) } },
  { name: 'the other tenant has another tag', from: 'blue-web', frame: webToGateway, arrives: { physnet1: tagged(webToGateway, 102) } },
  { name: 'a port on another node', from: 'red-web', frame: eth(webMac, cacheMac, hello), arrives: { physnet1: tagged(eth(webMac, cacheMac, hello), 101) } },
  { name: 'a tagged frame does not leave', from: 'red-web', frame: tagged(webToGateway, 102), arrives: {} },
  { name: 'a tagged broadcast does not leave', from: 'red-web', frame: tagged(webToAll, 102), arrives: { 'red-db': tagged(webToAll, 102), 'red-pairs': tagged(webToAll, 102) } },
  { name: 'from outside to a port', from: 'physnet1', frame: tagged(gatewayToWeb, 101), arrives: { 'red-web': gatewayToWeb } },
  { name: 'from outside to the other tenant', from: 'physnet1', frame: tagged(gatewayToWeb, 102), arrives: { 'blue-web': gatewayToWeb } },
  { name: 'broadcast from outside does not go back', from: 'physnet1', frame: tagged(gatewayToAll, 101),
    arrives: { 'red-web': gatewayToAll, 'red-db': gatewayToAll, 'red-pairs': gatewayToAll } },
  { name: 'unknown unicast from outside does not go back', from: 'physnet1', frame: tagged(eth(gatewayMac, strangerMac, hello), 101), arrives: {} },
  { name: 'from outside to a port on another node', from: 'physnet1', frame: tagged(eth(gatewayMac, cacheMac, hello), 101), arrives: {} },
  { name: 'from outside without a tag', from: 'physnet1', frame: gatewayToWeb, arrives: {} },
  { name: 'from outside with nobody\'s tag', from: 'physnet1', frame: tagged(gatewayToWeb, 103), arrives: {} },
  { name: 'a flat network: out', from: 'red-flat', ...same(eth(flatMac, gatewayMac, hello), 'physnet2') },
  { name: 'a flat network: in', from: 'physnet2', ...same(eth(gatewayMac, flatMac, hello), 'red-flat') },
  { name: 'a flat network: in with a tag', from: 'physnet2', frame: tagged(eth(gatewayMac, flatMac, hello), 101), arrives: {} },
]

const arpFrom = (sender: string, spa: string, tpa: string) =>
  eth(sender, broadcast, arp({ op: 'request', sha: sender, spa, tpa }))
const arpAnswer = (mac: string, ip: string, to: string, tpa: string) =>
  eth(mac, to, arp({ op: 'reply', sha: mac, spa: ip, tha: to, tpa }))

// biome-ignore format: one row a line or two
const arpRows: Row[] = [
  { name: 'ARP for a local port', from: 'red-web', frame: arpFrom(webMac, '10.0.0.11', '10.0.0.12'), arrives: { 'red-web': arpAnswer(dbMac, '10.0.0.12', webMac, '10.0.0.11') } },
  { name: 'ARP for a port on another node', from: 'red-web', frame: arpFrom(webMac, '10.0.0.11', '10.0.0.13'), arrives: { 'red-web': arpAnswer(cacheMac, '10.0.0.13', webMac, '10.0.0.11') } },
  { name: 'ARP in the other tenant', from: 'blue-web', frame: arpFrom(webMac, '10.0.0.11', '10.0.0.12'), arrives: { 'blue-web': arpAnswer(dbMac, '10.0.0.12', webMac, '10.0.0.11') } },
  { name: 'ARP for an address that only the other tenant has', from: 'red-web', ...flooded(arpFrom(webMac, '10.0.0.11', '10.0.0.15')) },
  { name: 'ARP for a port that is nowhere', from: 'red-web', ...flooded(arpFrom(webMac, '10.0.0.11', '10.0.0.100')) },
  { name: 'ARP for the gateway', from: 'red-web', ...flooded(arpFrom(webMac, '10.0.0.11', '10.0.0.1')) },
  { name: 'ARP from outside reaches the port itself', from: 'physnet1', frame: tagged(arpFrom(gatewayMac, '10.0.0.1', '10.0.0.11'), 101),
    arrives: { 'red-web': arpFrom(gatewayMac, '10.0.0.1', '10.0.0.11'), 'red-db': arpFrom(gatewayMac, '10.0.0.1', '10.0.0.11'), 'red-pairs': arpFrom(gatewayMac, '10.0.0.1', '10.0.0.11') } },
  { name: 'a probe for its own address is not answered', from: 'red-web', ...flooded(arpFrom(webMac, '0.0.0.0', '10.0.0.11')) },
  { name: 'an announcement of its own address is not answered', from: 'red-web', ...flooded(arpFrom(webMac, '10.0.0.11', '10.0.0.11')) },
  { name: 'a probe for somebody else\'s address is', from: 'red-web', frame: arpFrom(webMac, '0.0.0.0', '10.0.0.12'), arrives: { 'red-web': arpAnswer(dbMac, '10.0.0.12', webMac, '0.0.0.0') } },
  { name: 'an ARP reply goes its way', from: 'red-web', ...same(arpAnswer(webMac, '10.0.0.11', dbMac, '10.0.0.12'), 'red-db') },
]

const ask = (
  sender: string,
  source: string,
  target: string,
  options: { sll?: string; nonce?: string } = { sll: sender },
) =>
  eth(
    sender,
    solicitedNode(target).mac,
    ipv6(source, solicitedNode(target).ip, solicitation(target, options)),
  )
const tell = (mac: string, target: string, to: string, asker: string, nonce?: string) =>
  eth(
    mac,
    to,
    ipv6(target, asker, advertisement(target, { tll: mac, ...(nonce === undefined ? {} : { nonce }) })),
  )
const nonce = '0102030405ff'

// biome-ignore format: one row a line or two
const ndRows: Row[] = [
  { name: 'ND for a local port', from: 'red-web', frame: ask(webMac, 'fd00:a::11', 'fd00:a::12'), arrives: { 'red-web': tell(dbMac, 'fd00:a::12', webMac, 'fd00:a::11') } },
  { name: 'ND for a port on another node', from: 'red-web', frame: ask(webMac, 'fd00:a::11', 'fd00:a::13'), arrives: { 'red-web': tell(cacheMac, 'fd00:a::13', webMac, 'fd00:a::11') } },
  { name: 'ND in the other tenant', from: 'blue-web', frame: ask(webMac, 'fd00:a::11', 'fd00:a::12'), arrives: { 'blue-web': tell(dbMac, 'fd00:a::12', webMac, 'fd00:a::11') } },
  { name: 'ND from the link-local address', from: 'red-web', frame: ask(webMac, webLinkLocal, 'fd00:a::12'), arrives: { 'red-web': tell(dbMac, 'fd00:a::12', webMac, webLinkLocal) } },
  { name: 'ND with another option', from: 'red-web', frame: ask(webMac, 'fd00:a::11', 'fd00:a::12', { sll: webMac, nonce }), arrives: { 'red-web': tell(dbMac, 'fd00:a::12', webMac, 'fd00:a::11', nonce) } },
  { name: 'ND by unicast', from: 'red-web', frame: eth(webMac, dbMac, ipv6('fd00:a::11', 'fd00:a::12', solicitation('fd00:a::12', { sll: webMac }))), arrives: { 'red-web': tell(dbMac, 'fd00:a::12', webMac, 'fd00:a::11') } },
  { name: 'ND without the asker\'s MAC', from: 'red-web', ...flooded(ask(webMac, 'fd00:a::11', 'fd00:a::12', {})) },
  { name: 'ND for a port that is nowhere', from: 'red-web', ...flooded(ask(webMac, 'fd00:a::11', 'fd00:a::100')) },
  { name: 'ND for a link-local address', from: 'red-web', ...flooded(ask(webMac, webLinkLocal, dbLinkLocal)) },
  { name: 'a probe for its own address (DAD) is not answered', from: 'red-web', ...flooded(ask(webMac, '::', 'fd00:a::11', { nonce })) },
  { name: 'nor one for its own address from an address', from: 'red-web', ...flooded(ask(webMac, 'fd00:a::11', 'fd00:a::11')) },
  { name: 'DAD for somebody else\'s address reaches the owner', from: 'red-web', ...flooded(ask(webMac, '::', 'fd00:a::12', {})) },
  { name: 'an advertisement of its own', from: 'red-web', ...same(tell(webMac, 'fd00:a::11', dbMac, 'fd00:a::12'), 'red-db') },
  { name: 'an advertisement of its link-local address', from: 'red-web', ...same(tell(webMac, webLinkLocal, dbMac, 'fd00:a::12'), 'red-db') },
  { name: 'an advertisement without a MAC', from: 'red-web', ...same(eth(webMac, dbMac, ipv6('fd00:a::11', 'fd00:a::12', advertisement('fd00:a::11'))), 'red-db') },
]

const v4 = (mac: string, source: string) => eth(mac, dbMac, ipv4(source, '10.0.0.12', udp(1, 2)))
const v6 = (mac: string, source: string) => eth(mac, dbMac, ipv6(source, 'fd00:a::12', udp(1, 2)))
const allNodesMac = '33:33:00:00:00:01'

// biome-ignore format: one row a line or two
const secured: Row[] = [
  { name: 'a foreign IPv4 source', from: 'red-web', frame: v4(webMac, '10.0.0.12'), arrives: {} },
  { name: 'a foreign MAC', from: 'red-web', frame: v4(dbMac, '10.0.0.11'), arrives: {} },
  { name: 'a foreign MAC with an unknown Ethernet type', from: 'red-web', frame: eth(strangerMac, dbMac, experiment), arrives: {} },
  { name: 'a foreign IPv4 source behind a tag', from: 'red-web', frame: tagged(v4(webMac, '10.0.0.12'), 5), arrives: {} },
  { name: 'a foreign address in ARP', from: 'red-web', frame: arpFrom(webMac, '10.0.0.12', '10.0.0.13'), arrives: {} },
  { name: 'a foreign MAC inside ARP', from: 'red-web', frame: eth(webMac, broadcast, arp({ op: 'request', sha: dbMac, spa: '10.0.0.11', tpa: '10.0.0.13' })), arrives: {} },
  { name: 'a foreign IPv6 source', from: 'red-web', frame: v6(webMac, 'fd00:a::12'), arrives: {} },
  { name: 'its EUI-64 link-local address', from: 'red-web', ...same(v6(webMac, webLinkLocal), 'red-db') },
  { name: 'its EUI-64 link-local address in a ping', from: 'red-web', ...same(eth(webMac, dbMac, ipv6(webLinkLocal, dbLinkLocal, ping6)), 'red-db') },
  { name: 'a foreign link-local address', from: 'red-web', frame: v6(webMac, dbLinkLocal), arrives: {} },
  { name: 'a foreign source in ND', from: 'red-web', frame: ask(webMac, 'fd00:a::12', 'fd00:a::13'), arrives: {} },
  { name: 'a foreign MAC inside ND', from: 'red-web', frame: ask(webMac, 'fd00:a::11', 'fd00:a::13', { sll: dbMac }), arrives: {} },
  { name: 'a foreign target advertised', from: 'red-web', frame: eth(webMac, dbMac, ipv6('fd00:a::11', 'fd00:a::12', advertisement('fd00:a::13', { tll: webMac }))), arrives: {} },
  { name: 'a foreign MAC advertised', from: 'red-web', frame: eth(webMac, dbMac, ipv6('fd00:a::11', 'fd00:a::12', advertisement('fd00:a::11', { tll: dbMac }))), arrives: {} },
  { name: 'an advertisement from nowhere', from: 'red-web', frame: eth(webMac, dbMac, ipv6('::', 'fd00:a::12', advertisement('fd00:a::11', { tll: webMac }))), arrives: {} },
  { name: 'a router advertisement', from: 'red-web', frame: eth(webMac, allNodesMac, ipv6(webLinkLocal, allNodes, routerAdvertisement)), arrives: {} },
  { name: 'a redirect', from: 'red-web', frame: eth(webMac, dbMac, ipv6(webLinkLocal, 'fd00:a::12', redirect)), arrives: {} },
  { name: 'a router solicitation', from: 'red-web', ...flooded(eth(webMac, '33:33:00:00:00:02', ipv6(webLinkLocal, 'ff02::2', routerSolicitation))) },
  { name: 'a router solicitation from ::', from: 'red-web', ...flooded(eth(webMac, '33:33:00:00:00:02', ipv6('::', 'ff02::2', routerSolicitation))) },
  { name: 'a multicast report from ::', from: 'red-web', ...flooded(eth(webMac, '33:33:00:00:00:16', ipv6('::', 'ff02::16', multicastReport))) },
  { name: 'a ping from ::', from: 'red-web', frame: eth(webMac, allNodesMac, ipv6('::', allNodes, ping6)), arrives: {} },
  { name: 'DHCP', from: 'red-web', ...flooded(eth(webMac, broadcast, ipv4('0.0.0.0', '255.255.255.255', udp(68, 67)))) },
  { name: 'DHCP with a foreign source', from: 'red-web', frame: eth(webMac, broadcast, ipv4('10.0.0.12', '255.255.255.255', udp(68, 67))), arrives: {} },
  { name: 'DHCPv6 to its multicast group', from: 'red-web', ...flooded(eth(webMac, '33:33:00:01:00:02', ipv6('fe80::1234', 'ff02::1:2', udp(546, 547)))) },
  { name: 'an address of a pair\'s range', from: 'red-pairs', ...same(v4(pairsMac, '10.0.0.130'), 'red-db') },
  { name: 'an address in front of a pair\'s range', from: 'red-pairs', frame: v4(pairsMac, '10.0.0.127'), arrives: {} },
  { name: 'an IPv6 address of a pair\'s range', from: 'red-pairs', ...same(v6(pairsMac, 'fd00:a:0:0:1:2:3:4'), 'red-db') },
  { name: 'an advertised target of a pair\'s range', from: 'red-pairs', ...same(tell(pairsMac, 'fd00:a:0:0:1::5', dbMac, 'fd00:a::12'), 'red-db') },
  { name: 'a pair with a MAC of its own', from: 'red-pairs', ...same(v4(vrrpMac, '10.0.0.200'), 'red-db') },
  { name: 'a pair\'s MAC with another pair\'s address', from: 'red-pairs', frame: v4(vrrpMac, '10.0.0.130'), arrives: {} },
  { name: 'a pair\'s MAC with the port\'s address', from: 'red-pairs', frame: v4(vrrpMac, '10.0.0.14'), arrives: {} },
  { name: 'the link-local address of a pair\'s MAC', from: 'red-pairs', ...same(v6(vrrpMac, 'fe80::200:5eff:fe00:209'), 'red-db') },
  { name: 'a pair announced in ARP', from: 'red-pairs', ...same(arpAnswer(vrrpMac, '10.0.0.200', dbMac, '10.0.0.12'), 'red-db') },
  { name: 'no port security: a foreign source', from: 'blue-open', ...same(eth(strangerMac, dbMac, ipv4('192.0.2.1', '10.0.0.12', udp(1, 2))), 'blue-db') },
  { name: 'no port security: a router advertisement', from: 'blue-open', frame: eth(openMac, allNodesMac, ipv6('fe80::1', allNodes, routerAdvertisement)),
    arrives: onBlue(eth(openMac, allNodesMac, ipv6('fe80::1', allNodes, routerAdvertisement))) },
  { name: 'no port security: ARP is answered', from: 'blue-open', frame: arpFrom(openMac, '10.0.0.15', '10.0.0.11'), arrives: { 'blue-open': arpAnswer(webMac, '10.0.0.11', openMac, '10.0.0.15') } },
  { name: 'no port security: a broken ARP', from: 'blue-open', frame: arpFrom(nobody, '10.0.0.15', '10.0.0.99'), arrives: onBlue(arpFrom(nobody, '10.0.0.15', '10.0.0.99')) },
]

export const rows: readonly Row[] = [
  ...switching,
  ...tunnelled,
  ...outside,
  ...arpRows,
  ...ndRows,
  ...secured,
]

/** The frame unchanged, at one port. */
function same(frame: Buffer, to: string): Pick<Row, 'frame' | 'arrives'> {
  return { frame, arrives: { [to]: frame } }
}

/** From red's `web` to everybody else in red. */
function flooded(frame: Buffer): Pick<Row, 'frame' | 'arrives'> {
  return { frame, arrives: { 'red-db': frame, 'red-pairs': frame, physnet1: tagged(frame, 101) } }
}

/** From blue's `open` to everybody else in blue. */
function onBlue(frame: Buffer): Row['arrives'] {
  return { 'blue-web': frame, 'blue-db': frame, physnet1: tagged(frame, 102) }
}
