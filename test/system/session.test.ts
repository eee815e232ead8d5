/** The OpenFlow session against Open vSwitch itself, with the chain of rows that the dns application stands on. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createNamespace, createVeth, deleteNamespace, ip, runIn } from '../../src/lab/namespace.ts'
import { waitUntil } from '../../src/lab/process.ts'
import { type Switch, startSwitch } from '../../src/lab/switch.ts'
import type { OpenFlowError } from '../../src/openflow/failure.ts'
import {
  type Action,
  controller,
  ethTypes,
  type Flow,
  type Group,
  type Message,
  output,
  type PacketIn,
  ports,
  resubmit,
  setField,
} from '../../src/openflow/index.ts'
import { type Listener, type ListenOptions, listen } from '../../src/openflow/listener.ts'
import type { SwitchSession } from '../../src/openflow/session.ts'
import type { Outgoing, Session } from '../../src/openflow/session-contract.ts'

const node = `dft-${process.pid}-of`
const vm = `dft-${process.pid}-vm`
const directory = mkdtempSync(join(tmpdir(), 'df-of-'))
const target = `unix:${join(directory, 'br-int.controller')}`

let ovs: Switch
let listener: Listener | undefined
/** Every session since the beginning; the last one may be alive. */
const sessions: SwitchSession[] = []
let packetIns: PacketIn[]
let messages: Message[]
let errors: OpenFlowError[]
let onPacketIn: (session: Session, message: PacketIn) => void

const handlers = {
  connected: (session: Session) => void sessions.push(session as SwitchSession),
  packetIn: (session: Session, message: PacketIn) => {
    packetIns.push(message)
    onPacketIn(session, message)
  },
  message: (_: Session, message: Message) => void messages.push(message),
  error: (_: Session, error: OpenFlowError) => void errors.push(error),
  rejected: () => {},
}

beforeAll(async () => {
  for (const name of [node, vm]) await createNamespace(name)
  ovs = await startSwitch({ directory, namespace: node, bridge: 'br-int' })
  await createVeth({ namespace: node, device: 'port-vm' }, { namespace: vm, device: 'eth0' })
  await ip(vm, [
    'address add 192.0.2.1/24 dev eth0',
    'neighbour add 192.0.2.53 lladdr 02:00:00:00:00:53 dev eth0',
  ])
  await ovs.vsctl('add-port', 'br-int', 'port-vm', '--', 'set', 'interface', 'port-vm', 'ofport_request=7')
  await ovs.vsctl('set-controller', 'br-int', target)
  // Open vSwitch 3.1.0 applies max_backoff only to a controller that is connected (else 1, 2, 4, 8 s).
  await connected()
  await ovs.vsctl('set', 'controller', 'br-int', 'max_backoff=1000', 'inactivity_probe=5000')
})

afterAll(async () => {
  await listener?.close()
  await ovs?.stop()
  for (const name of [node, vm]) await deleteNamespace(name)
  rmSync(directory, { recursive: true })
})

beforeEach(() => {
  packetIns = []
  messages = []
  errors = []
  onPacketIn = () => {}
})

/** A session that lives: this one, or the next; the switch's back-off is at most a second. */
async function connected(options: ListenOptions = {}): Promise<Session> {
  listener ??= await listen(target, handlers, options)
  await waitUntil('the switch to connect', () => sessions.at(-1)?.isClosed === false)
  return sessions.at(-1)!
}

async function disconnected(): Promise<void> {
  await listener?.close()
  listener = undefined
}

const add = (flow: Flow): Outgoing => ({ kind: 'flowMod', command: 'add', ...flow })
const deleteAll: Outgoing[] = [
  { kind: 'flowMod', command: 'delete', tableId: 0xff, priority: 0, match: {}, instructions: [] },
  { kind: 'groupMod', command: 'delete', groupId: 0xffff_fffc, type: 'all', buckets: [] },
]
const apply = (...actions: Action[]): Flow['instructions'] => [{ kind: 'applyActions', actions }]
const flow = (tableId: number, match: Flow['match'], ...actions: Action[]): Flow => ({
  tableId,
  priority: 100,
  match,
  instructions: apply(...actions),
})
const noFailure = (outcomes: readonly unknown[]) => expect(outcomes.filter((outcome) => outcome)).toEqual([])

const userdata = Buffer.from('dns')
const groups: Group[] = [
  { groupId: 2, type: 'indirect', buckets: [{ actions: [] }] },
  {
    groupId: 1,
    type: 'fastFailover',
    buckets: [
      { watchPort: ports.controller, actions: [resubmit(33)] },
      { watchGroup: 2, actions: [resubmit(55)] },
    ],
  },
]
/** Queries of a port go to the group; while the controller lives, it gets them paused; then they go on to 55. */
const chain: Outgoing[] = [
  ...deleteAll,
  ...groups.map((group): Outgoing => ({ kind: 'groupMod', command: 'add', ...group })),
  add(flow(0, { ethType: ethTypes.ipv4, ipProto: 17, udpDst: 53 }, setField({ reg6: 9 }), resubmit(32))),
  add(flow(32, { reg6: 9 }, { kind: 'group', groupId: 1 })),
  add(flow(33, {}, controller({ pause: true, userdata }), resubmit(55))),
  add(flow(55, { reg6: 9 })),
]

/** Sends a query from the VM and returns what came back within a second: the text and its sender. */
async function ask(text: string): Promise<string> {
  const script = [
    'import socket',
    's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)',
    's.settimeout(1)',
    `s.sendto(b"${text}", ("192.0.2.53", 53))`,
    'try: print(*s.recvfrom(99))',
    'except TimeoutError: print("nothing")',
  ]
  return (await runIn(vm, 'python3', ['-c', script.join('\n')])).trim()
}

/** How many packets the rows of a table have seen. */
async function packetCount(session: Session, tableId: number): Promise<number> {
  const rows = await session.stats({ kind: 'flow', tableId })
  return Number(rows.reduce((sum, row) => sum + row.packetCount, 0n))
}

/** The frame of a query turned into its reply: addresses and ports swapped, which changes no checksum. */
function answerTo(query: Buffer): Buffer {
  const frame = Buffer.from(query)
  for (const [at, size] of [
    [0, 6],
    [26, 4],
    [34, 2],
  ] as const) {
    query.copy(frame, at, at + size, at + 2 * size)
    query.copy(frame, at + size, at, at + size)
  }
  return frame
}

test('a switch connects and tells what it is', async () => {
  const session = await connected()
  const id = `"${session.features.datapathId.toString(16).padStart(16, '0')}"`
  expect((await ovs.vsctl('get', 'bridge', 'br-int', 'datapath_id')).trim()).toBe(id)
  const names = (await session.stats({ kind: 'portDesc' })).map(({ portNo, name }) => [portNo, name])
  expect(names).toEqual(
    expect.arrayContaining([
      [7, 'port-vm'],
      [ports.local, 'br-int'],
    ]),
  )
  await ovs.vsctl('add-port', 'br-int', 'port-new', '--', 'set', 'interface', 'port-new', 'type=internal')
  await waitUntil('a port status', () => messages.some(({ kind }) => kind === 'portStatus'))
  await ovs.vsctl('del-port', 'br-int', 'port-new')
})

describe('the chain', () => {
  test('stands in the switch as it was sent', async () => {
    const session = await connected()
    noFailure(await session.transact(chain))
    const dump = await ovs.ofctl('--no-stats', 'dump-flows', 'br-int')
    expect(
      dump
        .trim()
        .split('\n')
        .map((line) => line.trim()),
    ).toEqual([
      'priority=100,udp,tp_dst=53 actions=set_field:0x9->reg6,resubmit(,32)',
      'table=32, priority=100,reg6=0x9 actions=group:1',
      'table=33, priority=100 actions=controller(userdata=64.6e.73,pause),resubmit(,55)',
      'table=55, priority=100,reg6=0x9 actions=drop',
    ])
    expect(await ovs.ofctl('dump-groups', 'br-int')).toContain(
      'group_id=1,type=ff,bucket=watch_port:CONTROLLER,actions=resubmit(,33),bucket=watch_group:2,actions=resubmit(,55)',
    )
    const read = await session.stats({ kind: 'groupDesc' })
    expect(read.toSorted((a, b) => b.groupId - a.groupId)).toEqual(groups)
  })

  test('pauses a packet, and a resume lets it go on with its registers', async () => {
    const session = await connected()
    noFailure(await session.transact(chain))
    onPacketIn = (_, packetIn) => session.resume(packetIn)
    expect(await ask('resumed')).toBe('nothing')
    expect(packetIns).toHaveLength(1)
    const { metadata, packet, owner, isPaused } = packetIns[0]!
    expect(owner).toBe(userdata.toString())
    expect([metadata.reg6, metadata.inPort]).toEqual([9, 7])
    expect(packetIns[0]!.register(6)).toBe(9)
    expect(packet.subarray(-7).toString()).toBe('resumed')
    expect(isPaused).toBe(true)
    await waitUntil('the packet in table 55', async () => (await packetCount(session, 55)) === 1)
    expect(errors).toEqual([])
  })

  test('takes a packet-out for an answer, and the query goes no further', async () => {
    const session = await connected()
    noFailure(await session.transact(chain))
    onPacketIn = (_, { packet }) => session.output(7, answerTo(packet))
    expect(await ask('answered')).toBe("b'answered' ('192.0.2.53', 53)")
    await waitUntil('the counters', async () => (await packetCount(session, 33)) === 1)
    expect(await packetCount(session, 55)).toBe(0)
    expect(packetIns).toHaveLength(1)
    expect(errors).toEqual([])
  })

  test('passes everything on while there is no controller, and pauses again when it is back', async () => {
    const session = await connected()
    noFailure(await session.transact(chain))
    await disconnected()
    const seenBy55 = async () =>
      /n_packets=(\d+)/.exec(await ovs.ofctl('dump-flows', 'br-int', 'table=55'))![1]
    expect(await ask('alone')).toBe('nothing')
    await waitUntil('the packet in table 55', async () => (await seenBy55()) === '1')
    expect(packetIns).toEqual([])
    const next = await connected()
    noFailure(await next.transact([]))
    expect(await ask('together')).toBe('nothing')
    expect(packetIns.map(({ packet }) => packet.subarray(-8).toString())).toEqual(['together'])
    expect(await seenBy55()).toBe('1')
  })

  test('names the error of a resume that is not the switch’s, and goes on', async () => {
    const session = await connected()
    noFailure(await session.transact(chain))
    onPacketIn = (_, packetIn) => {
      const decoded = packetIn.decoded()
      // NXCPT_BRIDGE, the first of the continuation's properties: the UUID of the bridge that paused the packet.
      const continuation = Buffer.from(decoded.continuation)
      expect(continuation.subarray(0, 4).toString('hex')).toBe('80000014')
      continuation.fill(0, 4, 20)
      session.send({ ...decoded, kind: 'resume', continuation })
    }
    await ask('stale')
    await waitUntil('the error', () => errors.length > 0)
    expect(errors.map(({ reason }) => reason)).toEqual(['NXR_STALE'])
    expect(errors[0]!.subject).toMatch(/^NXT_RESUME \(OF1\.3\) \(xid=0x[0-9a-f]+\): /)
    expect(packetIns).toHaveLength(1)
    noFailure(await session.transact([]))
  })
})

describe('what the switch refuses', () => {
  test('comes back by name with its text; the rest of the transaction stands', async () => {
    const session = await connected()
    const outcomes = await session.transact([
      ...deleteAll,
      add(flow(1, {}, output(7))),
      add(flow(2, { reg6: 1 }, { kind: 'group', groupId: 77 })),
      add(flow(255, {}, output(7))),
      { kind: 'groupMod', command: 'modify', groupId: 78, type: 'indirect', buckets: [{ actions: [] }] },
      add(flow(3, {}, output(7))),
    ])
    expect(outcomes.map((outcome) => outcome?.reason)).toEqual([
      undefined,
      undefined,
      undefined,
      'OFPBAC_BAD_OUT_GROUP',
      'OFPFMFC_BAD_TABLE_ID',
      'OFPGMFC_UNKNOWN_GROUP',
      undefined,
    ])
    expect(outcomes[3]!.message).toMatch(
      /^the switch refused OFPT_FLOW_MOD \(OF1\.3\) \(xid=0x[0-9a-f]+\): ADD table:2 priority=100,reg6=0x1 actions=group:77: OFPBAC_BAD_OUT_GROUP$/,
    )
    const dump = await ovs.ofctl('--no-stats', 'dump-flows', 'br-int')
    expect(dump.match(/table=\d+/g)).toEqual(['table=1', 'table=3'])
  })

  test('may be five thousand messages in one transaction: neither side waits for the other', async () => {
    const session = await connected()
    const refused = Array.from({ length: 5000 }, (_, index) =>
      add(flow(2, { reg6: index }, { kind: 'group', groupId: 77 })),
    )
    const outcomes = await session.transact(refused)
    expect(outcomes.filter((outcome) => outcome?.reason === 'OFPBAC_BAD_OUT_GROUP')).toHaveLength(5000)
    expect(outcomes[4321]!.subject).toContain('reg6=0x10e1 ')
  })
})

test('a long table is read in many parts', async () => {
  const session = await connected()
  const many = Array.from({ length: 5000 }, (_, index) => add(flow(9, { reg6: index }, output(7))))
  noFailure(await session.transact([...deleteAll, ...many]))
  const rows = await session.stats({ kind: 'flow', tableId: 9 })
  expect(new Set(rows.map(({ match }) => match.reg6))).toHaveProperty('size', 5000)
  noFailure(await session.transact(deleteAll))
  expect(await session.stats({ kind: 'flow' })).toEqual([])
})

test('a silent session is kept alive by echoes', async () => {
  await disconnected()
  const session = await connected({ inactivityProbeMs: 1000 })
  await sleep(3500)
  noFailure(await session.transact([]))
  expect(sessions.at(-1)).toBe(session)
})

test('a connection that is cut anywhere is opened again, and every question is answered or rejected', async () => {
  const behind = `unix:${join(directory, 'behind.sock')}`
  let cutAfter = 0
  let cuts = 0
  const relay = createServer((near) => {
    const far = connect(behind.slice('unix:'.length))
    let left = cutAfter
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('error', () => to.destroy())
      from.on('close', () => to.destroy())
      from.on('data', (chunk) => {
        to.write(chunk.subarray(0, left))
        left -= Math.min(left, chunk.length)
        if (left > 0) return
        near.destroy()
        cuts += 1
      })
    }
  })
  await disconnected()
  const before = sessions.length
  listener = await listen(behind, handlers)
  const flows = Array.from({ length: 300 }, (_, index) => add(flow(9, { reg6: index }, output(7))))
  const outcomes: string[] = []
  const { connected: remember } = handlers
  handlers.connected = (session) => {
    remember(session)
    for (const answer of [session.transact(flows), session.stats({ kind: 'flow' })])
      answer.then(
        () => outcomes.push('answered'),
        (error: Error) => outcomes.push(error.name),
      )
  }
  relay.listen(target.slice('unix:'.length))
  try {
    for (const size of [3, 11, 50, 77, 1000, 40_000]) {
      cutAfter = size
      const count = cuts
      await waitUntil('the cut', () => cuts > count)
    }
    cutAfter = Number.POSITIVE_INFINITY
    await waitUntil('a session that lasts', () => outcomes.slice(-2).join() === 'answered,answered')
  } finally {
    handlers.connected = remember
    relay.close()
  }
  expect(outcomes).toHaveLength(2 * (sessions.length - before))
  expect(new Set(outcomes)).toEqual(new Set(['answered', 'SessionClosedError']))
  const rows = await sessions.at(-1)!.stats({ kind: 'flow', tableId: 9 })
  expect(new Set(rows.map(({ match }) => match.reg6)).size).toBe(300)
})

test('in all this the switch never took us for dead', () => {
  const log = readFileSync(join(directory, 'ovs-vswitchd.log'), 'utf8')
  expect(log).not.toMatch(/no response to inactivity probe|received .* with incorrect|protocol error/)
})
