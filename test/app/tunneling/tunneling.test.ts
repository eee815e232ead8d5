import { describe, expect, test } from 'vitest'
import { type App, flowsIn } from '../../../src/app/app.ts'
import type { Port, View } from '../../../src/app/view.ts'
import { ConfigError } from '../../../src/errors.ts'
import { formatFlow } from '../../../src/openflow/index.ts'
import { allApps, appsOf } from '../../support/cloud.ts'
import { broadcast, eth, ipv4, udp } from '../../support/frames.ts'
import { appsAt, chassisOf, macs, nodesOf, numberOf, rowsOfCloud, viewFrom } from '../../support/nodes.ts'
import { networkOf, portOf } from '../../support/view.ts'

const localIp = '192.0.2.1'
const appOf = (common = {}) => appsOf(['tunneling'], {}, { localIp, ...common })[0]!
const textOf = (view = viewFrom('compute-1'), app = appOf()) => Array.from(app.flows(view), formatFlow)
const many = 'dl_dst=01:00:00:00:00:00/01:00:00:00:00:00'

/** The cloud from compute-1 with some ports changed, and others added. */
function changed(change: (port: Port) => Partial<Port>, added: readonly Port[] = []): View {
  const { ports, ...rest } = rowsOfCloud()
  return viewFrom('compute-1', {
    ...rest,
    ports: [...ports.map((port) => ({ ...port, ...change(port) })), ...added],
  })
}

test('asks for its tunnel ports', () => {
  expect(appOf({ tunnelTypes: ['vxlan'] }).tunnels).toEqual({ types: ['vxlan'], localIp })
})

test('needs the address of the node', () => {
  expect(() => appOf({ localIp: '' })).toThrow(ConfigError)
})

test('each network comes in and goes out under its own number; router-joined ones go out', () => {
  const to = (node: number, id: number, port = 101) => [
    `set_field:192.0.2.${node}->tun_dst`,
    `set_field:0x${id.toString(16)}->tun_id`,
    `output:${port}`,
  ]
  expect(textOf()).toEqual([
    'table=3, priority=100,tun_src=192.0.2.2 actions=goto_table:100',
    'table=3, priority=100,tun_src=192.0.2.3 actions=goto_table:100',
    'priority=100,tun_id=0x1389,in_port=101 actions=set_field:0x1->metadata,goto_table:3',
    `table=75, priority=50,metadata=0x1,${many} actions=set_field:0x1389->tun_id,set_field:192.0.2.2->tun_dst,output:101`,
    `table=75, priority=100,reg7=0x3 actions=${to(2, 5001)}`,
    'priority=100,tun_id=0x138a,in_port=101 actions=set_field:0x2->metadata,goto_table:3',
    `table=75, priority=50,metadata=0x2,${many} actions=set_field:0x138a->tun_id,set_field:192.0.2.2->tun_dst,output:101,set_field:192.0.2.3->tun_dst,output:101`,
    `table=75, priority=100,reg7=0x6 actions=${to(2, 5002)}`,
    `table=75, priority=100,reg7=0x7 actions=${to(3, 5002)}`,
    `table=75, priority=100,reg7=0x8 actions=${to(2, 5002, 102)}`,
  ])
})

test('over IPv6', () => {
  const view = viewFrom('compute-1')
  const chassis = [1, 2, 3].map((number) => chassisOf(number, { ip: `2001:db8::${number}` }))
  const app = appOf({ localIp: '2001:db8::1' })
  const texts = textOf({ ...view, chassis: new Map(chassis.map((each) => [each.id, each])) }, app)
  expect(texts).toContain('table=3, priority=100,tun_ipv6_src=2001:db8::3 actions=goto_table:100')
  expect(texts).toContain(
    'table=75, priority=100,reg7=0x3 actions=set_field:2001:db8::2->tun_ipv6_dst,set_field:0x1389->tun_id,output:101',
  )
})

test('a VTEP has ports as a node has', () => {
  const texts = textOf(
    changed(({ key }) => (key === 3 ? { chassis: undefined, vtepAddress: '192.0.2.200' } : {})),
  )
  expect(texts).toContain('table=3, priority=100,tun_src=192.0.2.200 actions=goto_table:100')
  expect(texts).toContain(
    'table=75, priority=100,reg7=0x3 actions=set_field:192.0.2.200->tun_dst,set_field:0x1389->tun_id,output:101',
  )
})

describe('between nodes', () => {
  const { sends } = nodesOf(['compute-1', 'compute-2', 'compute-3'].map((host) => viewFrom(host)))
  const hello = ipv4('10.0.0.11', '10.0.0.13', udp(4000, 4001))
  const [toCache, toAll] = [eth(macs.web, macs.cache, hello), eth(macs.web, broadcast, hello)]
  const placesOf = (arrivals: ReturnType<typeof sends>) => arrivals.map(({ at }) => at).sort()
  /** As if it came out of the geneve tunnel of compute-1. */
  const fromTunnel = (from: string, tunnelId: number, frame: Buffer) =>
    placesOf(sends('compute-1', 101, frame, { tunnelId: BigInt(tunnelId), tunIpv4Src: numberOf(from) }))

  test("a frame comes to the tenant's own port, as it was sent", () => {
    expect(sends('compute-1', 11, toCache)).toEqual([{ at: 'compute-2/13', frame: toCache }])
    expect(sends('compute-1', 14, toCache)).toEqual([{ at: 'compute-2/16', frame: toCache }])
  })

  test('and back', () => {
    const answer = eth(macs.cache, macs.web, ipv4('10.0.0.13', '10.0.0.11', udp(4001, 4000)))
    expect(sends('compute-2', 16, answer)).toEqual([{ at: 'compute-1/14', frame: answer }])
  })

  test('DF-1: broadcast stays in its network, and goes to no node that has nothing of it', () => {
    expect(placesOf(sends('compute-1', 11, toAll))).toEqual(['compute-1/12', 'compute-2/13'])
    expect(placesOf(sends('compute-1', 14, toAll))).toEqual(['compute-1/15', 'compute-2/16', 'compute-3/17'])
  })

  test('DF-9: a sender does not get its own broadcast back', () => {
    expect(placesOf(sends('compute-1', 11, toAll))).not.toContain('compute-1/11')
  })

  test('an unknown MAC address goes nowhere', () => {
    expect(sends('compute-1', 11, eth(macs.web, '02:00:00:00:00:99', hello))).toEqual([])
  })

  test('nothing that came out of a tunnel goes into one', () => {
    const answerToAll = eth(macs.cache, broadcast, hello)
    expect(fromTunnel('192.0.2.2', 5002, answerToAll)).toEqual(['compute-1/14', 'compute-1/15'])
    expect(fromTunnel('192.0.2.2', 5002, eth(macs.cache, macs.far, hello))).toEqual([])
  })

  test.each([
    ['a node that has none of our networks', '192.0.2.4', 5001],
    ['outside', '198.51.100.66', 5001],
    ['the node itself', '192.0.2.1', 5001],
    ['a node, under a number that is no network', '192.0.2.2', 5003],
  ])('nothing is taken from %s', (_, from, id) => {
    expect(fromTunnel(from, id, eth(macs.cache, macs.web, hello))).toEqual([])
    expect(fromTunnel(from, id, eth(macs.cache, broadcast, hello))).toEqual([])
  })

  test('one number of two types is two networks', () => {
    const frame = eth(macs.cache, broadcast, hello)
    const under5002 = (host: string, port: number, from: string) =>
      placesOf(sends(host, port, frame, { tunnelId: 5002n, tunIpv4Src: numberOf(from) }))
    expect(under5002('compute-2', 101, '192.0.2.1')).toEqual(['compute-2/16'])
    expect(under5002('compute-2', 102, '192.0.2.1')).toEqual(['compute-2/18'])
    expect(under5002('compute-1', 102, '192.0.2.2')).toEqual([]) // no port of that one is here
  })
})

describe('not carried is', () => {
  const own = ['table=3, ', 'table=75, priority=100,reg7=0x3 ', 'tun_id=0x1389,']
  const none = (view: View, app: App = appOf()) =>
    textOf(view, app).filter((text) => own.slice(1).some((part) => text.includes(part)))
  const withRed = (more: object, second: object = {}) => {
    const { networks, ...rest } = rowsOfCloud()
    const [red, blue, back] = networks
    return viewFrom('compute-1', {
      ...rest,
      networks: [{ ...red!, ...more }, { ...blue!, ...second }, back!],
    })
  }

  test.each<[string, View]>([
    ['a VLAN', withRed({ networkType: 'vlan' })],
    ['a network without a type', withRed({ networkType: undefined })],
    ['a network whose type is a word of JavaScript', withRed({ networkType: 'constructor' })],
    ['a network without a number', withRed({ segmentationId: undefined })],
    ['the number 0', withRed({ segmentationId: 0 })],
    ['a number of 25 bits', withRed({ segmentationId: 0x100_0000 })],
    ['a type without a tunnel port', { ...viewFrom('compute-1'), tunnels: new Map() }],
  ])('%s', (_, view) => {
    expect(none(view)).toEqual([])
  })

  test('the second of two networks with one number: it would join two tenants', () => {
    const texts = textOf(withRed({ key: 9 }, { segmentationId: 5001 }))
    expect(texts.filter((text) => text.includes('metadata=0x9') || text.includes('0x9->metadata'))).toEqual(
      [],
    )
    expect(texts.filter((text) => text.includes('0x2->metadata'))).toHaveLength(1)
  })

  test.each<[string, Partial<Port>]>([
    ['that is bound to nothing', { chassis: undefined }],
    ['that is disabled', { isEnabled: false }],
    ['that is bound to this node and not plugged in', { chassis: 'compute-1' }],
    ['on a node that has no row', { chassis: 'compute-9' }],
  ])('a port %s', (_, more) => {
    const view = changed(({ key }) => (key === 3 ? more : {}))
    expect(none({ ...view, localPorts: view.localPorts.filter(({ key }) => key !== 3) })).toEqual([
      'priority=100,tun_id=0x1389,in_port=101 actions=set_field:0x1->metadata,goto_table:3',
    ])
  })
})

describe('ports that are not reached', () => {
  const chassisWith = (more: object): View => {
    const view = viewFrom('compute-1')
    return { ...view, chassis: new Map([...view.chassis, ['compute-2', chassisOf(2, more)]]) }
  }
  const withoutRow = new Map([['compute-3', chassisOf(3)]])
  const red = ({ networks }: ReturnType<typeof rowsOfCloud>) => networks[0]!

  test.each<[string, string, number, View]>([
    ['on a node that has no row', 'noChassis', 3, { ...viewFrom('compute-1'), chassis: withoutRow }],
    ['on a node without a tunnel of that type', 'noCommonType', 2, chassisWith({ tunnelTypes: ['vxlan'] })],
    ['on a node without tunnels', 'noCommonType', 3, chassisWith({ tunnelTypes: [] })],
    ['on a node with the address of this one', 'ownAddress', 3, chassisWith({ ip: localIp })],
    ['on a node with an IPv6 address only', 'otherFamily', 3, chassisWith({ ip: '2001:db8::2' })],
    ['of a type without a tunnel port', 'noTunnelPort', 4, { ...viewFrom('compute-1'), tunnels: new Map() }],
    [
      'in a network without a number',
      'noSegment',
      1,
      viewFrom('compute-1', {
        ...rowsOfCloud(),
        networks: [{ ...red(rowsOfCloud()), segmentationId: undefined }, ...rowsOfCloud().networks.slice(1)],
      }),
    ],
    [
      'in a network whose number is another one’s',
      'sharedSegment',
      2,
      viewFrom('compute-1', {
        ...rowsOfCloud(),
        networks: rowsOfCloud().networks.map((network) =>
          network.key === 2 ? { ...network, segmentationId: 5001 } : network,
        ),
      }),
    ],
  ])('%s are counted as %s', async (_, why, count, view) => {
    const { counts, lines } = await countedAt([view])
    expect(counts).toEqual([`df_tunneling_unreached_ports{reason="${why}"} ${count}`])
    expect(lines).toEqual([{ unreached: { [why]: count } }])
  })

  test('are told of once, and no longer counted when they are reached', async () => {
    const broken = chassisWith({ tunnelTypes: [] })
    const { counts, lines } = await countedAt([broken, broken, viewFrom('compute-1')])
    expect(counts).toEqual([])
    expect(lines).toHaveLength(1)
  })
})

/** What is counted and logged after these views. */
async function countedAt(views: readonly View[]) {
  const { createMetrics } = await import('../../../src/metrics.ts')
  const { tunneling } = await import('../../../src/app/tunneling/tunneling.ts')
  const { silentLogger } = await import('../../../src/log.ts')
  const metrics = createMetrics()
  const lines: unknown[] = []
  const log = { ...silentLogger, warn: (fields: unknown) => void lines.push(fields) } as typeof silentLogger
  const common = { dnsDomain: '', leaseSeconds: 86_400, localIp, tunnelTypes: ['geneve', 'vxlan'] }
  const app = tunneling.factory({}, { log, metrics, common, now: () => 0 })
  for (const view of views) [...app.flows(view)]
  const counts = (await metrics.text()).split('\n').filter((line) => line.startsWith('df_tunneling'))
  return { counts, lines }
}

describe('what a change costs', () => {
  test('DF-15: asked again, or by an application made anew, it wants the same flows', () => {
    const app = appOf()
    const view = viewFrom('compute-1')
    expect(textOf(view, app)).toEqual(textOf(view, app))
    expect(textOf(view)).toEqual(textOf(view, app))
  })

  test('DF-15: flows follow a tunnel port that comes back under another number', () => {
    const app = appOf()
    textOf(viewFrom('compute-1'), app)
    const texts = textOf({ ...viewFrom('compute-1'), tunnels: new Map([['geneve', 107]]) }, app)
    expect(texts.filter((text) => text.includes('101'))).toEqual([])
    expect(texts.filter((text) => text.includes('107'))).toHaveLength(7)
  })

  test('a port that comes touches its own flow and nothing else', () => {
    const app = appOf()
    const { networks } = rowsOfCloud()
    const before = viewFrom('compute-1')
    const port = { ...portOf(networks[0]!, 20, undefined, ['10.0.0.20']), chassis: 'compute-2' }
    const view = { ...before, ports: new Map([...before.ports, [port.id, port]]) }
    const known = new Set(app.units!(before))
    const made = [...app.units!(view)].filter((unit) => !known.has(unit))
    const texts = Array.from(flowsIn(made), formatFlow)
    expect(texts.filter((text) => !textOf(before).includes(text))).toEqual([
      'table=75, priority=100,reg7=0x14 actions=set_field:192.0.2.2->tun_dst,set_field:0x1389->tun_id,output:101',
    ])
  })

  test.each([1, 10, 100])(
    'each of %i ports more on another node is three flows, with one IPv4 address',
    (count) => {
      const { networks } = rowsOfCloud()
      const added = Array.from({ length: count }, (_, n) => ({
        ...portOf(networks[0]!, 20 + n, undefined, [`10.0.1.${n}`]),
        chassis: 'compute-2',
      }))
      const flowsOf = (view: View) =>
        appsAt(localIp).reduce((sum, app) => sum + [...app.flows(view)].length, 0)
      const more = flowsOf(changed(() => ({}), added)) - flowsOf(viewFrom('compute-1'))
      expect(more / count).toBe(3)
    },
  )

  test('a network on more nodes than a flow has room for reaches the first 1,600 by broadcast', () => {
    const { networks, ports, routers } = rowsOfCloud()
    const numbers = Array.from({ length: 1700 }, (_, n) => n)
    const spread = numbers.map((n) => ({
      ...portOf(networks[0]!, 100 + n, undefined, []),
      macs: [
        `fa:16:3e:01:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')}`,
      ],
      chassis: `node-${n}`,
    }))
    const view = viewFrom('compute-1', { networks, ports: [...ports, ...spread], routers })
    const nodes = numbers.map((n) => chassisOf(9, { id: `node-${n}`, ip: `10.9.${n >> 8}.${n & 255}` }))
    const chassis = new Map([...view.chassis, ...nodes.map((node) => [node.id, node] as const)])
    const flow = textOf({ ...view, chassis }).find((text) => text.includes(`metadata=0x1,${many}`))!
    expect(flow.match(/output:101/g)).toHaveLength(1600)
  })
})

test('networks of another kind are left to others, tunnels or not', () => {
  const vlan = networkOf('red', 1)
  const port = portOf(vlan, 1, 'web', ['10.0.0.11'])
  const view = viewFrom('compute-1', { networks: [vlan], ports: [port], routers: [] })
  expect(textOf(view)).toEqual([])
  const flows = allApps().flatMap((app) => Array.from(app.flows(view), formatFlow))
  expect(flows.filter((text) => text.startsWith('table=100,'))).toEqual([])
})
