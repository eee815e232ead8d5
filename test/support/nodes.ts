/**
 * One cloud on several fake switches: what leaves one by a tunnel comes in at the other whose address it bears, and what
 * bears nobody's address is kept. A view is made for each node from the same networks and ports.
 */

import type { App } from '../../src/app/app.ts'
import type { Chassis, Network, Port, Router, View } from '../../src/app/view.ts'
import { ipv4Text } from '../../src/wire/address.ts'
import { appsOf, flowsOf } from './cloud.ts'
import { FakeSwitch } from './fake-switch.ts'
import { networkOf, portOf, routerOf, viewOf } from './view.ts'

export const tunnelPorts: ReadonlyMap<string, number> = new Map([
  ['geneve', 101],
  ['vxlan', 102],
])

/** A node that has the address 192.0.2.<number> and is called compute-<number>. */
export const chassisOf = (number: number, more: Partial<Chassis> = {}): Chassis => ({
  id: `compute-${number}`,
  ip: `192.0.2.${number}`,
  tunnelTypes: ['geneve', 'vxlan'],
  externalHostIp: undefined,
  ...more,
})

/** Networks, ports and routers of a cloud, seen from nowhere. */
export interface Rows {
  readonly networks: Network[]
  readonly ports: Port[]
  readonly routers: Router[]
}

/**
 * Red and blue have the same addresses, MAC addresses and names: `web` (.11) and `db` (.12) on compute-1, `cache` (.13) on
 * compute-2; blue also `far` (.14) on compute-3, which has nothing of red. A router joins red's network (geneve) to
 * `net-back` (vxlan), which has `store` (.15) on compute-2 alone. Keys: red 1 to 3, blue 4 to 7, store 8.
 */
export function rowsOfCloud(): Rows {
  const red = networkOf('red', 1, { networkType: 'geneve', physicalNetwork: undefined, segmentationId: 5001 })
  const blue = networkOf('blue', 2, {
    networkType: 'geneve',
    physicalNetwork: undefined,
    segmentationId: 5002,
  })
  const back = networkOf('red', 3, {
    id: 'net-back',
    networkType: 'vxlan',
    physicalNetwork: undefined,
    segmentationId: 5002,
  })
  const trio = (network: Network, key: number): Port[] => [
    { ...portOf(network, key, 'web', ['10.0.0.11', 'fd00:a::11']), macs: [macs.web] },
    { ...portOf(network, key + 1, 'db', ['10.0.0.12']), macs: [macs.db] },
    { ...portOf(network, key + 2, 'cache', ['10.0.0.13']), macs: [macs.cache], chassis: 'compute-2' },
  ]
  const ports = [
    ...trio(red, 1),
    ...trio(blue, 4),
    { ...portOf(blue, 7, 'far', ['10.0.0.14']), macs: [macs.far], chassis: 'compute-3' },
    { ...portOf(back, 8, 'store', ['10.0.0.15']), macs: [macs.store], chassis: 'compute-2' },
  ]
  return { networks: [red, blue, back], ports, routers: [routerOf('red', 1, [red, back])] }
}

export const macs = {
  web: 'fa:16:3e:00:00:01',
  db: 'fa:16:3e:00:00:02',
  cache: 'fa:16:3e:00:00:03',
  far: 'fa:16:3e:00:00:04',
  store: 'fa:16:3e:00:00:05',
}

/** The cloud as that node sees it: each port that is bound to it is plugged into 10 + key. */
export function viewFrom(host: string, { networks, ports, routers }: Rows = rowsOfCloud()): View {
  const own = ports.filter(({ chassis }) => chassis === host).map(({ key }) => [key, 10 + key])
  const chassis = [1, 2, 3].map((number) => chassisOf(number))
  return {
    ...viewOf(networks, ports, Object.fromEntries(own), routers),
    host,
    chassis: new Map(chassis.map((each) => [each.id, each])),
    tunnels: tunnelPorts,
    uplinks: new Map(),
    uplinkMacs: new Map(),
  }
}

const names = ['classifier', 'portsec', 'l2', 'tunneling']

/** The applications of a node with that address. */
export const appsAt = (localIp: string): App[] => appsOf(names, {}, { localIp })

/** A packet that came to a port, or that no switch took: `compute-2/13`, `lost 192.0.2.9`. */
export interface Arrival {
  readonly at: string
  readonly frame: Buffer
}

/** The switches of these nodes. */
export function nodesOf(views: readonly View[]) {
  const nodes = new Map(
    views.map((view) => {
      const { ip } = view.chassis.get(view.host)!
      const fake = new FakeSwitch()
      fake.flows = flowsOf(appsAt(ip), view)
      return [ip, { view, fake }] as const
    }),
  )
  const typeOf = (port: number) => [...tunnelPorts].find(([, ofport]) => ofport === port)?.[0]

  /** A frame comes in at a port of a node; returns where it gets to. */
  function sends(host: string, port: number, frame: Buffer, tunnel = {}): Arrival[] {
    const [ip, { fake }] = [...nodes].find(([, { view }]) => view.host === host)!
    return fake.receive(port, frame, tunnel).flatMap((sent): Arrival[] => {
      const type = typeOf(sent.port)
      if (type === undefined) return [{ at: `${host}/${sent.port}`, frame: sent.frame }]
      const { tunnelId = 0n, tunIpv4Dst = 0n } = sent.tunnel ?? {}
      const far = textOf(tunIpv4Dst)
      const node = nodes.get(far)
      if (node === undefined) return [{ at: `lost ${far}`, frame: sent.frame }]
      const fields = { tunnelId, tunIpv4Src: numberOf(ip), tunIpv4Dst }
      return sends(node.view.host, node.view.tunnels.get(type)!, sent.frame, fields)
    })
  }
  return { sends }
}

const textOf = (ip: bigint) => ipv4Text(Buffer.from(ip.toString(16).padStart(8, '0'), 'hex'))

/** An IPv4 address as match fields have it. */
export const numberOf = (ip: string) =>
  ip.split('.').reduce((number, part) => (number << 8n) | BigInt(part), 0n)
