/** The application dhcp as tests see it: a client's frames in, and what tcpdump says of what came out. */

import type { App, AppHost, Verdict } from '../../../src/app/app.ts'
import { dhcp } from '../../../src/app/dhcp/dhcp.ts'
import type { LocalPort, Network, Port, Subnet, View } from '../../../src/app/view.ts'
import { silentLogger } from '../../../src/log.ts'
import { createMetrics } from '../../../src/metrics.ts'
import { datagram } from '../../../src/packet/index.ts'
import { tcpdumpOf } from '../../packet/foreign.ts'
import { puntOf } from '../../support/apps.ts'
import { networkOf, portOf, type Tenant, viewOf } from '../../support/view.ts'

type Options = Parameters<typeof dhcp.factory>[0]

/** Those of the application, but without a limit. */
const defaults: Options = {
  df_dns_servers: [],
  df_default_network_device_mtu: 1460,
  df_dhcp_max_rate_per_sec: 0,
  df_dhcp_block_time_in_sec: 0,
  df_add_link_local_route: true,
}

/** The host of an application under test. */
export function hostOf(rest: Partial<AppHost> = {}, leaseSeconds = 86_400): AppHost {
  const common = { dnsDomain: 'openstacklocal', leaseSeconds, localIp: '', tunnelTypes: [] }
  return { log: silentLogger, metrics: createMetrics(), common, now: () => 0, ...rest }
}

/** The application with its default options, unless said otherwise. */
export function appOf(options: Partial<Options> = {}, host = hostOf()): App {
  return dhcp.factory({ ...defaults, ...options }, host)
}

/** What the recorded dnsmasq was told of its subnet. */
const served: Partial<Subnet> = {
  isDhcpEnabled: true,
  dhcpIp: '10.0.0.2',
  dnsNameservers: ['198.51.100.53', '198.51.100.54'],
  hostRoutes: [{ destination: '192.0.2.0/25', nexthop: '10.0.0.254' }],
}

/** A tenant's network of which the IPv4 subnet has DHCP. */
export function dhcpNetwork(tenant: Tenant, key: number, more: Partial<Subnet> = {}): Network {
  const network = networkOf(tenant, key, { mtu: 1450 })
  const [ipv4, ipv6] = network.subnets
  return { ...network, subnets: [{ ...ipv4!, ...served, ...more }, ipv6!] }
}

/** A view of these networks and ports, all of them local. */
export function localView(networks: readonly Network[], ports: readonly Port[]): View {
  const ofports = Object.fromEntries(ports.map(({ key }) => [key, 10 + key]))
  return viewOf([...networks], [...ports], ofports)
}

export interface Cloud {
  readonly view: View
  /** The port `web` of a tenant: 10.0.0.11 with fa:16:3e:00:00:01 in both. */
  readonly web: (tenant: Tenant) => LocalPort
}

/** Two tenants with the same addresses, names and MAC addresses, and DHCP in both; their subnets and ports may differ. */
export function twoTenants(subnet: Partial<Subnet> = {}, port: Partial<Port> = {}): Cloud {
  const networks = [dhcpNetwork('red', 1, subnet), dhcpNetwork('blue', 2, subnet)]
  const ports = networks.map((network, index) => ({
    ...portOf(network, 1 + 3 * index, 'web', ['10.0.0.11', 'fd00:a::11']),
    macs: ['fa:16:3e:00:00:01'],
    ...port,
  }))
  const view = localView(networks, ports)
  const web = (tenant: Tenant) => view.localPorts.find(({ networkId }) => networkId === `net-${tenant}`)!
  return { view, web }
}

/** What the application says to a frame of the port. */
export function ask(app: App, view: View, port: LocalPort, frame: Buffer, atMs = 0): Verdict {
  return app.packetIn!(puntOf(port, frame, { atMs }), view)
}

/** A reply as tcpdump reads it. */
export interface Decoded {
  /** Ethernet and IP: whom it goes to, as `<mac> <ip>.<port>`. */
  readonly to: string
  readonly from: string
  /** The header's fields: `Your-IP` and so on, those that are not 0. */
  readonly fields: Readonly<Record<string, string>>
  /** Text by number. */
  readonly options: Readonly<Record<number, string>>
  readonly line: string
}

/** What tcpdump says of frames of DHCP. */
export function decoded(frames: readonly Buffer[]): Decoded[] {
  return tcpdumpOf(frames).map((line) => {
    const [, macFrom, macTo, ipFrom, ipTo, rest] =
      /^(\S+) > (\S+), .*?\) (\S+) > (\S+): (?:\[udp sum ok\] )?(.*)$/.exec(line) ?? []
    const [head, tail = ''] = rest!.split('Magic Cookie 0x63825363')
    const named = /(Client-IP|Your-IP|Server-IP|Gateway-IP|sname|file|Flags|xid) (\[\w+\]|\S+)/g
    const option = /[\w-]+ \((\d+)\), length \d+: (.*?)(?= [\w-]+ \(\d+\), length| PAD|$)/g
    return {
      line,
      to: `${macTo} ${ipTo}`,
      from: `${macFrom} ${ipFrom}`,
      fields: Object.fromEntries(
        [...head!.matchAll(named)].map(([, name, value]) => [name!, value!.replace(/,$/, '')]),
      ),
      options: Object.fromEntries(
        [...tail.matchAll(option)].map(([, code, value]) => [Number(code), value!]),
      ),
    }
  })
}

/** What tcpdump says of the reply that the verdict is. */
export function replyOf(verdict: Verdict): Decoded {
  if (verdict.kind !== 'reply') throw new Error(`no reply: ${JSON.stringify(verdict)}`)
  return decoded([verdict.frame])[0]!
}

/** What a client says, field by field; the rest is 0. */
export interface Said {
  readonly op?: number
  readonly hardware?: readonly [type: number, size: number]
  readonly flags?: number
  readonly ciaddr?: string
  readonly giaddr?: string
  readonly chaddr?: string
  /** Hexadecimal, as are the next ones. */
  readonly sname?: string
  readonly file?: string
  readonly cookie?: string
  /** Without the end. */
  readonly options: string
  /** Source and destination of the packet. */
  readonly from?: string
  readonly to?: string
}

const bytesOfIp = (ip: string) => Buffer.from(ip.split('.').map(Number))
const field = (hex: string, size: number) =>
  Buffer.concat([Buffer.from(hex, 'hex'), Buffer.alloc(size)]).subarray(0, size)

/** The payload of a message (RFC 2131 figure 1). */
export function payloadOf({
  op = 1,
  hardware = [1, 6],
  flags = 0,
  ciaddr = '0.0.0.0',
  ...said
}: Said): Buffer {
  const {
    giaddr = '0.0.0.0',
    chaddr = 'fa:16:3e:00:00:01',
    sname = '',
    file = '',
    cookie = '63825363',
  } = said
  return Buffer.concat([
    Buffer.from([op, ...hardware, 0, 0x12, 0x34, 0x56, 0x78, 0, 0, flags >> 8, flags & 0xff]),
    ...[ciaddr, '0.0.0.0', '0.0.0.0', giaddr].map(bytesOfIp),
    field(chaddr.replaceAll(':', ''), 16),
    field(sname, 64),
    field(file, 128),
    Buffer.from(`${cookie}${said.options}ff`, 'hex'),
  ])
}

/** The frame of a message. */
export function frameOf(said: Said): Buffer {
  const { from = '0.0.0.0', to = '255.255.255.255' } = said
  return datagram(
    { mac: 'fa:16:3e:00:00:01', ip: from, port: 68 },
    { mac: 'ff:ff:ff:ff:ff:ff', ip: to, port: 67 },
    payloadOf(said),
  )
}
