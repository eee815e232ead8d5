/**
 * The life of ports on two nodes between which there are only tunnels: two tenants with the same addresses, MAC addresses
 * and names. Whatever becomes of red's ports, blue's neither notice nor hear of it.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runIn } from '../../src/lab/namespace.ts'
import type { PortPlan } from '../../src/lab/plan.ts'
import { plug, unplug } from '../../src/lab/port.ts'
import { run, waitUntil } from '../../src/lab/process.ts'
import { switchAt } from '../../src/lab/switch.ts'
import { addRow, type JsonObject, updateRow } from '../../src/nb/index.ts'
import { buildMs } from '../support/build.ts'
import { sendFrames, startCapture } from '../support/capture.ts'
import { broadcast, eth, ipv4, udp } from '../support/frames.ts'
import { labNameOf, tracesOf } from '../support/lab.ts'
import { type Pinged, startPing } from '../support/ping.ts'
import { TunnelLab, tenants } from '../support/tunnel-lab.ts'

const name = labNameOf('life')
let cloud: TunnelLab

beforeAll(async () => {
  cloud = await TunnelLab.start(name)
}, buildMs)
afterAll(async () => {
  await cloud?.stop()
  expect(tracesOf(name)).toEqual([])
})

const keyOf = async ({ id }: PortPlan) =>
  (JSON.parse((await cloud.store.get('lport', id))!) as { unique_key: number }).unique_key
const updatePort = ({ id }: PortPlan, changes: JsonObject) => updateRow(cloud.store, 'lport', id, changes)

describe('a VM on one node and a port that is bound to another', () => {
  test.each(tenants)('%s resolves its own by name, and reaches it by that name', async (tenant) => {
    const [web, db] = [cloud.port(`${tenant}-web`), cloud.port(`${tenant}-db`)]
    const others = tenants
      .filter((other) => other !== tenant)
      .flatMap((other) => [`${other}-web`, `${other}-db`])
    const filter = { direction: 'inout', filter: 'icmp' } as const
    const captures = await Promise.all(
      [`${tenant}-db`, ...others].map((key) => startCapture(cloud.port(key).namespace, 'eth0', filter)),
    )
    expect(await cloud.resolve(web, `db.${tenant}.example.org`)).toBe('NOERROR 10.0.0.12')
    expect(await cloud.resolve(db, `web.${tenant}.example.org`)).toBe('NOERROR 10.0.0.11')
    // Of the size that the network's MTU just takes, not to be fragmented: 1450 less the headers of IP and ICMP.
    const ping = ['ping', '-c1', '-W2', '-M', 'do', '-s', '1422', 'db']
    const output = await run('ip', ['netns', 'exec', web.namespace, ...ping]) // with the VM's resolv.conf
    expect(output).toContain(`1430 bytes from db.${tenant}.example.org (10.0.0.12)`)
    await waitUntil('the ping to be captured', () => captures[0]!.frames().length >= 2)
    const seen = await Promise.all(captures.map((capture) => capture.stop()))
    expect(seen.map((frames) => frames.length)).toEqual([2, 0, 0])
  })

  test("the other tenant's names are not found", async () => {
    expect(await cloud.resolve(cloud.port('red-web'), 'db.blue.example.org')).toBeUndefined()
  })

  test('DF-1: broadcast comes to the ports of its network alone', async () => {
    const filter = { direction: 'in', filter: 'udp dst port 4001' } as const
    const keys = tenants.flatMap((tenant) => [`${tenant}-web`, `${tenant}-db`])
    const captures = await Promise.all(
      keys.map((key) => startCapture(cloud.port(key).namespace, 'eth0', filter)),
    )
    const sent = tenants.map((tenant) =>
      eth('fa:16:3e:00:00:11', broadcast, ipv4('10.0.0.11', '255.255.255.255', udp(4000, 4001, tenant))),
    )
    for (const [index, tenant] of tenants.entries())
      await sendFrames(cloud.port(`${tenant}-web`).namespace, [sent[index]!])
    await waitUntil('the last broadcast', () => captures[3]!.frames().length > 0)
    const seen = await Promise.all(captures.map((capture) => capture.stop()))
    expect(seen).toEqual([[], [sent[0]], [], [sent[1]]])
  })
})

test('what comes into a tunnel from an address that is no node is dropped', async () => {
  const { namespace, underlay } = cloud.node(1)
  const [{ address: mac }] = JSON.parse(await runIn(namespace, 'ip', ['-j', 'link', 'show', 'br-phy']))
  const inner = eth('fa:16:3e:00:00:12', 'fa:16:3e:00:00:11', ipv4('10.0.0.12', '10.0.0.11', udp(4000, 4001)))
  const from = (ip: string) => eth('02:00:00:00:00:66', mac, ipv4(ip, '192.0.2.1', geneve(5001, inner)))
  const filter = { direction: 'in', filter: 'udp dst port 4001' } as const
  const captures = await Promise.all(
    ['red-web', 'blue-web'].map((key) => startCapture(cloud.port(key).namespace, 'eth0', filter)),
  )
  const outside = ['192.0.2.66', '192.0.2.1', '198.51.100.66'].map(from)
  // The last one bears the address of the other node: it shows that the others would have been understood.
  await sendFrames(underlay!.namespace, [...outside, from('192.0.2.2')], 'segment')
  await waitUntil('the last packet', () => captures[0]!.frames().length > 0)
  expect(await Promise.all(captures.map((capture) => capture.stop()))).toEqual([[inner], []])
})

test("a node's row in chassis is as configured, and comes back when it is gone", async () => {
  const row = () => cloud.store.get('chassis', 'compute-2').then((text) => text && JSON.parse(text))
  const wanted = { id: 'compute-2', ip: '192.0.2.2', tunnel_types: ['geneve', 'vxlan'] }
  expect(await row()).toMatchObject(wanted)
  await cloud.store.delete('chassis', 'compute-2')
  await follows('the row of the node', async () => (await row()) !== undefined)
  expect(await row()).toEqual(wanted)
  await follows('the flows to it', async () => await cloud.reaches(cloud.port('red-web'), '10.0.0.12'))
})

test('DF-15: after the switch has come back twice, changes go on to be followed', async () => {
  const { switchDirectory } = cloud.node(1)
  const [web, db] = [cloud.port('red-web'), cloud.port('red-db')]
  const before = await cloud.flows(1, 'table=75')
  for (let time = 0; time < 2; time += 1) await switchAt(switchDirectory).appctl('bridge/reconnect', 'br-int')
  await updatePort(db, { macs: ['fa:16:3e:00:00:99'] })
  await follows('the other address', async () => (await macIn(1)) && (await macIn(2)))
  await updatePort(db, { macs: [db.mac] })
  await follows('the old one', async () => !((await macIn(1)) || (await macIn(2))))
  expect(await cloud.flows(1, 'table=75')).toEqual(before)
  expect(await cloud.reaches(web, '10.0.0.12')).toBe(true)
})

test('a tunnel port that somebody deletes comes back, with its flows', async () => {
  const vsctl = switchAt(cloud.node(1).switchDirectory).vsctl
  await vsctl('del-port', 'br-int', 'geneve-vtp')
  await follows('a reply', () => cloud.reaches(cloud.port('red-web'), '10.0.0.12'))
  expect(await vsctl('get', 'interface', 'geneve-vtp', 'options')).toContain('local_ip="192.0.2.1"')
})

describe("while blue's go on", () => {
  const pinged: Pinged[] = []
  let before: Map<string, number>[]
  let endPing: () => Promise<Pinged>
  const startBlue = async () => {
    endPing = await startPing(cloud.port('blue-web').namespace, '10.0.0.12')
  }
  beforeAll(async () => {
    await startBlue()
    before = await Promise.all([1, 2].map(blueFlows))
  })
  /** Adds a port to a switch or deletes one while blue is silent: that may lose a packet in a tunnel without any controller. */
  async function whileSilent<T>(change: () => Promise<T>): Promise<T> {
    pinged.push(await endPing())
    const made = await change()
    await startBlue()
    return made
  }

  test('DF-14: a port that is plugged in before its row exists', async () => {
    const db = cloud.port('red-db')
    const id = 'a1b2c3d4-0000-4000-8000-000000000013'
    const late = await whileSilent(() =>
      cloud.twin(db, 2, {
        id,
        key: 'red-late',
        namespace: `${db.namespace}-late`,
        device: `tap${id.slice(0, 11)}`,
        ofport: 40,
        mac: 'fa:16:3e:00:00:13',
        addresses: [{ ...db.addresses[0]!, ip: '10.0.0.13', cidr: '10.0.0.13/24' }],
      }),
    )
    const web = cloud.port('red-web')
    expect(await cloud.resolve(web, 'late.red.example.org')).toBeUndefined()
    expect(await cloud.flows(2, 'table=0,in_port=40')).toEqual([])
    const stored = JSON.parse((await cloud.store.get('lport', db.id))!) as JsonObject
    await addRow(cloud.store, 'lport', {
      ...stored,
      ...{ id, unique_key: 113, name: 'late', ips: ['10.0.0.13'], macs: [late.mac] },
    })
    await addRow(cloud.store, 'dnsname', { lport: id, dns_name: 'late' })
    await follows(
      'the flows of the late port',
      async () => (await isLocal(2, 113)) && (await leadsTo(1, 113, 2)),
    )
    await follows('its name', async () => (await cloud.resolve(web, 'late.red.example.org')) !== undefined)
    expect(await cloud.resolve(web, 'late.red.example.org')).toBe('NOERROR 10.0.0.13')
    expect(await cloud.reaches(web, '10.0.0.13')).toBe(true)
  })

  test('a port that moves to another node and back, as its row says and not where it is plugged in', async () => {
    const db = cloud.port('red-db')
    const twin = await whileSilent(() => cloud.twin(db, 1, { ofport: 41 }))
    const [web, key] = [cloud.port('red-web'), await keyOf(db)]
    expect(await cloud.flows(1, 'table=0,in_port=41')).toEqual([])
    const filter = { direction: 'in', filter: 'icmp' } as const
    const captures = await Promise.all(
      [db, twin].map(({ namespace }) => startCapture(namespace, 'eth0', filter)),
    )
    /** How many pings came to each, when the last one has come to one of them. */
    const received = async (total: number) => {
      const counts = () => captures.map((capture) => capture.frames().length)
      await waitUntil('the ping to be captured', () => counts().reduce((sum, count) => sum + count) >= total)
      return counts()
    }
    await updatePort(db, { binding: { type: 'chassis', chassis: 'compute-1' } })
    await follows(
      'the flows of the moved port',
      async () => (await isLocal(1, key)) && (await leadsTo(2, key, 1)),
    )
    expect(await cloud.reaches(web, '10.0.0.12')).toBe(true)
    expect(await received(1)).toEqual([0, 1])
    await updatePort(db, { binding: { type: 'chassis', chassis: 'compute-2' } })
    await follows('and back', async () => (await isLocal(2, key)) && (await leadsTo(1, key, 2)))
    expect(await cloud.reaches(web, '10.0.0.12')).toBe(true)
    expect(await received(2)).toEqual([1, 1])
    expect(await cloud.resolve(web, 'db.red.example.org')).toBe('NOERROR 10.0.0.12')
    for (const capture of captures) await capture.stop()
  })

  test('DF-20: a port that is bound to nothing, or to a VTEP', async () => {
    const db = cloud.port('red-db')
    const key = await keyOf(db)
    await updatePort(db, { binding: { type: 'vtep', vtep_address: '192.0.2.200' } })
    await follows(
      'the flows to the VTEP',
      async () => (await leadsTo(2, key, 200)) && (await leadsTo(1, key, 200)),
    )
    for (const binding of [{ type: 'vtep' }, null]) {
      await updatePort(db, { binding })
      await follows('no flows', async () => (await isNowhere(1, key)) && (await isNowhere(2, key)))
    }
    await updatePort(db, { binding: { type: 'chassis', chassis: 'compute-2' } })
    await follows('the flows again', async () => (await isLocal(2, key)) && (await leadsTo(1, key, 2)))
    expect(await cloud.reaches(cloud.port('red-web'), '10.0.0.12')).toBe(true)
  })

  test('a port that is disabled and enabled; its name stays', async () => {
    const [web, db] = [cloud.port('red-web'), cloud.port('red-db')]
    const key = await keyOf(db)
    await updatePort(db, { enabled: false })
    await follows('no flows', async () => (await isNowhere(1, key)) && (await isNowhere(2, key)))
    expect(await cloud.reaches(web, '10.0.0.12')).toBe(false)
    expect(await cloud.resolve(web, 'db.red.example.org')).toBe('NOERROR 10.0.0.12')
    await updatePort(db, { enabled: true })
    await follows('its flows', async () => (await isLocal(2, key)) && (await leadsTo(1, key, 2)))
    expect(await cloud.reaches(web, '10.0.0.12')).toBe(true)
  })

  test('a port that is plugged in again under another number', async () => {
    const [web, db] = [cloud.port('red-web'), cloud.port('red-db')]
    await whileSilent(() => unplug(db, cloud.node(2)))
    await follows('no flows', async () => !(await isLocal(2, await keyOf(db))))
    await whileSilent(() => plug({ ...db, ofport: 77 }, cloud.node(2)))
    await follows('its flows', async () => (await cloud.flows(2, 'table=0,in_port=77')).length === 1)
    expect(await cloud.flows(2, `table=0,in_port=${db.ofport}`)).toEqual([])
    await follows('a reply', () => cloud.reaches(web, '10.0.0.12'))
    expect(await cloud.resolve(db, 'web.red.example.org')).toBe('NOERROR 10.0.0.11')
  })

  test('a port that is deleted, and made again with another key', async () => {
    const [web, db] = [cloud.port('red-web'), cloud.port('red-db')]
    const [row, dns] = await Promise.all(['lport', 'dnsname'].map((table) => cloud.store.get(table, db.id)))
    const key = await keyOf(db)
    await cloud.store.delete('dnsname', db.id)
    await cloud.store.delete('lport', db.id)
    await follows('no flows', async () => (await isNowhere(1, key)) && (await isNowhere(2, key)))
    expect(await cloud.resolve(web, 'db.red.example.org')).toBeUndefined()
    await cloud.store.put('lport', db.id, JSON.stringify({ ...JSON.parse(row!), unique_key: key + 1000 }))
    await cloud.store.put('dnsname', db.id, dns!)
    await follows(
      'its flows',
      async () => (await isLocal(2, key + 1000)) && (await leadsTo(1, key + 1000, 2)),
    )
    await follows('its name', async () => (await cloud.resolve(web, 'db.red.example.org')) !== undefined)
    expect(await cloud.reaches(web, '10.0.0.12')).toBe(true)
    expect((await isNowhere(1, key)) && (await isNowhere(2, key))).toBe(true)
  })

  test('not one packet of blue is lost', async () => {
    pinged.push(await endPing())
    const [sent, lost] = [sum(pinged.map((ping) => ping.sent)), sum(pinged.map((ping) => ping.lost))]
    console.log(`blue: ${lost} of ${sent} lost`)
    expect({ lost, hasSent: sent > 100 }).toEqual({ lost: 0, hasSent: true })
  })

  test('not one flow of blue was made again', async () => {
    const after = await Promise.all([1, 2].map(blueFlows))
    for (const [index, flows] of before.entries()) {
      expect(flows.size).toBeGreaterThan(10)
      expect([...after[index]!.keys()].toSorted()).toEqual([...flows.keys()].toSorted())
      for (const [flow, seconds] of flows) expect(after[index]!.get(flow), flow).toBeGreaterThan(seconds)
    }
  })
})

/** A frame in a geneve tunnel (RFC 8926 §3): no options, Ethernet inside. UDP over IPv4 may go without a checksum. */
const geneve = (id: number, frame: Buffer) => ({
  protocol: 17,
  bytesFor: () => {
    const header = Buffer.alloc(16)
    header.writeUInt16BE(40_000, 0)
    header.writeUInt16BE(6081, 2)
    header.writeUInt16BE(16 + frame.length, 4)
    header.writeUInt16BE(0x6558, 10)
    header.writeUIntBE(id, 12, 3)
    return Buffer.concat([header, frame])
  },
})
const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)

/** The flows of a node that name blue's network or a port of blue's, and for how many seconds each has been there. */
async function blueFlows(node: number): Promise<Map<string, number>> {
  const [web, db] = [cloud.port('blue-web'), cloud.port('blue-db')]
  const network = JSON.parse((await cloud.store.get('lswitch', web.networkId))!) as { unique_key: number }
  const hex = (key: number) => `0x${key.toString(16)}`
  const ports = await Promise.all([web, db].map(keyOf))
  const isBlue = new RegExp(`\\b(metadata=${hex(network.unique_key)}|reg7=(${ports.map(hex).join('|')}))\\b`)
  const dump = await switchAt(cloud.node(node).switchDirectory).ofctl('--no-names', 'dump-flows', 'br-int')
  const lines = dump.split('\n').filter((line) => isBlue.test(line))
  const read = lines.map(
    (line) => /(cookie=\S+), duration=([\d.]+)s, (table=\d+),.* (priority=.*)$/.exec(line)!,
  )
  return new Map(
    read.map(([, cookie, seconds, table, flow]) => [`${table} ${flow} ${cookie}`, Number(seconds)]),
  )
}
const macIn = async (node: number) =>
  (await cloud.flows(node, 'table=55')).some((flow) => flow.includes('fa:16:3e:00:00:99'))
const isLocal = async (node: number, key: number) =>
  (await cloud.flows(node, `table=115,reg7=${key}`)).length === 1
const leadsTo = async (node: number, key: number, address: number) => {
  const flows = await cloud.flows(node, `table=75,reg7=${key}`)
  return flows.length === 1 && flows[0]!.includes(`set_field:192.0.2.${address}->tun_dst`)
}
const isNowhere = async (node: number, key: number) =>
  !(await isLocal(node, key)) && (await cloud.flows(node, `table=75,reg7=${key}`)).length === 0

/** Waits for what follows from a change, and says how long it took. */
async function follows(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const began = performance.now()
  await waitUntil(what, isSo, { timeoutMs: 20_000 })
  console.log(`${what}: ${Math.round(performance.now() - began)} ms`)
}
