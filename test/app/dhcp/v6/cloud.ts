/**
 * Two tenants with the same prefixes, addresses, MAC addresses and names, whose IPv6 subnets are configured: in each `web`
 * (fd00:a::11, which no MAC address makes), `auto` (the address that its MAC address makes) and `none` (no IPv6 address).
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { LocalPort, Subnet, View } from '../../../../src/app/view.ts'
import { networkOf, portOf, routerOf, type Tenant, viewOf } from '../../../support/view.ts'

export const macs = { web: 'fa:16:3e:00:00:11', auto: 'fa:16:3e:00:00:12', router: 'fa:16:3e:00:00:fe' }
export const linkLocals = {
  web: 'fe80::f816:3eff:fe00:11',
  auto: 'fe80::f816:3eff:fe00:12',
  router: 'fe80::f816:3eff:fe00:fe',
}
export const autoIp = 'fd00:a::f816:3eff:fe00:12'

/** What the subnets say otherwise than by default. */
export type Change = (subnet: Subnet) => Partial<Subnet>

export const resolvers = ['198.51.100.53', 'fd00:a::53', '2001:db8::53']

const configured: Change = () => ({ isDhcpEnabled: true, dnsNameservers: resolvers })

/** Keys of red's ports from 17, of blue's from 33; ofport = 100 + key; with a router in each tenant, or without. */
export function cloudView(options: CloudOptions = {}): View {
  const { change = () => ({}), hasRouters = true } = options
  const mtu = 'mtu' in options ? options.mtu : 1450
  const networks = (['red', 'blue'] as const).map((tenant, index) => {
    const network = networkOf(tenant, index + 1, { mtu })
    const subnets = network.subnets.map((subnet) => ({ ...subnet, ...configured(subnet), ...change(subnet) }))
    return { ...network, subnets }
  })
  const ports = networks.flatMap((network, index) => {
    const first = 17 + 16 * index
    return [
      { ...portOf(network, first, 'web', ['10.0.0.11', 'fd00:a::11']), macs: [macs.web] },
      { ...portOf(network, first + 1, 'auto', [autoIp]), macs: [macs.auto] },
      portOf(network, first + 2, 'none', ['10.0.0.13']),
    ]
  })
  const routers = (['red', 'blue'] as const).map((tenant, index) =>
    routerOf(tenant, index + 1, [networkOf(tenant, index + 1)]),
  )
  const ofports = Object.fromEntries(ports.map(({ key }) => [key, 100 + key]))
  return viewOf(networks, ports, ofports, hasRouters ? routers : [])
}

export interface CloudOptions {
  readonly change?: Change
  readonly hasRouters?: boolean
  readonly mtu?: number | undefined
}

/** The local port of that name. */
export function portIn(view: View, tenant: Tenant, name: string): LocalPort {
  return view.localPorts.find((port) => port.networkId === `net-${tenant}` && port.dnsName === name)!
}

/** What a foreign server said (test/vectors/ipv6). */
export interface Vector {
  readonly name: string
  readonly from: string
  readonly request: Buffer
  readonly reply: Buffer
  readonly end: Buffer
}

export function vectorsOf(file: 'advertisements' | 'leases'): Vector[] {
  const path = join(import.meta.dirname, `../../../vectors/ipv6/${file}.jsonl`)
  return readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const { name, from, request, reply, end } = JSON.parse(line)
      const [asked, said, last] = [request, reply, end ?? ''].map((hex: string) => Buffer.from(hex, 'hex'))
      return { name, from, request: asked!, reply: said!, end: last! }
    })
}

export const vectorOf = (file: 'advertisements' | 'leases', name: string): Vector =>
  vectorsOf(file).find((vector) => vector.name === name)!

/** The frame without the flow label, which a kernel draws and we leave empty. */
export function withoutLabel(frame: Buffer): string {
  const copy = Buffer.from(frame)
  copy.fill(0, 15, 18)
  copy[14]! &= 0xf0
  return copy.toString('hex')
}
