/**
 * Applications from outside on a real switch: the example of docs/writing-an-app.md as it stands there, compiled, loaded
 * and pinged; and beside it those that throw, hang or want what is not theirs, of which each costs itself alone.
 */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Status } from '../../src/controller/status.ts'
import { createNamespace, createVeth, deleteNamespace, ip, runIn } from '../../src/lab/namespace.ts'
import {
  isRunning,
  outputOf,
  type ProcessRef,
  signalProcess,
  startDaemon,
  stopProcess,
  waitUntil,
} from '../../src/lab/process.ts'
import { type Switch, startSwitch } from '../../src/lab/switch.ts'
import { type NbDriver, openNbDriver } from '../../src/nb/index.ts'
import { builtSource } from '../support/build.ts'
import { blocksOf, compile, prepareDirectory } from '../support/foreign.ts'

const namespace = `dff-${process.pid}`
const machineOf = (tenant: Tenant) => `dff-${process.pid}-${tenant}`
const directory = mkdtempSync(join(tmpdir(), 'df-foreign-'))
const logFile = join(directory, 'controller.log')
const tenants = { red: '0000000000000000000000000000000a', blue: '0000000000000000000000000000000b' }
type Tenant = keyof typeof tenants

const [example] = blocksOf('ts')

let diagnostics: string[]
let ovs: Switch
let store: NbDriver
let controller: ProcessRef | undefined

beforeAll(async () => {
  prepareDirectory(directory)
  writeFileSync(join(directory, 'echo.ts'), example!)
  diagnostics = compile(directory, 'echo')
  await createNamespace(namespace)
  ovs = await startSwitch({ directory: join(directory, 'ovs'), namespace, bridge: 'br-int' })
  mkdirSync(join(directory, 'nb'))
  store = await openNbDriver({ nb_db_class: 'file_nb_db_driver', nb_path: join(directory, 'nb') })
  await addMachine('red', 1)
  await addMachine('blue', 2)
})

afterEach(async () => {
  if (controller !== undefined) await stopProcess(controller)
  controller = undefined
})

afterAll(async () => {
  await store?.close()
  await ovs?.stop()
  for (const name of [machineOf('red'), machineOf('blue'), namespace]) await deleteNamespace(name)
  rmSync(directory, { recursive: true, force: true })
})

const put = (table: string, id: string, row: object) => store.put(table, id, JSON.stringify({ id, ...row }))

/** A tenant with one machine; both tenants' have the same addresses. */
async function addMachine(tenant: Tenant, key: number): Promise<void> {
  const topic = tenants[tenant]
  const [network, subnet, id] = [`net-${tenant}`, `subnet-${tenant}`, `${tenant}-web`]
  const mac = 'fa:16:3e:00:00:01'
  await put('lswitch', network, { topic, unique_key: key, version: 1 })
  await put('lsubnet', subnet, { topic, lswitch: network, cidr: '10.0.0.0/24', version: 1 })
  await put('domainname', subnet, { topic, subnet, domain_name: `${tenant}.example.org`, version: 1 })
  await put('lport', id, {
    topic,
    unique_key: key,
    version: 1,
    lswitch: network,
    ips: ['10.0.0.11'],
    subnets: [subnet],
    macs: [mac],
    enabled: true,
    port_security_enabled: true,
    binding: { type: 'chassis', chassis: 'compute-1' },
    device_owner: 'compute:nova',
  })
  await put('dnsname', id, { topic, lport: id, dns_name: 'web', version: 1 })
  const machine = machineOf(tenant)
  await createNamespace(machine)
  await createVeth({ namespace, device: tenant }, { namespace: machine, device: 'eth0', mac })
  await ip(machine, [
    'addr add 10.0.0.11/24 dev eth0',
    'neigh add 10.0.0.1 lladdr fa:16:3e:00:00:fe dev eth0',
    'route add default via 10.0.0.1',
  ])
  const interfaceOf = ['set', 'interface', tenant, `external_ids:iface-id=${id}`]
  await ovs.vsctl('add-port', 'br-int', tenant, '--', ...interfaceOf, `ofport_request=${10 + key}`)
}

function configOf(apps: readonly string[], more = ''): string {
  const file = join(directory, 'df.conf')
  writeFileSync(
    file,
    `[DEFAULT]
host = compute-1
run_dir = ${join(directory, 'run')}
[df]
nb_path = ${join(directory, 'nb')}
ovsdb_connection = unix:${ovs.dbSocket}
metrics_listen = 127.0.0.1:9476
apps_list = portbinding,classifier,portsec,l2,dns,${apps.join(',')}
[df_openflow]
listen = unix:${join(ovs.rundir, 'br-int.controller')}
${more}`,
  )
  return file
}

const commandOf = (config: string) => [join(builtSource(), 'main.js'), '--config-file', config]

/** Starts a controller and waits until `isThere` holds, by default that it is ready. */
async function start(
  config: string,
  isThere: (status: Status | undefined) => boolean = (now) => now?.ready === true,
): Promise<ProcessRef> {
  const process_ = await startDaemon(process.execPath, commandOf(config), {
    logFile,
    namespace,
    diesWithParent: true,
  })
  controller = process_
  const alive = [{ name: 'the controller', process: process_, logFile }]
  await waitUntil('the controller', async () => isThere(await status()), { alive })
  return process_
}

/** What the controller says of itself; undefined while it does not answer, or only says that it is starting. */
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
    socket.on('close', () => {
      const said = text === '' ? {} : (JSON.parse(text) as Partial<Status>)
      resolve('lease' in said ? (said as Status) : undefined)
    })
  })
}

async function metrics(name: string): Promise<string[]> {
  const script = `fetch('http://127.0.0.1:9476/metrics').then((r) => r.text()).then(console.log)`
  const text = await runIn(namespace, process.execPath, ['-e', script])
  return text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
}

/** How many of the pings a machine sends to an address are answered. */
async function pings(tenant: Tenant, address: string, count = 3): Promise<number> {
  const args = [`-c${count}`, '-i0.1', '-W1', address]
  const { stdout } = await outputOf('nsenter', [`--net=/run/netns/${machineOf(tenant)}`, 'ping', ...args])
  return Number(/(\d+) received/.exec(stdout)?.[1])
}

const resolved = async (tenant: Tenant) =>
  (
    await runIn(machineOf(tenant), 'dig', [
      '+short',
      '+tries=3',
      '+timeout=1',
      '@198.51.100.53',
      `web.${tenant}.example.org`,
    ])
  ).trim()

const flowsIn = async (table: number) =>
  (await ovs.ofctl('dump-flows', 'br-int', `table=${table}`)).split('\n').filter((l) => l.includes('cookie='))

/** Whether a ping of red to that address would be sent up to the controller now. */
const isPunted = async (address: string) => {
  const packet =
    'in_port=11,icmp,dl_src=fa:16:3e:00:00:01,dl_dst=fa:16:3e:00:00:fe,nw_src=10.0.0.11,icmp_type=8'
  return (await ovs.appctl('ofproto/trace', 'br-int', `${packet},nw_dst=${address}`)).includes('controller(')
}

describe('the example of docs/writing-an-app.md', () => {
  const address = '203.0.113.7'
  const run = () => start(configOf(['./echo.js'], `[df_echo_app]\ndf_echo_address = ${address}\n`))

  test('has about forty lines, and compiles', () => {
    expect(example!.trim().split('\n').length).toBeLessThanOrEqual(42)
    expect(diagnostics).toEqual([])
  })

  test('a mistake in it would not compile', () => {
    writeFileSync(join(directory, 'bad.ts'), example!.replace("kind: 'reply'", "kind: 'repyl'"))
    expect(compile(directory, 'bad').join()).toMatch(/not assignable/)
  })

  test('answers both tenants at the address of its option, and counts in its metric', async () => {
    await run()
    expect(await pings('red', address)).toBe(3)
    expect(await pings('blue', address, 2)).toBe(2)
    expect(await pings('red', '192.0.2.1', 1)).toBe(0)
    expect(await metrics('df_echo_answered_total')).toEqual([
      'df_echo_answered_total{network="net-red"} 3',
      'df_echo_answered_total{network="net-blue"} 2',
    ])
    expect(await metrics('df_punts_total')).toContain(
      'df_punts_total{app="echo",verdict="reply",why="pong"} 5',
    )
    expect((await status())?.apps.at(-1)).toEqual({ name: 'echo' })
    expect(await flowsIn(201)).toHaveLength(3)
  })

  test('loses its punts at once when the controller is killed, and within the lease when it hangs', async () => {
    const process_ = await run()
    expect(await isPunted(address)).toBe(true)
    signalProcess(process_, 'SIGSTOP')
    await waitUntil('the lease to end', async () => !(await isPunted(address)), { timeoutMs: 6000 })
    signalProcess(process_, 'SIGCONT')
    await waitUntil('the lease to be held again', () => isPunted(address))
    signalProcess(process_, 'SIGKILL')
    await waitUntil('the group to lead past it', async () => !(await isPunted(address)), { timeoutMs: 3500 })
    expect(await flowsIn(201)).toHaveLength(3)
  })

  test('leaves nothing behind when apps_list names it no more', async () => {
    await start(configOf([]))
    expect([...(await flowsIn(201)), ...(await flowsIn(202))]).toEqual([])
    expect(await ovs.ofctl('dump-groups', 'br-int')).not.toMatch(/group_id=20/)
    expect(await isPunted(address)).toBe(false)
    expect(await resolved('red')).toBe('10.0.0.11')
  })
})

/** An application that gets the pings to an address and does with them what `body` says. */
const bad = (name: string, last: number, body: string, flows = '') => `
import { goto, output, punt } from 'dragonflow-dns/app'
export const application = {
  name: '${name}', tables: { ${name}: { after: 'services', canPunt: true } }, options: {},
  factory: (_, { flow }) => ({
    onFailure: 'pass',
    *flows(view) {
      yield flow('services', 50, { ethType: 0x0800, ipProto: 1, ipv4Dst: '203.0.113.${last}' }, [goto('${name}')])
      yield flow('${name}', 10, {}, [punt])
      ${flows}
    },
    packetIn({ frame }) { ${body} },
  }),
}
`

describe('an application that', () => {
  const apps = {
    throws: bad('throws', 21, `throw new Error('on purpose')`),
    promises: bad('promises', 22, `return Promise.reject(new Error('later'))`),
    spins: bad(
      'spins',
      23,
      `const end = Date.now() + 300; while (Date.now() < end); return { kind: 'drop', why: 'late' }`,
    ),
    loops: bad('loops', 24, 'for (;;);'),
    thieves: bad('thieves', 25, '', `yield flow('dns', 10, {}, [])`),
    misfits: bad(
      'misfits',
      26,
      `return { kind: 'drop', why: 'mine' }`,
      `yield flow('misfits', 20, { reg0: 1 }, [output(0xffffff10)])`,
    ),
    dreams: bad('dreams', 27, `return { kind: 'drop', why: 'mine' }`, 'if (view.version > 0) for (;;);'),
  }
  const entries = ['./echo.js', ...Object.keys(apps).map((name) => `./${name}.js`)]
  const address = '192.0.2.1'

  beforeAll(() => {
    for (const [name, text] of Object.entries(apps)) writeFileSync(join(directory, `${name}.js`), text)
  })

  test('throws, hangs or wants what is not its own costs itself alone, and says so', async () => {
    await start(configOf(entries), (now) => now?.lease.filter(({ isHeld }) => isHeld).length === 7)
    const before = await status()
    const of = (name: string, now: Status | undefined) => now?.apps.find((app) => app.name === name)

    expect(of('thieves', before)?.refused).toContain('neither a table of thieves nor lends rows')
    expect(of('dreams', before)?.suspended).toContain('flows(view) took more than 1000 ms')
    expect(before?.flows.failed).toMatchObject([{ owner: 'misfits', attempts: expect.any(Number) }])
    expect(before?.flows.failed[0]?.row).toContain('priority=20,reg0=0x1')
    // What is right of misfits is there; nothing of the two others, or what the host puts there for them.
    expect(await metrics('df_app_suspended')).toContain('df_app_suspended{app="dreams"} 1')

    for (const [last, count] of [
      [21, 2],
      [22, 2],
      [23, 5],
      [24, 5],
    ] as const)
      expect(await pings('red', `203.0.113.${last}`, count)).toBe(0)
    await waitUntil('both to be suspended', async () => {
      const now = await status()
      return of('spins', now)?.suspended !== undefined && of('loops', now)?.suspended !== undefined
    })
    const after = await status()
    expect(of('throws', after)).toEqual({ name: 'throws' })
    expect(after?.reasons.join('\n')).toMatch(/the application loops is suspended until .*: its decisions on/)
    const punts = (await metrics('df_punts_total')).join('\n')
    for (const name of ['throws', 'promises', 'spins', 'loops'])
      expect(punts).toContain(`app="${name}",verdict="pass",why="failed"`)
    // How many calls its credit is worth: three, and fewer where the machine itself is slow.
    expect((await metrics('df_app_calls_ended_total')).join('\n')).toMatch(
      /df_app_calls_ended_total\{app="loops",call="packetIn"\} [123]$/m,
    )
    await waitUntil('their rows to be gone', async () => !(await isPunted('203.0.113.24')))
    const log = readFileSync(logFile, 'utf8')
    expect(log).toMatch(/"app":"loops".*application suspended until the next start/)

    expect(await isPunted('203.0.113.21')).toBe(true)
    expect(await pings('red', address)).toBe(3)
    expect(await pings('blue', address)).toBe(3)
    expect([await resolved('red'), await resolved('blue')]).toEqual(['10.0.0.11', '10.0.0.11'])
    expect((await status())?.lease.find(({ app }) => app === 'dns')?.isHeld).toBe(true)
  })

  test('is suspended comes back when its options change', async () => {
    const moody = bad('moody', 29, `if (isLooping) for (;;); return { kind: 'drop', why: 'calm' }`)
      .replace('import {', 'import { option,')
      .replace('options: {}', `options: { df_moody_loops: option.boolean(true, 'Whether to loop.') }`)
      .replace('factory: (_,', 'factory: ({ df_moody_loops: isLooping },')
    writeFileSync(join(directory, 'moody.js'), moody)
    const process_ = await start(configOf(['./moody.js']))
    const moodOf = async () => (await status())?.apps.at(-1)
    await pings('red', '203.0.113.29')
    await waitUntil('it to be suspended', async () => (await moodOf())?.suspended !== undefined)
    await waitUntil('its rows to be gone', async () => (await flowsIn(201)).length === 0)
    configOf(['./moody.js'], '[df_moody_app]\ndf_moody_loops = no\n')
    signalProcess(process_, 'SIGHUP')
    await waitUntil('it to be ready again', async () => (await status())?.ready === true)
    expect(await moodOf()).toEqual({ name: 'moody' })
    await pings('red', '203.0.113.29', 1)
    expect(await metrics('df_punts_total')).toContain(
      'df_punts_total{app="moody",verdict="drop",why="calm"} 1',
    )
    expect(await metrics('df_app_suspended')).toEqual(['df_app_suspended{app="moody"} 0'])
  })

  test('hangs the process from a timer, which nobody guards, leaves a switch that forwards', async () => {
    writeFileSync(
      join(directory, 'freezes.js'),
      bad('freezes', 28, `setTimeout(() => { for (;;); }); return { kind: 'drop', why: 'soon' }`),
    )
    const process_ = await start(configOf(['./echo.js', './freezes.js']))
    expect(await isPunted(address)).toBe(true)
    await pings('red', '203.0.113.28', 1)
    await waitUntil('the lease to end', async () => !(await isPunted(address)), { timeoutMs: 8000 })
    expect(isRunning(process_)).toBe(true)
    signalProcess(process_, 'SIGKILL')
  })
})

describe('an entry of apps_list that is no application', () => {
  test.each([
    ['./none.js', /^df-local-controller: apps_list: \.\/none\.js: there is no file .*\/none\.js\n$/],
    [
      './wrong.js',
      /^df-local-controller: apps_list: \.\/wrong\.js: exports no object named application \(docs/,
    ],
    [
      'clasifier',
      /^df-local-controller: apps_list: there is no application "clasifier"; did you mean classifier\?\n$/,
    ],
    ['./unlucky.js', /^df-local-controller: apps_list: \.\/unlucky\.js: its factory failed: no luck\n$/],
    [
      './picky.js',
      /df\.conf:\d+: \[df_picky_app\] df_picky_size = 'much': expected a whole number up to 9\n$/,
    ],
  ])('%s ends the start with one line and code 2', async (entry, line) => {
    const option = `export { option }\nimport { option } from 'dragonflow-dns/app'\n`
    const like = (name: string, options: string, factory: string) =>
      `${option}export const application = { name: '${name}', tables: {}, options: ${options}, factory: ${factory} }\n`
    writeFileSync(join(directory, 'wrong.js'), 'export const app = {}\n')
    writeFileSync(
      join(directory, 'unlucky.js'),
      like('unlucky', '{}', `() => { throw new Error('no luck') }`),
    )
    const size = `{ df_picky_size: option.integer({ default: 1, max: 9 }, 'Size.') }`
    writeFileSync(join(directory, 'picky.js'), like('picky', size, `() => ({})`))
    const config = configOf([entry], '[df_picky_app]\ndf_picky_size = much\n')
    const { exitCode, stderr } = await outputOf(process.execPath, commandOf(config))
    expect(stderr).toMatch(line)
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(exitCode).toBe(2)
  })
})
