import { describe, expect, test } from 'vitest'
import { namespacesOf, type Plan, planOf } from '../../src/lab/plan.ts'
import { parseLabFile, readLabFile } from '../../src/lab/schema.ts'
import { tunnelledText } from '../support/tunnelled-lab.ts'

const lab = readLabFile('examples/two-tenants.yaml')
const planned = (name = 'default'): Plan => planOf(lab, { name, directory: `/run/df-lab/${name}` })

describe('a plan', () => {
  test('is the same each time, also after its way through the state file', () => {
    expect(planned()).toEqual(planned())
    expect(JSON.parse(JSON.stringify(planned()))).toEqual(planned())
  })

  test('names the namespaces after the keys, and after the lab unless it is the default one', () => {
    expect(namespacesOf(planned())).toEqual(
      expect.arrayContaining(['df-compute-1', 'df-red-web', 'df-blue-web', 'df-red-gateway', 'df-outside']),
    )
    expect(namespacesOf(planned('demo'))).toContain('df-demo-red-web')
  })

  test('keeps two tenants with the same addresses and names apart', () => {
    const { networks, ports } = planned()
    const [red, blue] = ['red-web', 'blue-web'].map((key) => ports.find((port) => port.key === key)!)
    expect(red!.addresses.map(({ ip }) => ip)).toEqual(blue!.addresses.map(({ ip }) => ip))
    expect(red!.dnsName).toBe(blue!.dnsName)
    for (const field of ['id', 'topic', 'networkId', 'namespace', 'device', 'ofport'] as const)
      expect(red![field]).not.toBe(blue![field])
    expect(new Set(networks.flatMap(({ subnets }) => subnets.map(({ id }) => id))).size).toBe(4)
  })

  test('gives a port what its VM needs', () => {
    const [port] = planned().ports
    expect(port).toMatchObject({
      addresses: [{ cidr: '10.0.0.11/24' }, { cidr: 'fd00:a::11/64' }],
      gateways: ['10.0.0.1', 'fd00:a::1'],
      nameservers: ['198.51.100.53', '2001:db8::53'],
      searchDomains: ['red.example.org'],
      mac: 'fa:16:3e:00:00:11',
    })
  })

  test('makes up a MAC for a port without one', () => {
    const port = { ...lab.ports['red-web']!, mac: undefined }
    const [planned] = planOf(
      { ...lab, ports: { 'red-web': port } },
      { name: 'default', directory: '/x' },
    ).ports
    expect(planned!.mac).toMatch(/^fa:16:3e(:[0-9a-f]{2}){3}$/)
  })

  test('puts a gateway behind the VLAN of its network', () => {
    expect(planned().gateways).toMatchObject([
      { key: 'red-gateway', tag: 101, bridge: 'br-ex', insideAddresses: ['10.0.0.1/24', 'fd00:a::1/64'] },
      {
        key: 'blue-gateway',
        tag: 102,
        bridge: 'br-ex',
        outsideAddresses: ['198.51.100.12/24', '2001:db8::12/64'],
      },
    ])
  })

  test('keeps every device name within 15 characters, and every socket path within 107', () => {
    const { ports, gateways } = planned()
    for (const { device } of [...ports, ...gateways]) expect(device.length).toBeLessThanOrEqual(15)
    const long = { name: 'n'.repeat(20), directory: `/run/df-lab/${'n'.repeat(20)}` }
    const text = `
nodes: [${'k'.repeat(30)}]
networks: { net: { tenant: red, type: flat, physical_network: physnet1, subnets: [{ cidr: 10.0.0.0/24 }] } }
ports: {}`
    const { switchDirectory, runDir } = planOf(parseLabFile(text, 'long'), long).nodes[0]!
    expect(`${switchDirectory}/ovsdb-server.ctl`.length).toBeLessThanOrEqual(107)
    expect(`${runDir}/control.sock`.length).toBeLessThanOrEqual(107)
  })

  test("derives the controllers' options and adds those of the file", () => {
    const options = { df_dns_app: { df_dns_ttl: 60 }, df: { apps_list: 'l2' } }
    const { config } = planOf({ ...lab, options }, { name: 'default', directory: '/run/df-lab/default' })
      .nodes[0]!
    expect(config).toMatchObject({
      DEFAULT: { host: 'compute-1', run_dir: '/run/df-lab/default/compute-1/run' },
      df: { nb_path: '/run/df-lab/default/nb', integration_bridge: 'br-int', apps_list: 'l2' },
      df_openflow: { listen: 'unix:/run/df-lab/default/compute-1/ovs/br-int.controller' },
      df_provider_networks: { bridge_mappings: 'physnet1:br-ex' },
      df_dns_app: { df_dns_ttl: '60' },
    })
  })
})

describe('a plan with tunnels', () => {
  const plan = planOf(parseLabFile(tunnelledText, 'lab.yaml'), {
    name: 'default',
    directory: '/run/df-lab/x',
  })

  test('gives each node an end of the underlay, and says so in its df.conf', () => {
    expect(plan.nodes.map(({ ip, underlay }) => [ip, underlay?.address, underlay?.namespace])).toEqual([
      ['192.0.2.1', '192.0.2.1/24', 'df-underlay'],
      ['192.0.2.2', '192.0.2.2/24', 'df-underlay'],
    ])
    expect(plan.nodes[1]!.config).toMatchObject({
      df: { local_ip: '192.0.2.2', tunnel_types: 'geneve,vxlan', external_host_ip: '198.51.100.22' },
      df_snat_app: { external_network_bridge: 'br-ext', external_host_ip6: '2001:db8::22' },
      df_provider_networks: { bridge_mappings: '' },
    })
    expect(namespacesOf(plan).filter((name) => name === 'df-underlay')).toHaveLength(1)
    expect(planned().nodes[0]).toMatchObject({ underlay: undefined, external: undefined })
  })

  test("gives a router a port for each of its addresses, of its tenant's networks alone", () => {
    const [router] = plan.routers
    expect(router!.ports.map(({ addresses }) => addresses.map(({ cidr }) => cidr))).toEqual([
      ['10.0.0.1/24'],
      ['fd00:a::1/64'],
      ['10.0.1.1/24'],
    ])
    const red = plan.networks[0]!.topic
    expect(new Set(router!.ports.map(({ topic }) => topic))).toEqual(new Set([red]))
    expect(new Set(router!.ports.flatMap(({ id, mac }) => [id, mac])).size).toBe(6)
  })

  test('gives a DHCP port the address that the subnet names, or the first that is free', () => {
    const ips = plan.dhcpPorts.map(({ addresses }) => addresses.map(({ ip }) => ip))
    expect(ips).toEqual([['10.0.0.3'], ['10.0.0.7']])
    expect(plan.dhcpPorts[0]!.topic).not.toBe(plan.dhcpPorts[1]!.topic)
  })

  test('keeps the devices of nodes apart', () => {
    const devices = plan.nodes.map(({ underlay }) => underlay!.device)
    expect(new Set(devices).size).toBe(2)
    for (const device of devices) expect(device.length).toBeLessThanOrEqual(15)
  })
})
