/**
 * The controller is away while VMs with a caching resolver (unbound) ask for names of their own cloud: the world's NXDOMAIN
 * stays in their caches after the controller is back. How long depends on the SOA that comes with it, hence the stub zone
 * that docs/operations.md recommends; it is read from there.
 */

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { namespaceOf } from '../../src/lab/lab.ts'
import { ip, runIn } from '../../src/lab/namespace.ts'
import { type ProcessRef, startDaemon, stopProcess, waitUntil } from '../../src/lab/process.ts'
import { buildMs } from '../support/build.ts'
import { now, type Question, Truth } from '../support/load.ts'
import { lastWithout, milliseconds, Site } from '../support/site.ts'

vi.setConfig({ testTimeout: 240_000 })

/** Two servers of the world: one has the recommended zone, the other an ordinary zone above the cloud's names. */
const world = { stub: '198.51.100.54', plain: '198.51.100.55' }
/** The VM's resolvers that ask them. */
const inVm = { stub: '127.0.0.1', plain: '127.0.0.2' }

const plainZone = `local-zone: "example.org." static
local-data: "example.org. 3600 SOA ns.example.org. hostmaster.example.org. 1 3600 1200 604800 3600"`

let site: Site
const daemons: ProcessRef[] = []

beforeAll(async () => {
  site = await Site.start('rel-r')
  await ip(
    namespaceOf(site.plan, 'resolver'),
    Object.values(world).map((address) => `address add ${address}/24 dev eth0`),
  )
  const stubZones = ['red', 'blue'].map((tenant) =>
    recommendedZone.replaceAll('cloud.example.org', `${tenant}.example.org`),
  )
  await startUnbound('resolver', world.stub, stubZones.join('\n'))
  await startUnbound('resolver', world.plain, plainZone)
  for (const vm of ['red-web', 'blue-web'])
    for (const kind of ['stub', 'plain'] as const)
      await startUnbound(vm, inVm[kind], '', `forward-zone:\n name: "."\n forward-addr: ${world[kind]}\n`)
}, buildMs)

afterAll(async () => {
  for (const daemon of daemons) await stopProcess(daemon)
  await site?.close()
})

/** What docs/operations.md tells to put into unbound. */
const recommendedZone = /```\n(local-zone: "cloud\.example\.org\."[^`]*)```/.exec(
  readFileSync('docs/operations.md', 'utf8'),
)![1]!

async function startUnbound(key: string, address: string, lines: string, zones = ''): Promise<void> {
  const file = join(site.node.directory, `unbound-${key}-${address}`)
  const config = [
    `server:\n interface: ${address}\n access-control: 0.0.0.0/0 allow`,
    ' do-daemonize: no\n use-syslog: no\n logfile: ""\n chroot: ""\n username: ""\n verbosity: 1',
    ` pidfile: "${file}.pid"\n directory: "${site.node.directory}"\n${lines}`,
    `remote-control:\n control-enable: no\n${zones}`,
  ]
  writeFileSync(`${file}.conf`, `${config.join('\n')}\n`)
  const logFile = `${file}.log`
  const namespace = namespaceOf(site.plan, key)
  const started = await startDaemon('unbound', ['-d', '-c', `${file}.conf`], {
    logFile,
    namespace,
    diesWithParent: true,
  })
  daemons.push(started)
  const isUp = () => readFileSync(logFile, 'utf8').includes('start of service')
  await waitUntil('unbound', isUp, { alive: [{ name: 'unbound', process: started, logFile }] })
}

test('a caching resolver in a VM', async () => {
  const truth = new Truth()
  const tenants = ['red', 'blue']
  const ask = (server: string) => (tenant: string) =>
    runIn(namespaceOf(site.plan, `${tenant}-web`), 'dig', [`@${server}`, `db.${tenant}.example.org`])
  const [askStub, askPlain] = [ask(inVm.stub), ask(inVm.plain)]
  const questions = tenants.flatMap((tenant) =>
    Object.values(inVm).map((server): Question => {
      const question = { asker: `${tenant}-web`, server, name: `db.${tenant}.example.org`, type: 'A' }
      truth.set(question, '10.0.0.12')
      return { ...question, kind: 'local' }
    }),
  )
  const { pid } = site.signal('controller', 'SIGKILL')
  await sleep(1000)
  const load = await site.startLoad(truth, questions)
  const startedAt = now()
  await site.startController()
  const isBack = async () =>
    (await Promise.all(tenants.map(askStub))).every((text) => text.includes('10.0.0.12'))
  await waitUntil('the answers of both resolvers', isBack, { timeoutMs: site.bound(12_000) })
  await sleep(500)
  const left = await Promise.all(tenants.map(askPlain))
  const outcomes = await site.stopLoad(load)
  const [withZone, without] = [inVm.stub, inVm.plain].map((address) =>
    outcomes.filter(({ server }) => server === address),
  )
  const backMs = lastWithout('right', withZone!) - startedAt
  const seconds = left.map((text) => /^\S+\s+(\d+)\s+IN\s+SOA/m.exec(text)?.[1])
  site.tell(
    'kill -9 of the controller, caching resolvers with the stub zone',
    [pid],
    withZone!,
    `right ${milliseconds(backMs)} after the start`,
  )
  site.tell(
    'the same without it, SOA minimum 3600',
    [pid],
    without!,
    `NXDOMAIN for another ${seconds.join(' and ')} s`,
  )
  expect(outcomes.filter(({ verdict }) => verdict === 'wrong' || verdict === 'lost')).toEqual([])
  expect(withZone!.some(({ verdict }) => verdict === 'forwarded')).toBe(true)
  expect(backMs).toBeLessThan(site.bound(10_000))
})
