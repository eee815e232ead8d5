/** The lab with etcd: the same rows and the same answers as with files (real OVS, etcd, dig). */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { interview } from '../../src/lab/interview.ts'
import { down, type Lab, namespaceOf, up } from '../../src/lab/lab.ts'
import { runIn } from '../../src/lab/namespace.ts'
import { northboundOf } from '../../src/lab/plan.ts'
import { questions } from '../../src/lab/questions.ts'
import { seed } from '../../src/lab/seed.ts'
import { labStatus } from '../../src/lab/status.ts'
import { openNbDriver, type RawRow } from '../../src/nb/index.ts'
import { builtSource } from '../support/build.ts'
import { twoTenantsFile as file, labNameOf, tracesOf } from '../support/lab.ts'

const name = labNameOf('etcd')
const controller = join(builtSource(), 'main.js')
let lab: Lab

beforeAll(async () => {
  lab = await up({ name, file, controller, nb: 'etcd', diesWithParent: true, report: () => {} })
}, 120_000)
afterAll(async () => {
  await down(name)
  expect(tracesOf(name)).toEqual([])
})

const etcdctl = (...args: string[]) => runIn(namespaceOf(lab.plan, 'etcd'), 'etcdctl', args)

/** The rows that a lab with files has. */
async function rowsInFiles(): Promise<RawRow[]> {
  const nb_path = await mkdtemp(join(tmpdir(), 'df-lab-nb-'))
  const driver = await openNbDriver({ nb_db_class: 'file_nb_db_driver', nb_path })
  try {
    await seed(lab.plan, driver)
    return await driver.list()
  } finally {
    await driver.close()
    await rm(nb_path, { recursive: true })
  }
}

test('etcd holds the rows that files would, under the keys of Dragonflow', async () => {
  const rows = (await rowsInFiles()).flatMap(({ table, id, value }) => [`/${table}/${id}`, value])
  expect(await etcdctl('get', '--prefix', '/')).toBe(`${rows.join('\n')}\n`)
})

test('etcd is a part of the lab, and the controller is ready', async () => {
  const { controllers, processes } = await labStatus(name)
  expect(controllers).toMatchObject([{ node: 'compute-1', isReady: true }])
  expect(processes.find((process) => process.name === 'etcd')).toMatchObject({ isRunning: true })
})

test("a tenant's own names are answered, and nobody else's", async () => {
  const findings = await interview(lab.plan, questions)
  expect(
    findings.flatMap(({ question, faults }) => faults.map((fault) => `${question.ask}: ${fault}`)),
  ).toEqual([])
}, 60_000)

test('a row that is changed with etcdctl is followed', async () => {
  const store = await openNbDriver(northboundOf(lab.plan))
  const { id, topic, namespace } = lab.plan.ports.find(({ key }) => key === 'red-web')!
  const row = { id, topic, lport: id, dns_name: 'fresh', version: 2 }
  await etcdctl('put', `/dnsname/${id}`, JSON.stringify(row))
  expect(JSON.parse((await store.get('dnsname', id))!)).toEqual(row)
  await store.close()
  const ask = () => runIn(namespace, 'dig', ['+short', '+tries=3', '+time=1', 'fresh.red.example.org', 'A'])
  let answer = ''
  for (let tries = 0; tries < 50 && !answer.includes('10.0.0.11'); tries += 1) answer = await ask()
  expect(answer).toContain('10.0.0.11')
})
