import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { filter, firstValueFrom } from 'rxjs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { createNamespace, deleteNamespace } from '../../src/lab/namespace.ts'
import { stopProcess } from '../../src/lab/process.ts'
import { type Switch, startSwitch } from '../../src/lab/switch.ts'
import {
  connectOvsdb,
  MissingBridgeError,
  type OvsdbClient,
  OvsdbError,
  type OvsdbState,
} from '../../src/ovsdb/index.ts'

const directory = mkdtempSync(join(tmpdir(), 'df-ovsdb-'))
const namespace = `dft-${process.pid}-ovsdb`
const target = `unix:${directory}/br-int.controller`
const settings = {
  controllerTarget: target,
  failMode: 'secure',
  protocols: ['OpenFlow13'],
  disableInBand: true,
  controllerQueueSize: 511,
  controllerRateLimit: 20_000,
  controllerBurstLimit: 5000,
  maxBackoffMs: 1000,
  inactivityProbeMs: 5000,
} as const
let subject: Switch
const clients: OvsdbClient[] = []

const connect = (where = `unix:${subject.dbSocket}`) => {
  const client = connectOvsdb({ target: where, bridge: 'br-int', backoff: { minMs: 10, maxMs: 200 } })
  clients.push(client)
  return client
}
const stateWhere = (client: OvsdbClient, fits: (state: OvsdbState) => boolean) =>
  firstValueFrom(client.state.pipe(filter(fits)))
const ready = (client: OvsdbClient) => stateWhere(client, ({ isConnected }) => isConnected)
const bridged = (client: OvsdbClient) => stateWhere(client, ({ bridge }) => bridge?.datapathId !== undefined)
/** Once ovs-vswitchd has told the status of so many ports, which it does in a transaction after that of their numbers. */
const told = (client: OvsdbClient, count: number) =>
  stateWhere(
    client,
    ({ bridge, ports }) =>
      bridge?.datapathId !== undefined && ports.filter(({ macInUse }) => macInUse).length === count,
  )
const vsctl = (...args: string[]) => subject.vsctl(...args).then((text) => text.trim())
const getBridge = (...columns: string[]) =>
  vsctl('get', 'bridge', 'br-int', ...columns).then((text) => text.split('\n'))
const controllers = async () =>
  JSON.parse(await vsctl('--format=json', '--columns=target', 'list', 'controller')).data.flat() as string[]

beforeAll(async () => {
  await createNamespace(namespace)
  subject = await startSwitch({ directory, namespace })
})
afterAll(async () => {
  await subject?.stop()
  await deleteNamespace(namespace)
  rmSync(directory, { recursive: true })
})
beforeEach(async () => {
  await vsctl('add-br', 'br-int', '--', 'set', 'bridge', 'br-int', 'datapath_type=netdev')
})
afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
  for (const bridge of (await vsctl('list-br')).split('\n')) await vsctl('--if-exists', 'del-br', bridge)
})

describe('state', () => {
  /** What ovs-vsctl says of the bridge's interfaces. */
  async function shown(): Promise<Record<string, number>> {
    const names = ['br-int', ...(await vsctl('list-ports', 'br-int')).split('\n')].filter(Boolean)
    const ofports = names.map(async (name) => [name, Number(await vsctl('get', 'interface', name, 'ofport'))])
    return Object.fromEntries(await Promise.all(ofports))
  }
  const seen = ({ ports }: OvsdbState) => Object.fromEntries(ports.map(({ name, ofport }) => [name, ofport]))

  test('is what ovs-vsctl shows, while ports come and go', async () => {
    const client = connect()
    expect(seen(await bridged(client))).toEqual(await shown())
    const internal = (name: string, bridge = 'br-int') => [
      'add-port',
      bridge,
      name,
      '--',
      'set',
      'interface',
      name,
      'type=internal',
      `external_ids:iface-id=lport-${name}`,
    ]
    await vsctl('add-br', 'br-ex', '--', 'set', 'bridge', 'br-ex', 'datapath_type=netdev')
    for (const name of ['tap-a', 'tap-b', 'tap-c']) await vsctl(...internal(name))
    await vsctl(...internal('tap-x', 'br-ex'))
    const state = await told(client, 4)
    expect(seen(state)).toEqual(await shown())
    expect(state.ports.map(({ lport }) => lport)).toEqual([
      undefined,
      'lport-tap-a',
      'lport-tap-b',
      'lport-tap-c',
    ])
    expect(state.ports.map(({ type }) => type)).toEqual(['bridge', 'compute', 'compute', 'compute'])
    expect(state.ports[1]?.macInUse).toBe(JSON.parse(await vsctl('get', 'interface', 'tap-a', 'mac_in_use')))
    await vsctl('del-port', 'br-int', 'tap-b')
    expect(seen(await stateWhere(client, ({ ports }) => ports.length === 3))).toEqual(await shown())
  })

  test.each([
    [
      'ovs-vswitchd’s own',
      'ovs-vswitchd.ctl',
      /refused monitor.*\(is that the socket of the database, db\.sock\?\)$/,
    ],
    ['the bridge’s', 'br-int.mgmt', /\(is that the socket of the database, db\.sock\?\)$/],
    [
      'a file that is none',
      'conf.db',
      /nobody listens there; start Open vSwitch, or correct ovsdb_connection$/,
    ],
    ['a path that is none', 'nowhere', /start Open vSwitch, or correct ovsdb_connection$/],
  ])('of the wrong socket, %s, is told in one line', async (_what, file, reason) => {
    const client = connect(`unix:${join(directory, file)}`)
    const state = await stateWhere(client, (each) => !each.reason?.startsWith('connecting'))
    expect(state).toMatchObject({ isConnected: false, reason: expect.stringMatching(reason) })
  })

  test('of a port whose device is missing has no OpenFlow port', async () => {
    const client = connect()
    await bridged(client)
    await subject.vsctl('--', 'add-port', 'br-int', 'no-such-device').catch(() => {})
    await stateWhere(client, ({ ports }) => ports.length === 2)
    await vi.waitFor(async () =>
      expect(await vsctl('get', 'interface', 'no-such-device', 'ofport')).toBe('-1'),
    )
    const last = await firstValueFrom(client.state)
    expect(last.ports.find(({ name }) => name === 'no-such-device')?.ofport).toBeUndefined()
  })

  test('follows a bridge that is removed and made again', async () => {
    const client = connect()
    const first = (await bridged(client)).bridge
    await vsctl('del-br', 'br-int')
    expect(await stateWhere(client, ({ bridge }) => bridge === undefined)).toMatchObject({
      isConnected: true,
      ports: [],
      reason: 'there is no bridge br-int; create it with: ovs-vsctl add-br br-int',
    })
    await expect(client.configure(settings)).rejects.toThrow(MissingBridgeError)
    await vsctl('add-br', 'br-int', '--', 'set', 'bridge', 'br-int', 'datapath_type=netdev')
    const second = (await bridged(client)).bridge
    expect(second?.uuid).not.toBe(first?.uuid)
    expect(second?.uuid).toBe(await vsctl('get', 'bridge', 'br-int', '_uuid'))
  })

  test('survives the death of ovsdb-server', async () => {
    const client = connect()
    const before = await told(client, 1)
    const [server] = subject.processes
    await stopProcess(server!)
    expect(await stateWhere(client, ({ isConnected }) => !isConnected)).toMatchObject({ ports: before.ports })
    await expect(client.configure(settings)).rejects.toThrow(/^no connection to the Open vSwitch database: /)
    const again = spawnServer(
      join(directory, 'conf.db'),
      `punix:${subject.dbSocket}`,
      join(directory, 'again.ctl'),
    )
    spawned.push(again)
    const after = await ready(client)
    const plugs = ({ ports }: OvsdbState) => ports.map(({ id, name, ofport }) => ({ id, name, ofport }))
    expect(plugs(after)).toEqual(plugs(before))
    // What is ephemeral in the database is lost with it, until ovs-vswitchd has written it again.
    expect((await told(client, 1)).ports).toEqual(before.ports)
    expect(await client.configure(settings)).toBe(true)
  })
})

const spawned: ChildProcess[] = []
function spawnServer(database: string, remote: string, control: string): ChildProcess {
  const args = [database, `--remote=${remote}`, `--unixctl=${control}`, `--log-file=${control}.log`]
  return spawn('ovsdb-server', args, { stdio: 'ignore', env: { ...process.env, OVS_RUNDIR: directory } })
}
afterAll(() => {
  for (const child of spawned) child.kill()
})

describe('configure', () => {
  test('makes this the only controller, and then changes nothing', async () => {
    await vsctl(
      'set',
      'bridge',
      'br-int',
      'protocols=OpenFlow10,OpenFlow14',
      'other_config:hwaddr="02:00:00:00:00:01"',
    )
    await vsctl('set-controller', 'br-int', 'tcp:192.0.2.1:6633', 'tcp:192.0.2.2:6633')
    const client = connect()
    await bridged(client)
    expect(await client.configure(settings)).toBe(true)
    expect(await getBridge('fail_mode', 'protocols', 'other_config')).toEqual([
      'secure',
      '[OpenFlow10, OpenFlow13, OpenFlow14]',
      '{disable-in-band="true", hwaddr="02:00:00:00:00:01"}',
    ])
    expect(await vsctl('get-controller', 'br-int')).toBe(target)
    const limits = ['controller_rate_limit', 'controller_burst_limit']
    const row = ['max_backoff', 'inactivity_probe', 'controller_queue_size', ...limits]
    expect(await vsctl('get', 'controller', 'br-int', ...row)).toBe('1000\n5000\n511\n20000\n5000')
    expect(await controllers()).toEqual([target]) // the other rows are gone
    const state = await stateWhere(client, ({ bridge }) => bridge?.failMode === 'secure')
    expect(state.bridge?.controllers).toEqual([
      { uuid: await vsctl('get', 'controller', 'br-int', '_uuid'), target },
    ])
    expect(await client.configure(settings)).toBe(false)
  })

  test('leaves the row when only its values differ', async () => {
    const client = connect()
    await bridged(client)
    await client.configure(settings)
    const id = await vsctl('get', 'controller', 'br-int', '_uuid')
    await vsctl('set', 'controller', 'br-int', 'max_backoff=8000', 'controller_queue_size=7')
    expect(await client.configure(settings)).toBe(true)
    expect(await vsctl('get', 'controller', 'br-int', '_uuid', 'max_backoff', 'controller_queue_size')).toBe(
      `${id}\n1000\n511`,
    )
  })

  test('of several clients at once, with ovs-vsctl in between, ends with one row', async () => {
    const writers = [connect(), connect(), connect()]
    await Promise.all(writers.map(bridged))
    await Promise.all([
      ...writers.map((client) => client.configure(settings)),
      vsctl('set', 'bridge', 'br-int', 'other_config:forward-bpdu=true'),
      ...writers.map((client) => client.configure(settings)),
    ])
    expect(await controllers()).toEqual([target])
    expect(await getBridge('other_config')).toEqual(['{disable-in-band="true", forward-bpdu="true"}'])
  })

  test('passes on what the database refuses', async () => {
    const client = connect()
    await bridged(client)
    const refused = client.configure({ ...settings, maxBackoffMs: 10 })
    await expect(refused).rejects.toThrow(OvsdbError)
    await expect(refused).rejects.toThrow(/refused insert Controller .*constraint violation/)
  })
})

describe("the switch's connection", () => {
  let server = createServer()
  let sockets: Socket[] = []
  const path = target.slice('unix:'.length)

  /** A controller that says hello and answers echo requests. */
  async function listen(): Promise<void> {
    sockets = []
    server = createServer((socket) => {
      sockets.push(socket)
      socket.on('error', () => {})
      socket.write(Buffer.from('0400000800000001', 'hex'))
      socket.on('data', (bytes) => {
        if (bytes[1] === 2) socket.write(Buffer.from([4, 3, 0, 8, ...bytes.subarray(4, 8)]))
      })
    })
    await new Promise<void>((resolve) => server.listen(path, resolve))
  }
  async function hangUp(): Promise<void> {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  }
  afterEach(hangUp)
  const logged = () => readFileSync(join(directory, 'ovs-vswitchd.log'), 'utf8')

  test('comes at once after replaceController, with every flow in its place', async () => {
    const client = connect()
    await bridged(client)
    await client.configure(settings)
    await subject.ofctl('add-flow', 'br-int', 'table=3,priority=7,udp,tp_dst=53,actions=drop')
    const id = await vsctl('get', 'controller', 'br-int', '_uuid')
    const beginning = logged().length
    // Far enough into its back-off that it would not come by itself for a while.
    await vi.waitFor(
      () => expect(logged().slice(beginning)).toMatch(/waiting 4 seconds before reconnect/),
      20_000,
    )
    await listen()
    await client.replaceController()
    const replaced = logged().length
    await vi.waitFor(() => expect(logged().slice(beginning)).toMatch(/controller: connected/), 3000)
    expect(logged().slice(replaced)).not.toMatch(/seconds before reconnect/)
    expect(await subject.ofctl('--no-stats', 'dump-flows', 'br-int')).toContain(
      'table=3, priority=7,udp,tp_dst=53',
    )
    expect(await vsctl('get', 'controller', 'br-int', '_uuid', 'target')).toBe(`${id}\n"${target}"`)

    await client.replaceController()
    await vi.waitFor(() => expect(sockets.length).toBeGreaterThan(1), 3000)
    expect(await subject.ofctl('--no-stats', 'dump-flows', 'br-int')).toContain(
      'table=3, priority=7,udp,tp_dst=53',
    )
  })

  test('is tried every second after reapplySettings', async () => {
    const client = connect()
    await bridged(client)
    const start = logged().length
    await listen()
    await client.configure(settings)
    await vi.waitFor(() => expect(logged().slice(start)).toMatch(/controller: connected/), 10_000)
    await client.reapplySettings()
    const number = await vsctl('get', 'open_vswitch', '.', 'next_cfg')
    await vi.waitFor(
      async () => expect(await vsctl('get', 'open_vswitch', '.', 'cur_cfg')).toBe(number),
      3000,
    )
    const beginning = logged().length
    await hangUp()
    const failures = () =>
      logged()
        .slice(beginning)
        .match(/controller: connection failed/g)?.length ?? 0
    await vi.waitFor(() => expect(failures()).toBeGreaterThanOrEqual(4), 15_000)
    expect(logged().slice(beginning)).not.toMatch(/waiting [2-8] seconds/)
  })

  test('replaceController without a controller does nothing', async () => {
    const client = connect()
    await bridged(client)
    await client.replaceController()
    expect(await vsctl('get-controller', 'br-int')).toBe('')
  })
})

describe('ensurePatch', () => {
  const addBridge = (name: string) =>
    vsctl('add-br', name, '--', 'set', 'bridge', name, 'datapath_type=netdev')
  const toEx = { peerBridge: 'br-ex', physicalNetwork: 'physnet1' }

  test('makes one pair, whoever else asks for it at the same time', async () => {
    await addBridge('br-ex')
    const writers = [connect(), connect(), connect()]
    await Promise.all(writers.map(bridged))
    const pairs = await Promise.all(writers.map((client) => client.ensurePatch(toEx)))
    expect(new Set(pairs.map((pair) => JSON.stringify(pair)))).toEqual(
      new Set([JSON.stringify({ port: 'br-ex-patch', peerPort: 'br-int-patch' })]),
    )
    expect(await vsctl('list-ports', 'br-int')).toBe('br-ex-patch')
    expect(await vsctl('list-ports', 'br-ex')).toBe('br-int-patch')
    expect(await vsctl('get', 'interface', 'br-ex-patch', 'type', 'options')).toBe(
      'patch\n{peer=br-int-patch}',
    )
    const made = await stateWhere(writers[0]!, ({ ports }) =>
      ports.some(({ type, ofport }) => type === 'patch' && ofport),
    )
    expect(made.ports.find(({ type }) => type === 'patch')).toMatchObject({
      name: 'br-ex-patch',
      peer: 'br-int-patch',
    })
    expect(await subject.ofctl('show', 'br-int')).toContain('(br-ex-patch)')
  })

  test('joins several bridges, however long their names are', async () => {
    const long = 'br-provider-two'
    await addBridge('br-ex')
    await addBridge(long)
    const client = connect()
    await bridged(client)
    await client.ensurePatch(toEx)
    const { port, peerPort } = await client.ensurePatch({ peerBridge: long, physicalNetwork: 'physnet2' })
    expect(await vsctl('get', 'interface', port, 'options')).toBe(`{peer=${peerPort}}`)
    expect(await vsctl('iface-to-br', peerPort)).toBe(long)
    const { ports } = await stateWhere(
      client,
      ({ ports }) => ports.filter(({ type, ofport }) => type === 'patch' && ofport).length === 2,
    )
    expect(ports.map(({ name }) => name)).toContain(port)
    expect(await client.ensurePatch({ peerBridge: long, physicalNetwork: 'physnet2' })).toEqual({
      port,
      peerPort,
    })
  })

  test('mends a pair of which one end was removed', async () => {
    await addBridge('br-ex')
    const client = connect()
    await bridged(client)
    const pair = await client.ensurePatch(toEx)
    await vsctl('del-port', pair.peerPort)
    expect(await client.ensurePatch(toEx)).toEqual(pair)
    expect(await vsctl('iface-to-br', pair.peerPort)).toBe('br-ex')
  })

  test('names the bridge that is missing', async () => {
    const client = connect()
    await bridged(client)
    await expect(client.ensurePatch(toEx)).rejects.toThrow(
      new MissingBridgeError('br-ex', ', to which the physical network physnet1 is mapped'),
    )
  })
})

describe('ensureTunnels', () => {
  const types = async () =>
    (await vsctl('list-ports', 'br-int')).split('\n').filter((name) => name.endsWith('-vtp'))
  const optionsOf = (name: string) => vsctl('get', 'interface', name, 'options')

  test('makes them, mends them and takes them away, whoever else asks for the same at the same time', async () => {
    const writers = [connect(), connect(), connect()]
    await Promise.all(writers.map(bridged))
    const ensure = (wanted: string[], localIp: string) =>
      Promise.all(writers.map((client) => client.ensureTunnels({ types: wanted, localIp })))
    await ensure(['geneve', 'vxlan'], '192.0.2.11')
    expect(await types()).toEqual(['geneve-vtp', 'vxlan-vtp'])
    expect(await optionsOf('geneve-vtp')).toBe('{key=flow, local_ip="192.0.2.11", remote_ip=flow}')
    const { ports } = await stateWhere(
      writers[0]!,
      (state) => state.ports.filter(({ tunnelType, ofport }) => tunnelType && ofport).length === 2,
    )
    expect(ports.flatMap(({ tunnelType }) => tunnelType ?? [])).toEqual(['geneve', 'vxlan'])
    await vsctl('set', 'interface', 'geneve-vtp', 'options:csum=true', 'options:remote_ip=192.0.2.12')
    await ensure(['geneve', 'gre'], '192.0.2.13')
    expect(await types()).toEqual(['geneve-vtp', 'gre-vtp'])
    expect(await optionsOf('geneve-vtp')).toBe(
      '{csum="true", key=flow, local_ip="192.0.2.13", remote_ip=flow}',
    )
    expect(await subject.ofctl('show', 'br-int')).toContain('(gre-vtp)')
  })
})

describe('over TCP', () => {
  test('the same', async () => {
    const database = join(directory, 'tcp.db')
    execFileSync('ovsdb-tool', ['create', database, '/usr/share/openvswitch/vswitch.ovsschema'])
    const control = join(directory, 'tcp.ctl')
    spawned.push(spawnServer(database, 'ptcp:0:127.0.0.1', control))
    const log = () => (existsSync(`${control}.log`) ? readFileSync(`${control}.log`, 'utf8') : '')
    const port = await vi.waitFor(() => {
      const [, digits] = /listening on port (\d+)/.exec(log()) ?? []
      expect(digits).toBeDefined()
      return digits
    }, 5000)
    const client = connect(`tcp:127.0.0.1:${port}`)
    expect((await ready(client)).bridge).toBeUndefined()
    const tool = (...args: string[]) =>
      execFileSync('ovs-vsctl', [`--db=tcp:127.0.0.1:${port}`, '--no-wait', ...args])
    tool('init')
    tool('add-br', 'br-int')
    expect((await stateWhere(client, ({ bridge }) => bridge !== undefined)).ports).toMatchObject([
      { type: 'bridge' },
    ])
  })
})
