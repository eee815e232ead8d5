/** The controller's hold on a real switch: what it puts in, keeps there, and leaves behind when it ends or dies. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Status } from '../../src/controller/status.ts'
import { createNamespace, deleteNamespace } from '../../src/lab/namespace.ts'
import {
  isRunning,
  type ProcessRef,
  signalProcess,
  startDaemon,
  stopProcess,
  waitUntil,
} from '../../src/lab/process.ts'
import { type Switch, startSwitch } from '../../src/lab/switch.ts'
import { type NbDriver, openNbDriver } from '../../src/nb/index.ts'
import { builtSource } from '../support/build.ts'
import { untimedFlows } from '../support/lab.ts'

const namespace = `dft-${process.pid}-ctl`
const directory = mkdtempSync(join(tmpdir(), 'df-ctl-'))
const logFile = join(directory, 'controller.log')
const tenants = { red: '0000000000000000000000000000000a', blue: '0000000000000000000000000000000b' }
/** A query of red's web server to a resolver outside. */
const query =
  'in_port=11,udp,dl_src=fa:16:3e:00:00:01,dl_dst=fa:16:3e:00:00:fe,nw_src=10.0.0.11,nw_dst=198.51.100.53,udp_src=40000,udp_dst=53'

let ovs: Switch
let store: NbDriver
let controller: ProcessRef
let config: string

beforeAll(async () => {
  await createNamespace(namespace)
  ovs = await startSwitch({ directory: join(directory, 'ovs'), namespace, bridge: 'br-int' })
  await ovs.vsctl('add-br', 'br-ex', '--', 'set', 'bridge', 'br-ex', 'datapath_type=netdev')
  await plug('red-web', 11)
  await plug('blue-web', 12)
  mkdirSync(join(directory, 'nb'))
  store = await openNbDriver({ nb_db_class: 'file_nb_db_driver', nb_path: join(directory, 'nb') })
  await addTenant('red', 1)
  await addTenant('blue', 2)
  config = join(directory, 'df.conf')
  writeFileSync(
    config,
    `[DEFAULT]
host = compute-1
run_dir = ${join(directory, 'run')}
[df]
nb_path = ${join(directory, 'nb')}
ovsdb_connection = unix:${ovs.dbSocket}
metrics_listen = 127.0.0.1:0
[df_openflow]
listen = unix:${join(ovs.rundir, 'br-int.controller')}
[df_provider_networks]
bridge_mappings = physnet1:br-ex
`,
  )
})

afterAll(async () => {
  await store?.close()
  await ovs?.stop()
  await deleteNamespace(namespace)
  rmSync(directory, { recursive: true, force: true })
})

beforeEach(() => start())
afterEach(() => stopProcess(controller))

async function plug(id: string, ofport: number): Promise<void> {
  const interfaceOf = ['set', 'interface', id, 'type=internal', `external_ids:iface-id=${id}`]
  await ovs.vsctl('add-port', 'br-int', id, '--', ...interfaceOf, `ofport_request=${ofport}`)
}

const put = (table: string, id: string, row: object) => store.put(table, id, JSON.stringify({ id, ...row }))

async function addTenant(name: keyof typeof tenants, key: number): Promise<void> {
  const topic = tenants[name]
  const [network, subnet] = [`net-${name}`, `subnet-${name}`]
  const vlan = { network_type: 'vlan', physical_network: 'physnet1', segmentation_id: 100 + key }
  await put('lswitch', network, { topic, unique_key: key, version: 1, ...vlan })
  await put('lsubnet', subnet, {
    topic,
    lswitch: network,
    cidr: '10.0.0.0/24',
    gateway_ip: '10.0.0.1',
    version: 1,
  })
  await put('domainname', subnet, { topic, subnet, domain_name: `${name}.example.org`, version: 1 })
  await addPort(name, 'web', key)
}

async function addPort(tenant: keyof typeof tenants, dnsName: string, key: number): Promise<void> {
  const topic = tenants[tenant]
  const id = `${tenant}-${dnsName}`
  await put('lport', id, {
    topic,
    unique_key: key,
    version: 1,
    lswitch: `net-${tenant}`,
    ips: [dnsName === 'web' ? '10.0.0.11' : '10.0.0.12'],
    subnets: [`subnet-${tenant}`],
    macs: [`fa:16:3e:00:00:0${key}`],
    enabled: true,
    port_security_enabled: true,
    binding: { type: 'chassis', chassis: 'compute-1' },
    device_owner: 'compute:nova',
  })
  await put('dnsname', id, { topic, lport: id, dns_name: dnsName, version: 1 })
}

async function start(): Promise<void> {
  controller = await startDaemon(
    process.execPath,
    [join(builtSource(), 'main.js'), '--config-file', config],
    {
      logFile,
      diesWithParent: true,
    },
  )
  await waitUntil('the controller to be ready', async () => (await status())?.ready === true, {
    alive: [{ name: 'the controller', process: controller, logFile }],
  })
}

/** What the controller says of itself; undefined while it does not answer. */
function status(): Promise<Status | undefined> {
  return new Promise((resolve) => {
    const socket = connect(join(directory, 'run', 'control.sock'), () =>
      socket.write('{"method":"status"}\n'),
    )
    let text = ''
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      if (text.endsWith('\n')) socket.end()
    })
    socket.on('error', () => resolve(undefined))
    socket.on('close', () => resolve(text === '' ? undefined : (JSON.parse(text) as Status)))
  })
}

const dump = async () => untimedFlows(await ovs.ofctl('dump-flows', 'br-int'))
const timedRows = async () =>
  (await ovs.ofctl('dump-flows', 'br-int')).split('\n').filter((line) => line.includes('hard_timeout='))
const logged = (text: string) => readFileSync(logFile, 'utf8').includes(text)

/** Whether a query would be sent up to the controller now. */
const isPunted = async () => (await ovs.appctl('ofproto/trace', 'br-int', query)).includes('controller(')

/** What a flow monitor of the switch sees while something is done: events of untimed rows, and of timed ones. */
async function monitored(act: () => Promise<void>): Promise<{ untimed: string[]; timed: string[] }> {
  const file = join(directory, 'events')
  rmSync(file, { force: true })
  const monitor = await startDaemon(
    'ovs-ofctl',
    ['-O', 'OpenFlow13', 'monitor', 'br-int', 'watch:!initial'],
    {
      logFile: file,
      diesWithParent: true,
      env: { OVS_RUNDIR: ovs.rundir },
    },
  )
  try {
    await waitUntil('a renewal of the lease to be seen', () => readFileSync(file, 'utf8').includes('event='))
    await act()
    await sleep(500)
  } finally {
    await stopProcess(monitor)
  }
  const events = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.includes('event='))
  const isTimed = (line: string) => /hard_timeout=[1-9]/.test(line)
  return { untimed: events.filter((line) => !isTimed(line)), timed: events.filter(isTimed) }
}

describe('a controller that started', () => {
  test('is ready with the flows of both tenants, which have the same addresses', async () => {
    const now = await status()
    expect(now).toMatchObject({ ready: true, reasons: [], localPorts: 2, rejectedRows: 0 })
    expect(now?.flows.failed).toEqual([])
    expect(now?.flows.installed).toBe(now?.flows.desired)
    const flows = await dump()
    expect(flows).toHaveLength(now!.flows.desired)
    for (const ofport of [11, 12])
      expect(flows.some((flow) => flow.includes(`in_port=${ofport} `) || flow.includes(`in_port="`))).toBe(
        true,
      )
    expect((await timedRows()).length).toBeGreaterThan(0)
    expect(await isPunted()).toBe(true)
  })

  test('has made the bridge its own', async () => {
    const [row] = JSON.parse(await ovs.vsctl('--format=json', 'list', 'controller')).data as unknown[][]
    expect(JSON.stringify(row)).toContain(`unix:${join(ovs.rundir, 'br-int.controller')}`)
    expect((await ovs.vsctl('get-fail-mode', 'br-int')).trim()).toBe('secure')
    expect((await ovs.vsctl('list-ports', 'br-ex')).trim()).not.toBe('')
  })

  test('keeps within the memory that it is allowed', async () => {
    expect((await status())!.memory.rss).toBeLessThan(120 << 20)
  })

  test('does not let a second one in', async () => {
    const second = await startDaemon(
      process.execPath,
      [join(builtSource(), 'main.js'), '--config-file', config],
      {
        logFile: join(directory, 'second.log'),
        diesWithParent: true,
      },
    )
    await waitUntil('the second one to end', () => !isRunning(second))
    expect(readFileSync(join(directory, 'second.log'), 'utf8')).toMatch(
      /^df-local-controller: .*control\.sock is in use/m,
    )
    expect((await status())?.ready).toBe(true)
  })
})

describe('what others do to its tables', () => {
  test('a foreign flow is removed, a missing and a changed one put back', async () => {
    const before = await dump()
    const victim = before.find((flow) => flow.startsWith('table=55'))!
    const [match] = victim.split(' actions=')
    await ovs.ofctl('add-flow', 'br-int', 'table=5,priority=7,actions=NORMAL')
    await ovs.ofctl('--strict', 'del-flows', 'br-int', match!.replace(/ send_flow_rem/, ''))
    await ovs.ofctl('mod-flows', 'br-int', 'table=115,actions=drop')
    expect(await dump()).not.toEqual(before)
    await waitUntil('the flows to be as before', async () => same(await dump(), before), {
      timeoutMs: 15_000,
    })
    expect(logged('somebody else changed our flows')).toBe(true)
  })

  test('everything is put back after somebody deleted everything', async () => {
    const before = await dump()
    await ovs.ofctl('del-flows', 'br-int')
    await ovs.ofctl('del-groups', 'br-int')
    await waitUntil('the flows to be as before', async () => same(await dump(), before), {
      timeoutMs: 15_000,
    })
    await waitUntil('queries to be punted again', isPunted, { timeoutMs: 15_000 })
  })

  test('a flow in a table of somebody else is left alone', async () => {
    await ovs.ofctl('add-flow', 'br-int', 'table=210,priority=7,actions=drop')
    await sleep(2500)
    expect((await dump()).filter((flow) => flow.startsWith('table=210'))).toHaveLength(1)
    await ovs.ofctl('del-flows', 'br-int', 'table=210')
  })

  test('another controller in its place is put away', async () => {
    await ovs.vsctl('set-controller', 'br-int', 'tcp:127.0.0.1:6653')
    await waitUntil('the controller to be back', async () => (await status())?.ready === true && isPunted())
    expect(await ovs.vsctl('get-controller', 'br-int')).toContain('br-int.controller')
  })

  test('a bridge that was deleted and made again is taken again', async () => {
    const before = await dump()
    await ovs.vsctl('del-br', 'br-int')
    await waitUntil('it to notice', async () => (await status())?.ready === false)
    expect((await status())?.reasons.join()).toContain('there is no bridge br-int')
    await ovs.vsctl('add-br', 'br-int', '--', 'set', 'bridge', 'br-int', 'datapath_type=netdev')
    await plug('red-web', 11)
    await plug('blue-web', 12)
    await waitUntil('it to be ready', async () => (await status())?.ready === true)
    await expect
      .poll(async () => withoutUplink(await dump()), { timeout: 10_000, interval: 50 })
      .toEqual(withoutUplink(before))
  })
})

describe('ports and rows come and go in either order:', () => {
  afterEach(async () => {
    for (const [table, id] of [
      ['dnsname', 'red-db'],
      ['lport', 'red-db'],
    ] as const)
      await store.delete(table, id)
    await ovs.vsctl('--if-exists', 'del-port', 'br-int', 'red-db')
  })
  const isThere = async () => (await status())?.localPorts === 3
  const isGone = async () => (await status())?.localPorts === 2

  test.each([
    ['the port first', [() => plug('red-db', 13), () => addPort('red', 'db', 3)]],
    ['the row first', [() => addPort('red', 'db', 3), () => plug('red-db', 13)]],
  ])('%s', async (_name, steps) => {
    const before = await dump()
    for (const step of steps) {
      expect(await isGone()).toBe(true)
      await step()
      await sleep(300)
    }
    await waitUntil('the port to be local', isThere)
    await waitUntil('more flows', async () => (await dump()).length > before.length)
    await store.delete('lport', 'red-db')
    await waitUntil('the port to be gone', isGone)
    await waitUntil('the flows to be as before', async () => same(await dump(), before))
  })

  test('a row that does not count is counted', async () => {
    await put('lport', 'red-db', { topic: tenants.red, lswitch: 'net-red' })
    await waitUntil('the row to be rejected', async () => (await status())?.rejectedRows === 1)
    expect((await status())?.ready).toBe(true)
  })
})

describe('a controller that dies', () => {
  test('leaves a switch that forwards: at once by the group, and later without the leased rows', async () => {
    const before = await dump()
    expect(await isPunted()).toBe(true)
    signalProcess(controller, 'SIGKILL')
    await waitUntil('queries to pass', async () => !(await isPunted()), { timeoutMs: 3500 })
    expect((await timedRows()).length).toBeGreaterThan(0)
    await waitUntil('the leased rows to end', async () => (await timedRows()).length === 0, {
      timeoutMs: 6000,
    })
    expect(await dump()).toEqual(before)
  })

  test('or hangs loses the lease within its four seconds, and gets it again when it goes on', async () => {
    expect(await isPunted()).toBe(true)
    signalProcess(controller, 'SIGSTOP')
    try {
      await waitUntil('queries to pass', async () => !(await isPunted()), { timeoutMs: 5000 })
    } finally {
      signalProcess(controller, 'SIGCONT')
    }
    await waitUntil('queries to be punted again', isPunted)
  })
})

test('a second start changes no untimed flow', async () => {
  const before = await dump()
  const seen = await monitored(async () => {
    signalProcess(controller, 'SIGKILL')
    await waitUntil('the first one to end', () => !isRunning(controller))
    await start()
  })
  expect(seen.untimed).toEqual([])
  expect(seen.timed.length).toBeGreaterThan(0)
  expect(await dump()).toEqual(before)
})

describe('SIGTERM', () => {
  test('takes the leased rows out and leaves everything else', async () => {
    const before = await dump()
    const seen = await monitored(async () => {
      signalProcess(controller, 'SIGTERM')
      await waitUntil('the controller to end', () => !isRunning(controller))
      expect(await timedRows()).toEqual([])
    })
    expect(seen.untimed).toEqual([])
    expect(seen.timed.filter((event) => event.includes('event=DELETED')).length).toBeGreaterThan(0)
    expect(await dump()).toEqual(before)
    expect(await isPunted()).toBe(false)
    expect(logged('"msg":"stopped"')).toBe(true)
  })
})

const same = (a: readonly string[], b: readonly string[]) => JSON.stringify(a) === JSON.stringify(b)

/** A patch port that is made anew may have another number. */
const withoutUplink = (flows: readonly string[]) =>
  flows.map((flow) =>
    flow.replace(/(output:|in_port=)"?[\w-]*patch[\w-]*"?|(output:|in_port=)(?!1[12]\b)\d+/g, '$1uplink'),
  )
