/**
 * From the real neutron-server to a VM's answer: the real RabbitMQ, the feed as a process, the lab's switch and controller.
 * Projects red and blue have the same addresses and the same names.
 */

import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { down, type Lab, labPlan, namespaceOf, plugPort, up } from '../../src/lab/lab.ts'
import { northboundOf as storeOf } from '../../src/lab/plan.ts'
import { outputOf, type ProcessRef, startDaemon, stopProcess, waitUntil } from '../../src/lab/process.ts'
import { northboundOf, openNbDriver } from '../../src/nb/index.ts'
import { buildMs, builtSource } from '../support/build.ts'
import { freePort } from '../support/etcd.ts'
import { type Fault, HttpProxy } from '../support/http-proxy.ts'
import { labNameOf, tracesOf } from '../support/lab.ts'
import { type Rabbit, startRabbit } from '../support/rabbitmq.ts'
import { type Project, projectId, RealNeutron, type Resource } from '../support/real-neutron.ts'

const tenants = ['red', 'blue'] as const
const outside = '198.51.100.53'
/** 2,000 in the nightly run. */
const portCount = Number(process.env.DF_NEUTRON_PORTS ?? 200)
const name = labNameOf('neutron')

let folder: string
let rabbit: Rabbit
let neutron: RealNeutron
let proxy: HttpProxy
let lab: Lab
let feed: Feed
const networks = new Map<Project, Resource>()
const subnets = new Map<Project, Resource>()
/** The VM of each project that asks. */
const askers = new Map<Project, Resource>()

/** The feed as a process. */
interface Feed {
  readonly process: ProcessRef
  metric(line: string): Promise<number>
  ready(): Promise<boolean>
}

async function startFeed(options: Readonly<Record<string, string | number>>): Promise<Feed> {
  const port = await freePort()
  const file = join(folder, `df-${port}.conf`)
  const store = Object.entries(storeOf(lab.plan))
    .map(([key, value]) => `${key} = ${value}\n`)
    .join('')
  const given = {
    auth_type: 'none',
    endpoint_override: proxy.url,
    timeout: 2,
    metrics_listen: `127.0.0.1:${port}`,
    ...options,
  }
  writeFileSync(
    file,
    `[df]\n${store}[df_neutron_sync]\n${Object.entries(given)
      .map(([key, value]) => `${key} = ${value}\n`)
      .join('')}`,
  )
  const logFile = join(folder, `feed-${port}.log`)
  const script = join(builtSource(), 'cli/df-neutron-sync.js')
  const process = await startDaemon('node', [script, '--config-file', file], {
    logFile,
    diesWithParent: true,
  })
  const page = (path: string) =>
    fetch(`http://127.0.0.1:${port}${path}`).then(
      (answer) => answer.text(),
      () => '',
    )
  const started: Feed = {
    process,
    metric: async (line) =>
      Number(
        new RegExp(`^${line.replace(/[{}]/g, '\\$&')} (\\S+)$`, 'm').exec(await page('/metrics'))?.[1] ?? 0,
      ),
    ready: async () => (await page('/readyz')) === 'ready\n',
  }
  await waitUntil('the feed to have read everything', started.ready, {
    alive: [{ name: 'the feed', process, logFile }],
    timeoutMs: 30_000,
  })
  return started
}

beforeAll(async () => {
  builtSource()
  folder = mkdtempSync(join(tmpdir(), 'df-neutron-test-'))
  const file = join(folder, 'lab.yaml')
  // The whole cloud comes from Neutron.
  writeFileSync(file, 'nodes: [compute-1]\nnetworks: {}\nports: {}\n')
  const controller = join(builtSource(), 'main.js')
  const [broker, made] = await Promise.all([
    startRabbit(),
    up({ name, file, controller, diesWithParent: true, report: () => {} }),
  ])
  ;[rabbit, lab] = [broker, made]
  neutron = await RealNeutron.start({ dnsDomain: 'cloud.example.', transportUrl: rabbit.transportUrl })
  process.stdout.write(`neutron-server ${neutron.version}, pid ${neutron.pid}\n`)
  await neutron.announceHost('compute-1')
  proxy = await HttpProxy.start(neutron.url, 4_000)
  for (const tenant of tenants) await makeNetwork(tenant)
  feed = await startFeed({ transport_url: rabbit.transportUrl, interval: 3600 })
  for (const tenant of tenants) {
    const asker = await vm(tenant, 'asker', '10.0.0.10')
    askers.set(tenant, asker)
    await waitUntil(
      'the asker to be in the store',
      async () => (await rows()).lport.get(asker.id)?.binding !== undefined,
    )
    await plugPort(name, asker.id)
    await waitUntil('the asker to be answered', async () => (await ask(tenant, 'asker')).length > 0)
  }
}, buildMs + 120_000)

afterAll(async () => {
  if (feed) await stopProcess(feed.process)
  await proxy?.stop()
  await neutron?.remove()
  await rabbit?.remove()
  await down(name)
  rmSync(folder, { recursive: true })
  expect(tracesOf(name)).toEqual([])
}, 60_000)

async function makeNetwork(tenant: Project): Promise<void> {
  const network = await neutron.create(tenant, 'network', { name: `${tenant}-net` })
  const subnet = await neutron.create(tenant, 'subnet', {
    network_id: network.id,
    ip_version: 4,
    cidr: '10.0.0.0/24',
    // Those that Neutron chooses, at random; the tests ask for others.
    allocation_pools: [{ start: '10.0.0.100', end: '10.0.0.200' }],
  })
  const router = await neutron.create(tenant, 'router', { name: `${tenant}-router` })
  const interfacePort = await neutron.addInterface(tenant, router.id, subnet.id)
  // As an L3 agent does; its address is then answered for, although nobody routes here.
  await neutron.update('admin', 'port', interfacePort, { 'binding:host_id': 'network-1' })
  networks.set(tenant, network)
  subnets.set(tenant, subnet)
}

/** A port of the project, bound as Nova binds it. */
function vm(tenant: Project, dns_name: string, ip: string): Promise<Resource> {
  return neutron.create('admin', 'port', {
    tenant_id: projectId[tenant],
    network_id: networks.get(tenant)!.id,
    dns_name,
    fixed_ips: [{ subnet_id: subnets.get(tenant)!.id, ip_address: ip }],
    'binding:host_id': 'compute-1',
    device_owner: 'compute:nova',
    device_id: dns_name,
  })
}

/** The addresses that a project's VM is answered; none if the query goes outside, where nobody is. */
async function ask(tenant: Project, label: string): Promise<string[]> {
  const words = ['dig', '+tries=1', '+time=1', '+short', `@${outside}`, `${label}.cloud.example`]
  const namespace = namespaceOf(labPlan(name), askers.get(tenant)!.id)
  const { stdout, exitCode } = await outputOf('ip', ['netns', 'exec', namespace, ...words])
  return exitCode === 0 ? stdout.trim().split('\n').sort() : []
}

async function rows() {
  const driver = await openNbDriver(storeOf(lab.plan))
  try {
    return northboundOf(await driver.list())
  } finally {
    await driver.close()
  }
}

/** Everything in the store, told apart from everything else. */
async function stored(): Promise<string> {
  const driver = await openNbDriver(storeOf(lab.plan))
  try {
    return createHash('sha256')
      .update(JSON.stringify(await driver.list()))
      .digest('hex')
  } finally {
    await driver.close()
  }
}

/** Waits for an answer, and says how long after this call it was there. */
async function answered(tenant: Project, label: string, addresses: readonly string[]): Promise<number> {
  const beganMs = performance.now()
  await waitUntil(
    `${tenant}'s ${label} to be ${addresses.join(' ') || 'nobody'}`,
    async () => (await ask(tenant, label)).join() === addresses.join(),
    { timeoutMs: 30_000 },
  )
  return performance.now() - beganMs
}

const procFile = (of: Feed, file: string) => readFileSync(`/proc/${of.process.pid}/${file}`, 'utf8')

/** User and system time so far: proc(5), `stat`, in ticks of 10 ms. */
function cpuTimeMs(of: Feed): number {
  const fields = procFile(of, 'stat').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

const fullReads = (of: Feed) => of.metric('df_neutron_sync_reads_total{kind="round",result="ok"}')

describe.each(tenants)('%s, with notifications', (tenant) => {
  const other = tenant === 'red' ? 'blue' : 'red'
  const address = tenant === 'red' ? '10.0.0.21' : '10.0.0.22'
  let web: Resource

  test('a port is answered, renamed, moved and gone, long before the next full read', async () => {
    const reads = await fullReads(feed)
    web = await vm(tenant, 'web', address)
    const tookMs = [await answered(tenant, 'web', [address])]
    await neutron.update(tenant, 'port', web.id, { dns_name: 'www' })
    tookMs.push(await answered(tenant, 'www', [address]))
    expect(await ask(tenant, 'web')).toEqual([])
    const fixed_ips = [{ subnet_id: subnets.get(tenant)!.id, ip_address: '10.0.0.31' }]
    await neutron.update(tenant, 'port', web.id, { fixed_ips })
    tookMs.push(await answered(tenant, 'www', ['10.0.0.31']))
    expect(await ask(other, 'www')).toEqual([])
    await neutron.delete(tenant, 'port', web.id)
    tookMs.push(await answered(tenant, 'www', []))
    expect(await fullReads(feed)).toBe(reads)
    process.stdout.write(
      `${tenant}: made, renamed, moved, gone after ${tookMs.map(Math.round).join(', ')} ms\n`,
    )
  })

  test('a network of its own comes, changes and goes with the port that Neutron keeps in it', async () => {
    const network = await neutron.create(tenant, 'network', { name: 'short-lived' })
    const subnet = await neutron.create(tenant, 'subnet', {
      network_id: network.id,
      ip_version: 4,
      cidr: '10.9.0.0/24',
    })
    const dhcp = await neutron.create('admin', 'port', {
      ...{
        network_id: network.id,
        device_owner: 'network:dhcp',
        device_id: 'dhcp',
        tenant_id: projectId[tenant],
      },
    })
    await waitUntil('its rows', async () => (await rows()).lport.has(dhcp.id))
    await neutron.update(tenant, 'network', network.id, { name: 'changed' })
    await waitUntil('its new name', async () => (await rows()).lswitch.get(network.id)?.name === 'changed')
    await neutron.delete(tenant, 'network', network.id)
    await waitUntil('its rows to go', async () => {
      const { lswitch, lsubnet, lport } = await rows()
      return !lswitch.has(network.id) && !lsubnet.has(subnet.id) && !lport.has(dhcp.id)
    })
  })
})

test('40 ports from 8 clients at once are named right, each once', async () => {
  const names = Array.from({ length: 40 }, (_, n) => `vm-${n}`)
  const left = [...names]
  const made = new Map<string, Resource>()
  const client = async (tenant: Project) => {
    for (let next = left.pop(); next !== undefined; next = left.pop())
      made.set(
        next,
        await neutron.create(tenant, 'port', { network_id: networks.get(tenant)!.id, dns_name: next }),
      )
  }
  await Promise.all(Array.from({ length: 8 }, (_, n) => client(tenants[n % 2]!)))
  const ids = new Set([...made.values()].map(({ id }) => id))
  const found = async () => [...(await rows()).dnsname.values()].filter(({ id }) => ids.has(id))
  await waitUntil('all names', async () => (await found()).length === 40, { timeoutMs: 30_000 })
  for (const [label, { id, project_id }] of made)
    expect((await found()).filter(({ dns_name }) => dns_name === label)).toMatchObject([
      { lport: id, topic: project_id },
    ])
  expect((await rows()).rejected).toEqual([])
}, 60_000)

describe('without notifications', () => {
  beforeAll(async () => {
    await stopProcess(feed.process)
    feed = await startFeed({ interval: 1 })
  }, 60_000)

  const failures = () => feed.metric('df_neutron_sync_reads_total{kind="round",result="failed"}')

  test('nothing is written while nothing changes', async () => {
    const [before, reads] = [await stored(), await fullReads(feed)]
    await waitUntil('two more full reads', async () => (await fullReads(feed)) >= reads + 2, {
      timeoutMs: 30_000,
    })
    expect(await stored()).toBe(before)
    expect(await feed.metric('df_neutron_sync_rows_total{table="lport",change="written"}')).toBe(0)
  })

  test.each(tenants)(
    '%s: what is made is answered after the next full read, what is deleted no more',
    async (tenant) => {
      const port = await vm(tenant, 'polled', '10.0.0.41')
      const reads = await fullReads(feed)
      await waitUntil('the next full reads', async () => (await fullReads(feed)) >= reads + 2, {
        timeoutMs: 30_000,
      })
      await answered(tenant, 'polled', ['10.0.0.41'])
      await neutron.delete(tenant, 'port', port.id)
      await answered(tenant, 'polled', [])
    },
  )

  const spoilt = async (start: () => Promise<void>, end: () => Promise<void>) => {
    const before = await stored()
    await start()
    const failed = await failures()
    await waitUntil('a read to fail', async () => (await failures()) > failed, { timeoutMs: 30_000 })
    expect(await feed.ready()).toBe(false)
    for (const tenant of tenants) expect(await ask(tenant, 'asker')).toEqual(['10.0.0.10'])
    expect(await stored()).toBe(before)
    await end()
    await waitUntil('a read to succeed', feed.ready, { timeoutMs: 30_000 })
    expect(await stored()).toBe(before)
  }

  test.each<Fault>(['500', 'cut', 'half', 'slow'])(
    'answers that are %s: nothing is lost',
    async (fault) => {
      await spoilt(
        async () => {
          proxy.fault = fault
        },
        async () => {
          proxy.fault = 'none'
        },
      )
      expect(proxy.spoilt).toBeGreaterThan(0)
    },
    60_000,
  )

  test(`${portCount} ports that are there at once: every name, each once, and then nothing to write`, async () => {
    const label = 'many-template'
    const template = await vm('red', label, '10.0.0.50')
    await neutron.multiply(template.id, portCount, 'many')
    const wanted = new Set(Array.from({ length: portCount }, (_, n) => `many-${n}`))
    const found = async () =>
      [...(await rows()).dnsname.values()].map(({ dns_name }) => dns_name).filter((one) => wanted.has(one))
    await waitUntil('all names', async () => (await found()).length >= portCount, { timeoutMs: 120_000 })
    expect(new Set(await found())).toEqual(wanted)
    expect(await found()).toHaveLength(portCount)
    const [before, reads, spentMs] = [await stored(), await fullReads(feed), cpuTimeMs(feed)]
    await waitUntil('three more full reads', async () => (await fullReads(feed)) >= reads + 3, {
      timeoutMs: 60_000,
    })
    const perReadMs = (cpuTimeMs(feed) - spentMs) / ((await fullReads(feed)) - reads)
    expect(await stored()).toBe(before)
    const peakSize = Number(/VmHWM:\s+(\d+) kB/.exec(procFile(feed, 'status'))![1])
    const ownMs = await neutron.ownTimeMs()
    process.stdout.write(
      `${portCount} ports: a full read that finds nothing new takes ${Math.round(perReadMs)} ms of the feed's CPU beside ${Math.round(ownMs)} ms of the server; the feed had ${Math.round(peakSize / 1024)} MB at most\n`,
    )
    expect(peakSize).toBeLessThan(150 * 1024)
    await neutron.delete('admin', 'port', template.id)
    await waitUntil('its row to go', async () => !(await rows()).lport.has(template.id), {
      timeoutMs: 30_000,
    })
  }, 240_000)

  test('a server that is stopped and started again: nothing is lost, and it goes on', async () => {
    await spoilt(
      () => neutron.stop(),
      () => neutron.start(),
    )
    const port = await vm('blue', 'after', '10.0.0.42')
    await answered('blue', 'after', ['10.0.0.42'])
    await neutron.delete('blue', 'port', port.id)
    await answered('blue', 'after', [])
  }, 90_000)
})
