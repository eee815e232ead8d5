import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { planOf } from '../../src/lab/plan.ts'
import { readLabFile } from '../../src/lab/schema.ts'
import { seed } from '../../src/lab/seed.ts'
import { northboundOf, openNbDriver } from '../../src/nb/index.ts'

test('the rows of the example are what the northbound room reads, none rejected, keys in order of the file', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'df-seed-'))
  const plan = planOf(readLabFile('examples/two-tenants.yaml'), { name: 'default', directory })
  const config = { nb_db_class: 'file_nb_db_driver', nb_path: join(directory, 'nb') }
  const store = await openNbDriver(config, { createMissing: true })
  await seed(plan, store)
  const { rejected, ...tables } = northboundOf(await store.list())
  await store.close()
  rmSync(directory, { recursive: true })

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
    port_security_enabled: true,
  })
  expect(tables.dnsname.get(blue!.id)).toMatchObject({ topic: blue!.topic, dns_name: 'web' })
  expect([...tables.lswitch.values()].map(({ segmentation_id }) => segmentation_id).sort()).toEqual([
    101, 102,
  ])
})
