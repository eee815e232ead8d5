import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { down, type Lab, namespaceOf, portOf, up } from '../../src/lab/lab.ts'
import { ip, runIn } from '../../src/lab/namespace.ts'
import { outputOf } from '../../src/lab/process.ts'
import { switchAt } from '../../src/lab/switch.ts'
import { labNameOf, patchWords, tracesOf } from '../support/lab.ts'

/** Two tenants with the same addresses on two nodes: the left VM of each is on the first. */
const text = `
nodes: [compute-1, compute-2]
networks:
  red-net: { tenant: red, type: geneve, segmentation_id: 5001, subnets: [{ cidr: 10.0.0.0/24, gateway: 10.0.0.1 }] }
  blue-net: { tenant: blue, type: geneve, segmentation_id: 5002, subnets: [{ cidr: 10.0.0.0/24, gateway: 10.0.0.1 }] }
ports:
  red-left: { network: red-net, ips: [10.0.0.11] }
  red-right: { network: red-net, node: compute-2, ips: [10.0.0.12] }
  blue-left: { network: blue-net, ips: [10.0.0.11] }
  blue-right: { network: blue-net, node: compute-2, ips: [10.0.0.12] }
outside:
  subnets: [198.51.100.0/24]
  external_host_ips: { compute-1: [198.51.100.21], compute-2: [198.51.100.22] }
  servers: { resolver: { addresses: [198.51.100.53], records: { ext.example.net: [192.0.2.80] } } }
`

const name = labNameOf('links')
const folder = mkdtempSync(join(tmpdir(), 'df-links-'))
let lab: Lab

beforeAll(async () => {
  const file = join(folder, 'lab.yaml')
  writeFileSync(file, text)
  lab = await up({ name, file, controller: undefined, diesWithParent: true, report: () => {} })
  for (const node of lab.plan.nodes) {
    const options = ['options:remote_ip=flow', 'options:key=flow', `options:local_ip=${node.ip}`]
    const tools = switchAt(node.switchDirectory)
    await tools.vsctl('add-port', 'br-int', 'tun', '--', 'set', 'interface', 'tun', 'type=geneve', ...options)
  }
})

afterAll(async () => {
  await down(name)
  rmSync(folder, { recursive: true })
  expect(tracesOf(name)).toEqual([])
})

const flow = (node: number, line: string) =>
  switchAt(lab.plan.nodes[node]!.switchDirectory).ofctl('add-flow', 'br-int', line)

const vm = (key: string) => portOf(lab.plan, key).port

const pings = async (from: string, to: string, ...args: string[]) => {
  const command = ['netns', 'exec', namespaceOf(lab.plan, from), 'ping', '-c', '3', '-i', '0.2', '-W', '0.5']
  return (await outputOf('ip', [...command, ...args, to])).stdout
}

test('a tunnel carries whole packets between VMs on two nodes, each VNI its own', async () => {
  const [there, back] = [lab.plan.nodes[1]!.ip, lab.plan.nodes[0]!.ip]
  for (const [vni, left, right] of [
    [5001, vm('red-left'), vm('red-right')],
    [5002, vm('blue-left'), vm('blue-right')],
  ] as const) {
    const into = (ip: string) => `set_field:${ip}->tun_dst,set_field:${vni}->tun_id,output:tun`
    await flow(0, `in_port=${left.ofport},actions=${into(there)}`)
    await flow(1, `in_port=${right.ofport},actions=${into(back)}`)
    await flow(0, `in_port=tun,tun_id=${vni},actions=output:${left.ofport}`)
    await flow(1, `in_port=tun,tun_id=${vni},actions=output:${right.ofport}`)
  }
  // 1422 bytes and 28 of headers are the network's MTU.
  for (const tenant of ['red', 'blue'])
    expect(await pings(`${tenant}-left`, '10.0.0.12', '-M', 'do', '-s', '1422')).toMatch(/ [123] received/)
  await flow(1, 'in_port=tun,tun_id=5002,actions=drop')
  expect(await pings('red-left', '10.0.0.12')).toMatch(/ [123] received/)
  expect(await pings('blue-left', '10.0.0.12')).toContain(' 0 received')
})

test('a node is a router between the world and its external bridge, for its external address alone', async () => {
  const [node] = lab.plan.nodes
  const { mac, ofport, namespace } = vm('red-left')
  const tools = switchAt(node!.switchDirectory)
  await tools.vsctl(...patchWords('br-int', 'to-ext', 'to-int'))
  await tools.vsctl(...patchWords('br-ext', 'to-int', 'to-ext'))
  const kernel = (await tools.vsctl('get', 'interface', 'br-ext', 'mac_in_use')).trim().replaceAll('"', '')
  const own = '00:00:00:00:00:99'
  await flow(
    0,
    `priority=40000,ip,in_port=${ofport},nw_dst=198.51.100.0/24,actions=set_field:198.51.100.21->ip_src,set_field:${own}->eth_src,set_field:${kernel}->eth_dst,output:to-ext`,
  )
  await flow(
    0,
    `in_port=to-ext,ip,nw_dst=198.51.100.21,actions=set_field:10.0.0.11->ip_dst,set_field:${mac}->eth_dst,output:${ofport}`,
  )
  await flow(
    0,
    `in_port=to-ext,arp,arp_op=1,arp_tpa=198.51.100.21,actions=move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],set_field:${own}->eth_src,set_field:2->arp_op,move:NXM_NX_ARP_SHA[]->NXM_NX_ARP_THA[],set_field:${own}->arp_sha,move:NXM_OF_ARP_SPA[]->NXM_OF_ARP_TPA[],set_field:198.51.100.21->arp_spa,in_port`,
  )
  await runIn(namespace, 'ip', ['neighbour', 'replace', '10.0.0.1', 'lladdr', own, 'dev', 'eth0'])
  expect(await pings('red-left', '198.51.100.53')).toMatch(/ [123] received/)
  // What comes in by the external bridge reaches neither the node itself nor the underlay.
  await flow(
    0,
    `priority=40000,ip,in_port=${ofport},nw_dst=192.0.2.0/24,actions=set_field:198.51.100.21->ip_src,set_field:${kernel}->eth_dst,output:to-ext`,
  )
  for (const node of ['192.0.2.1', '192.0.2.2'])
    expect(await pings('red-left', node)).toContain(' 0 received')
  // The world finds the address at this node, not at the other one.
  const [, link] = /link\/ether (\S+)/.exec(await ip(node!.namespace, ['link show outside']))!
  const seen = await ip(namespaceOf(lab.plan, 'resolver'), ['neighbour show 198.51.100.21'])
  expect(seen).toContain(link!)
})
