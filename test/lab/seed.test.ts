import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { LabFile } from '../../src/lab/lab-file.ts'
import { type Plan, planOf } from '../../src/lab/plan.ts'
import { parseLabFile, readLabFile } from '../../src/lab/schema.ts'
import { seed } from '../../src/lab/seed.ts'
import { northboundOf, openNbDriver, type RawRow } from '../../src/nb/index.ts'
import { dragonflowRows } from '../support/nb.ts'
import { tunnelledText } from '../support/tunnelled-lab.ts'

/** The plan of a lab and the rows that it is seeded with. */
async function seeded(lab: LabFile): Promise<{ plan: Plan; rows: readonly RawRow[] }> {
  const directory = mkdtempSync(join(tmpdir(), 'df-seed-'))
  const plan = planOf(lab, { name: 'default', directory })
  const config = { nb_db_class: 'file_nb_db_driver', nb_path: join(directory, 'nb') }
  const store = await openNbDriver(config, { createMissing: true })
  await seed(plan, store)
  const rows = await store.list()
  await store.close()
  rmSync(directory, { recursive: true })
  return { plan, rows }
}

test('the rows of the example are what the northbound room reads, none rejected, keys in order of the file', async () => {
  const { plan, rows } = await seeded(readLabFile('examples/two-tenants.yaml'))
  const { rejected, ...tables } = northboundOf(rows)
  expect(rejected).toEqual([])
  expect(
    Object.fromEntries(
      Object.entries(tables).map(([table, rows]) => [table, (rows as Map<string, unknown>).size]),
    ),
  ).toMatchObject({ chassis: 1, lswitch: 2, lsubnet: 4, domainname: 4, lport: 5, dnsname: 5 })
  expect([...tables.lport.values()].map(({ name, unique_key }) => [name, unique_key]).sort()).toEqual([
    ['blue-db', 5],
    ['blue-web', 4],
    ['red-db', 2],
    ['red-dns', 3],
    ['red-web', 1],
  ])
  const [red, blue] = ['red-web', 'blue-web'].map((key) => plan.ports.find((port) => port.key === key)!)
  expect(tables.lport.get(red!.id)).toMatchObject({
    topic: red!.topic,
    ips: ['10.0.0.11', 'fd00:a::11'],
    binding: { type: 'chassis', chassis: 'compute-1' },
  })
  const written = rows.find(({ table, id }) => table === 'lport' && id === red!.id)
  expect(JSON.parse(written!.value)).toMatchObject({ enabled: true, port_security_enabled: true })
  expect(tables.dnsname.get(blue!.id)).toMatchObject({ topic: blue!.topic, dns_name: 'web' })
  expect([...tables.lswitch.values()].map(({ segmentation_id }) => segmentation_id).sort()).toEqual([
    101, 102,
  ])
})

describe('the rows of a lab with tunnels', async () => {
  const { plan, rows } = await seeded(parseLabFile(tunnelledText, 'lab.yaml'))
  const { rejected, chassis, lswitch, lsubnet, lport, lrouter, secgroup } = northboundOf(rows)
  const [red, blue] = ['red-web', 'blue-web'].map((key) => plan.ports.find((port) => port.key === key)!)

  test('are what the northbound room reads', () => {
    expect(rejected).toEqual([])
    expect(chassis.get('compute-2')).toMatchObject({
      ip: '192.0.2.2',
      tunnel_types: ['geneve', 'vxlan'],
      external_host_ip: '198.51.100.22',
    })
    expect([...lswitch.values()].map(({ network_type, mtu }) => [network_type, mtu]).sort()).toEqual([
      ['geneve', 1450],
      ['geneve', 1450],
      ['vxlan', 1450],
    ])
    expect([...lsubnet.values()].find(({ cidr }) => cidr === '10.0.1.0/24')).toMatchObject({
      enable_dhcp: true,
      dhcp_ip: '10.0.1.3',
    })
    expect(lport.get(red!.id)).toMatchObject({
      security_groups: [plan.groups[0]!.id],
      dhcp_params: { opts: { '66': 'boot.example.org', '67': 'pxelinux.0' }, siaddr: '10.0.0.250' },
    })
  })

  test('give a router and its ports the same ids and keys, and bind these nowhere', () => {
    const [router] = [...lrouter.values()]
    expect(router).toMatchObject({
      unique_key: 1,
      routes: [{ destination: '10.9.0.0/16', nexthop: '10.0.1.9' }],
    })
    expect(router!.ports).toHaveLength(3)
    for (const { id, unique_key, mac, network, lswitch } of router!.ports)
      expect(lport.get(id)).toMatchObject({
        unique_key,
        macs: [mac],
        ips: [network!.split('/')[0]],
        lswitch,
        device_owner: 'network:router_interface',
        device_id: router!.id,
      })
    for (const { id } of router!.ports) expect(lport.get(id)).not.toHaveProperty('binding')
  })

  test('keep the tenants apart', () => {
    const dhcp = [...lport.values()].filter(({ device_owner }) => device_owner === 'network:dhcp')
    expect(dhcp.map(({ topic, ips }) => [topic, ips])).toEqual(
      expect.arrayContaining([
        [red!.topic, ['10.0.0.3']],
        [blue!.topic, ['10.0.0.7']],
      ]),
    )
    for (const group of secgroup.values())
      for (const rule of group.rules)
        expect(rule).toMatchObject({ topic: group.topic, security_group_id: group.id })
  })

  test.each(['chassis', 'lswitch', 'lsubnet', 'lport', 'lrouter', 'secgroup'])(
    'have only fields that Dragonflow wrote into %s rows',
    (table) => {
      const theirs = fieldsOf(dragonflowRows(), table)
      const unrecorded = ['external_host_ip', 'physical_network', 'destination', 'nexthop']
      const known = new Set([...theirs, ...unrecorded])
      expect(fieldsOf(rows, table).filter((field) => !known.has(field))).toEqual([])
    },
  )
})

/** The names of the fields of a table's rows, also of those within. */
function fieldsOf(rows: readonly RawRow[], table: string): string[] {
  const values = rows.filter((row) => row.table === table).map(({ value }) => JSON.parse(value) as object)
  return [...new Set(values.flatMap(namesIn))]
}

function namesIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(namesIn)
  if (value === null || typeof value !== 'object') return []
  return Object.entries(value).flatMap(([name, inner]) => [name, ...namesIn(inner)])
}
