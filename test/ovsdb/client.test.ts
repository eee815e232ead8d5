import { filter, firstValueFrom } from 'rxjs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ConfigError, ConnectionError, ProtocolError } from '../../src/errors.ts'
import {
  connectOvsdb,
  MissingBridgeError,
  type OvsdbClient,
  OvsdbError,
  type OvsdbState,
} from '../../src/ovsdb/index.ts'
import { noPacketIns } from '../../src/ovsdb/state.ts'
import {
  bridgeRow,
  type FakeOvsdb,
  type FakeSession,
  fakeOvsdb,
  interfaceRow,
  map,
  uuidOf,
  withPorts,
} from '../support/fake-ovsdb.ts'

let fake: FakeOvsdb
let client: OvsdbClient
let states: OvsdbState[]

function start(options: Partial<Parameters<typeof connectOvsdb>[0]> = {}): void {
  states = []
  client = connectOvsdb({
    target: fake.target,
    bridge: 'br-int',
    backoff: { minMs: 1, maxMs: 20 },
    ...options,
  })
  client.state.subscribe((state) => states.push(state))
}

const stateWhere = (fits: (state: OvsdbState) => boolean) => firstValueFrom(client.state.pipe(filter(fits)))
const connected = () => stateWhere(({ isConnected }) => isConnected)
const lost = () => stateWhere(({ isConnected, reason }) => !isConnected && !reason?.startsWith('connecting'))

/** Plays the server's part up to the reply to monitor. */
async function serve(tables: unknown): Promise<FakeSession> {
  const session = await fake.session()
  session.reply(await session.next('monitor'), tables)
  return session
}

const port = (ofport: number) =>
  withPorts(interfaceRow('tap-a', { ofport, external_ids: map({ 'iface-id': 'port-a' }) }))

beforeEach(async () => {
  fake = await fakeOvsdb()
})
afterEach(async () => {
  client?.close()
  await fake.close()
})

test('monitors the database under its name', async () => {
  start()
  const session = await fake.session()
  const { params } = await session.next('monitor')
  expect(params).toEqual(['Open_vSwitch', null, expect.objectContaining({ Bridge: expect.anything() })])
})

test('says what it is doing from the first moment on', () => {
  start()
  expect(states).toEqual([
    {
      isConnected: false,
      bridge: undefined,
      ports: [],
      packetIns: noPacketIns,
      reason: `connecting to ${fake.target}`,
    },
  ])
})

test('a bad target is refused at once', () => {
  expect(() => connectOvsdb({ target: 'db.sock', bridge: 'br-int' })).toThrow(ConfigError)
})

describe('state', () => {
  test('follows the updates, one value for each that changes something', async () => {
    start()
    const session = await serve(port(1))
    await connected()
    session.update(port(1)) // nothing new
    session.update({
      Open_vSwitch: { [uuidOf(3)]: { new: { bridges: ['set', []], cur_cfg: 7, next_cfg: 7 } } },
    })
    session.update(port(2))
    session.update(port(3))
    await stateWhere(({ ports }) => ports[0]?.ofport === 3)
    expect(states.slice(1).map(({ ports }) => ports[0]?.ofport)).toEqual([1, 2, 3])
  })

  test('takes updates that came in one piece with the reply', async () => {
    start()
    const session = await fake.session()
    const { id } = await session.next('monitor')
    const update = { id: null, method: 'update', params: [null, port(2)] }
    session.send(JSON.stringify({ id, result: port(1), error: null }) + JSON.stringify(update))
    expect((await connected()).ports[0]?.ofport).toBe(2)
  })

  test('takes messages that come byte by byte', async () => {
    start()
    const session = await fake.session()
    const { id } = await session.next('monitor')
    const tables = withPorts(interfaceRow('tap-a', { external_ids: map({ 'iface-id': 'ü端🙂' }) }))
    for (const byte of Buffer.from(JSON.stringify({ id, result: tables, error: null }))) {
      session.send(Buffer.from([byte]))
      await new Promise(setImmediate)
    }
    expect((await connected()).ports[0]?.lport).toBe('ü端🙂')
  })

  test('gives a late subscriber the last value', async () => {
    start()
    await serve(port(1))
    await connected()
    const late: OvsdbState[] = []
    client.state.subscribe((state) => late.push(state))
    expect(late).toEqual([states.at(-1)])
  })

  test('says that the bridge is missing, and follows it when it comes, goes and comes back', async () => {
    start()
    const session = await serve({})
    expect(await connected()).toEqual({
      isConnected: true,
      packetIns: noPacketIns,
      bridge: undefined,
      ports: [],
      reason: 'there is no bridge br-int; create it with: ovs-vsctl add-br br-int',
    })
    session.update(port(1))
    expect((await stateWhere(({ bridge }) => bridge !== undefined)).reason).toBeUndefined()
    session.update({ Bridge: { [uuidOf(1)]: { old: bridgeRow() } } })
    expect((await stateWhere(({ bridge }) => bridge === undefined)).ports).toEqual([])
    session.update({ Bridge: { [uuidOf(2)]: { new: bridgeRow() } } })
    expect((await stateWhere(({ bridge }) => bridge !== undefined)).bridge?.uuid).toBe(uuidOf(2))
  })

  test('completes when the client is closed', async () => {
    start()
    const session = await serve(port(1))
    await connected()
    let isComplete = false
    client.state.subscribe({ complete: () => (isComplete = true) })
    client.close()
    await session.closed
    expect(isComplete).toBe(true)
    await expect(client.transact([])).rejects.toThrow(ConnectionError)
  })
})

describe('a lost connection', () => {
  test('keeps the last view, and the next one replaces it whole', async () => {
    start()
    const first = await serve(withPorts(interfaceRow('tap-a'), interfaceRow('tap-b')))
    await connected()
    first.end()
    expect(await lost()).toMatchObject({
      isConnected: false,
      packetIns: noPacketIns,
      reason: `lost the connection to ${fake.target}: the peer closed the connection`,
      ports: [{ name: 'tap-a' }, { name: 'tap-b' }],
    })
    await serve(withPorts(interfaceRow('tap-c')))
    expect((await connected()).ports.map(({ name }) => name)).toEqual(['tap-c'])
  })

  test('that comes back as it was gives the same objects', async () => {
    start()
    const first = await serve(port(1))
    const before = await connected()
    first.end()
    await lost()
    await serve(port(1))
    const after = await connected()
    expect(after.ports).toBe(before.ports)
    expect(after.bridge).toBe(before.bridge)
  })

  test.each([
    ['text that is not JSON', 'HTTP/1.1 400 Bad Request\r\n', 'byte 0x48 between two messages'],
    ['bytes that are not UTF-8', Buffer.from('7b2261223a22ff227d', 'hex'), 'a message is not JSON'],
    [
      'a row that is none',
      { id: null, method: 'update', params: [null, { Port: { x: { new: {} } } }] },
      'Port x: the column name is missing',
    ],
    [
      'an update of another monitor',
      { id: null, method: 'update2', params: [null, {}] },
      'an unknown notification: update2',
    ],
    [
      'a reply nobody asked for',
      { id: 77, result: [], error: null },
      'a reply to a request never made (id 77)',
    ],
  ])('%s closes it with the reason, and it is opened again', async (_, message, reason) => {
    start()
    const first = await serve(port(1))
    await connected()
    first.send(message)
    await first.closed
    expect((await lost()).reason).toContain(reason)
    await serve(port(2))
    expect((await connected()).ports[0]?.ofport).toBe(2)
  })

  test('a refused monitor is told and tried again', async () => {
    start()
    const first = await fake.session()
    const { id } = await first.next('monitor')
    first.send({ id, error: { error: 'unknown database', details: 'no Open_vSwitch' } })
    await first.closed
    expect((await lost()).reason).toContain('refused monitor: unknown database (no Open_vSwitch)')
    await serve(port(1))
    await connected()
  })

  test('a server that accepts and says nothing is given up', async () => {
    start({ timeoutMs: 50 })
    const first = await fake.session()
    await first.closed
    expect((await lost()).reason).toBe(
      `lost the connection to ${fake.target}: no reply to monitor within 50 ms (is that the socket of the database, db.sock?)`,
    )
  })

  test('a server that falls silent is given up', async () => {
    start({ echoIntervalMs: 20 })
    const first = await serve(port(1))
    await first.next('echo')
    await first.closed
    expect((await lost()).reason).toMatch(/no answer for \d+ ms$/)
  })

  test('echo keeps it alive both ways', async () => {
    start({ echoIntervalMs: 20 })
    const session = await serve(port(1))
    for (let round = 0; round < 5; round++) {
      const echo = await session.next('echo')
      session.reply(echo, echo.params)
    }
    session.send({ id: 'echo', method: 'echo', params: ['x'] })
    expect(await session.nextReply()).toEqual({ id: 'echo', result: ['x'], error: null })
    expect(fake.count()).toBe(1)
  })

  test('no server at all is told by its reason, and found when it comes', async () => {
    const gone = fake
    await gone.close()
    start()
    expect((await lost()).reason).toBe(
      `cannot connect to ${gone.target}: connect ENOENT ${gone.target.slice(5)}: start Open vSwitch, or correct ovsdb_connection`,
    )
    await expect(client.transact([])).rejects.toThrow(
      /^no connection to the Open vSwitch database: cannot connect/,
    )
    client.close()
    fake = await fakeOvsdb()
  })

  test('closing ends the attempts', async () => {
    start({ backoff: { minMs: 1, maxMs: 1 } })
    const session = await serve(port(1))
    await connected()
    session.end()
    await lost()
    client.close()
    const count = fake.count()
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(fake.count()).toBe(count)
  })
})

describe('transact', () => {
  test('resolves with the results', async () => {
    start()
    const session = await serve({})
    await connected()
    const results = client.transact([{ op: 'comment', comment: 'hello' }])
    const request = await session.next('transact')
    expect(request.params).toEqual(['Open_vSwitch', { op: 'comment', comment: 'hello' }])
    session.reply(request, [{}])
    expect(await results).toEqual([{}])
  })

  test('names what was refused', async () => {
    start()
    const session = await serve({})
    await connected()
    const results = client.transact([{ op: 'delete', table: 'Bridge', where: [] }])
    session.reply(await session.next('transact'), [{ error: 'constraint violation', details: 'no' }])
    await expect(results).rejects.toThrow(
      new OvsdbError('constraint violation', 'delete Bridge {"where":[]}', 'no'),
    )
  })

  test('rejects a reply that is none', async () => {
    start()
    const session = await serve({})
    await connected()
    const results = client.transact([])
    session.reply(await session.next('transact'), {})
    await expect(results).rejects.toThrow(ProtocolError)
  })

  test('rejects when the connection goes before the reply', async () => {
    start()
    const session = await serve({})
    await connected()
    const results = client.transact([])
    await session.next('transact')
    session.end()
    await expect(results).rejects.toThrow(ConnectionError)
  })
})

describe('a plan', () => {
  const settings = {
    controllerTarget: 'tcp:127.0.0.1:6653',
    failMode: 'secure',
    protocols: ['OpenFlow13'],
    disableInBand: true,
    controllerQueueSize: 511,
    controllerRateLimit: 20_000,
    controllerBurstLimit: 5000,
    maxBackoffMs: 1000,
    inactivityProbeMs: 5000,
  } as const
  const bridges = (...rows: object[]) => [{ rows: [] }, { rows }, { rows: [] }, { rows: [] }, { rows: [] }]
  const bridge = { _uuid: ['uuid', uuidOf(1)], ...bridgeRow() }

  test('is made anew when another writer was quicker', async () => {
    start()
    const session = await serve({})
    await connected()
    const configured = client.configure(settings)
    session.reply(await session.next('transact'), bridges(bridge))
    session.reply(await session.next('transact'), [
      { error: 'timed out', details: '"where" clause test failed' },
    ])
    session.reply(await session.next('transact'), bridges({ ...bridge, fail_mode: 'secure' }))
    const second = await session.next('transact')
    expect(JSON.stringify(second.params)).toContain('"fail_mode":["set",["secure"]]') // the guard, of what is there now
    session.reply(second, [{}, { uuid: ['uuid', uuidOf(5)] }, { count: 1 }])
    expect(await configured).toBe(true)
  })

  test('is given up when that goes on', async () => {
    start()
    const session = await serve({})
    await connected()
    const configured = client.configure(settings)
    const rejected = expect(configured).rejects.toThrow(OvsdbError)
    for (let attempt = 0; attempt < 8; attempt++) {
      session.reply(await session.next('transact'), bridges(bridge))
      session.reply(await session.next('transact'), [{ error: 'timed out' }])
    }
    await rejected
  })

  test('needs its bridge', async () => {
    start()
    const session = await serve({})
    await connected()
    const configured = client.configure(settings)
    const rejected = expect(configured).rejects.toThrow(new MissingBridgeError('br-int'))
    session.reply(await session.next('transact'), bridges())
    await rejected
  })

  test('waits for the one before it, and does not mind its failure', async () => {
    start()
    const session = await serve({})
    await connected()
    const first = client.configure(settings)
    const second = client.ensurePatch({ peerBridge: 'br-ex', physicalNetwork: 'physnet1' })
    const rejected = [
      expect(first).rejects.toThrow(OvsdbError),
      expect(second).rejects.toThrow(
        'there is no bridge br-ex, to which the physical network physnet1 is mapped; create it with: ovs-vsctl add-br br-ex',
      ),
    ]
    session.reply(await session.next('transact'), [{ error: 'resources exhausted' }])
    session.reply(await session.next('transact'), bridges(bridge))
    await Promise.all(rejected)
  })
})

describe('replaceController', () => {
  const target = 'tcp:127.0.0.1:6653'
  const none = ['set', []]
  const controller = {
    target,
    ...{ max_backoff: none, inactivity_probe: none, controller_queue_size: none },
    ...{ controller_rate_limit: none, controller_burst_limit: none, status: ['map', []] },
  }

  /** Answers everything up to the first half of the detour. */
  async function halfway(session: FakeSession): Promise<void> {
    const bridge = bridgeRow({ controller: ['uuid', uuidOf(50)] })
    session.reply(await session.next('transact'), [
      { rows: [] },
      { rows: [{ _uuid: ['uuid', uuidOf(1)], ...bridge }] },
      { rows: [] },
      { rows: [] },
      { rows: [{ _uuid: ['uuid', uuidOf(50)], ...controller }] },
    ])
    const there = await session.next('transact')
    expect(there.params[2]).toMatchObject({ op: 'update', row: { target: 'tcp:127.0.0.1:0' } })
    session.reply(there, [{}, { count: 1 }, { count: 1 }, { rows: [{ next_cfg: 8 }] }])
  }

  test('leads the row back even if the switch never looks', async () => {
    start()
    const session = await serve({})
    await connected()
    const replaced = client.replaceController()
    await halfway(session)
    session.reply(await session.next('transact'), [{ error: 'timed out' }, null])
    const back = await session.next('transact')
    expect(back.params).toHaveLength(2)
    expect(back.params[1]).toMatchObject({ op: 'update', row: { target } })
    session.reply(back, [{ count: 1 }])
    await replaced
  })

  test('passes on what else goes wrong', async () => {
    start()
    const session = await serve({})
    await connected()
    const replaced = client.replaceController()
    const rejected = expect(replaced).rejects.toThrow(OvsdbError)
    await halfway(session)
    session.reply(await session.next('transact'), [{ error: 'I/O error' }, null])
    await rejected
  })
})

test('can be closed while it connects', () => {
  start()
  client.close()
  expect(states).toHaveLength(1)
})
