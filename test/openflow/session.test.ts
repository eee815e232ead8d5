import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { OpenFlowError, SessionClosedError } from '../../src/openflow/failure.ts'
import { CodecError, decodeFlow, output } from '../../src/openflow/index.ts'
import { SwitchSession } from '../../src/openflow/session.ts'
import type { Outgoing, SessionHandlers } from '../../src/openflow/session-contract.ts'
import { manualClock } from '../support/clock.ts'
import { recordedSession } from '../support/recorded.ts'

/** What Open vSwitch sent: the replies have the xids of a session that does what `recordedTalk` does. */
const [hello, features, , , flows, error, barrierReply, packetIn, portStatus, echoRequest] =
  recordedSession().map(({ frame }) => frame) as [
    Buffer,
    Buffer,
    Buffer,
    Buffer,
    Buffer,
    Buffer,
    Buffer,
    Buffer,
    Buffer,
    Buffer,
  ]
const stream = Buffer.concat(recordedSession().map(({ frame }) => frame))

/** Changes a message that Open vSwitch sent in one place. */
function changed(frame: Buffer, changes: { xid?: number; flags?: number; data?: string }): Buffer {
  const copy =
    changes.data === undefined ? Buffer.from(frame) : Buffer.concat([frame, Buffer.from(changes.data)])
  copy.writeUInt16BE(copy.length, 2)
  if (changes.xid !== undefined) copy.writeUInt32BE(changes.xid, 4)
  if (changes.flags !== undefined) copy.writeUInt16BE(changes.flags, 10)
  return copy
}

const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex')

/** How Open vSwitch reads what we sent: the first line of each message. */
function ovsReads(chunk: Buffer): string[] {
  const lines: string[] = []
  for (let at = 0; at < chunk.length; at += chunk.readUInt16BE(at + 2)) {
    const hex = chunk.subarray(at, at + chunk.readUInt16BE(at + 2)).toString('hex')
    lines.push(execFileSync('ovs-ofctl', ['ofp-print', hex], { encoding: 'utf8' }).split('\n')[0]!)
  }
  return lines
}

function startSession() {
  const clock = manualClock()
  const written: Buffer[] = []
  const events: string[] = []
  const link = {
    isEnded: false,
    write(chunk: Buffer) {
      written.push(chunk)
      return false
    },
    end() {
      link.isEnded = true
    },
  }
  const note = (event: string): void => {
    events.push(event)
  }
  const handlers: SessionHandlers = {
    connected: () => note('connected'),
    packetIn: (_, { kind }) => note(kind),
    message: (_, { kind }) => note(kind),
    error: (_, { reason, subject }) => note(`${reason} for ${subject}`),
    rejected: (reason) => note(`rejected: ${reason}`),
  }
  const session = new SwitchSession(link, handlers, { clock, inactivityProbeMs: 5000 })
  session.start()
  return { session, clock, link, events, written, handlers }
}

function startConnected() {
  const started = startSession()
  started.session.receive(Buffer.concat([hello, features]))
  started.written.length = 0
  started.events.length = 0
  return started
}

const addFlow = {
  kind: 'flowMod',
  command: 'add',
  tableId: 5,
  priority: 1,
  match: {},
  instructions: [],
} as const satisfies Outgoing

describe('the beginning', () => {
  test('is our HELLO with the bitmap of OpenFlow 1.3 alone', () => {
    const { written } = startSession()
    expect(written.map((chunk) => chunk.toString('hex'))).toEqual(['04000010000000010001000800000010'])
    expect(ovsReads(written[0]!)).toEqual(['OFPT_HELLO (OF1.3) (xid=0x1):'])
  })

  test('is the packet-in format before anything that the switch answers', () => {
    const { session, written, events } = startSession()
    session.receive(hello)
    expect(written.slice(1).map(ovsReads)).toEqual([
      [
        'NXT_SET_PACKET_IN_FORMAT (OF1.3) (xid=0x2): format=nxt_packet_in2',
        'OFPT_FEATURES_REQUEST (OF1.3) (xid=0x3):',
      ],
    ])
    expect(events).toEqual([])
    expect(() => session.features).toThrow('not told its features yet')
    session.receive(features)
    expect(events).toEqual(['connected'])
    expect(session.features).toMatchObject({ tableCount: 254, datapathId: 0x0000_0e90_3849_624en })
  })

  test('keeps what comes before the features, in order, though its memory is written to again', () => {
    const { session, events, handlers } = startSession()
    const packets: string[] = []
    const { packetIn: note } = handlers
    handlers.packetIn = (from, message) => {
      note(from, message)
      packets.push(message.packet.toString('hex'))
    }
    const chunk = Buffer.concat([hello, packetIn, portStatus])
    session.receive(chunk)
    chunk.fill(0)
    expect(events).toEqual([])
    session.receive(Buffer.concat([features, packetIn]))
    expect(events).toEqual(['connected', 'packetIn2', 'portStatus', 'packetIn2'])
    expect(packets[0]).toBe(packets[1])
    expect(session.counts).toEqual({ packetIns: 2, errors: 0, unknown: 0 })
  })

  // biome-ignore format: one row a line
  test.each([
    ['1.3 without a bitmap',       '04000008 00000001',                   true],
    ['1.5 without a bitmap',       '06000008 00000001',                   true],
    ['1.4 and 1.3 in the bitmap',  '05000010 00000001 00010008 00000030', true],
    ['unknown elements and a bitmap of two words', '04000020 00000001 00070005 41000000 0001000c 00000010 00000000 00000000', true],
    ['1.0',                        '01000008 00000001',                   '1.0'],
    ['1.2',                        '03000008 00000001',                   '1.2'],
    ['1.4, but no 1.3, in the bitmap', '05000010 00000001 00010008 00000022', '1.0, 1.4'],
  ])('a switch that speaks %s', (_, hex, outcome) => {
    const { session, written, events, link } = startSession()
    session.receive(bytes(hex))
    if (outcome === true) {
      expect(events).toEqual([])
      expect(written).toHaveLength(2)
      return
    }
    const reason = `the switch offers OpenFlow ${outcome} and not 1.3: \`ovs-vsctl set bridge <bridge> protocols=OpenFlow13\``
    expect(events).toEqual([`rejected: ${reason}`])
    expect(link.isEnded).toBe(true)
    expect(ovsReads(written[1]!)).toEqual(['OFPT_ERROR (OF1.3) (xid=0x1): OFPHFC_INCOMPATIBLE'])
  })

  test.each([
    ['another message than HELLO', [features], 'the switch began with featuresReply and not with HELLO'],
    [
      'a refusal of our HELLO',
      [bytes('04010012 00000001 0000 0000 6f6c64657221')],
      'the switch began with error and not with HELLO: the switch refused a message of type 108 (xid=0x1): OFPHFC_INCOMPATIBLE',
    ],
    [
      'a refusal of the packet-in format',
      [hello, bytes('0401 0020 00000002 0001 0003 04040014 00000002 00002320 00000010 00000002')],
      'the switch refused NXT_SET_PACKET_IN_FORMAT (OF1.3) (xid=0x2): format=nxt_packet_in2: OFPBRC_BAD_VENDOR',
    ],
  ])('%s ends it', (_, frames, reason) => {
    const { session, events, link } = startSession()
    session.receive(Buffer.concat(frames))
    expect(events).toEqual([`rejected: ${reason}`])
    expect(link.isEnded).toBe(true)
  })

  test.each([
    ['HELLO', []],
    ['FEATURES_REPLY', [hello]],
  ])('may wait two periods for %s', async (name, frames) => {
    const { session, events, clock } = startSession()
    for (const frame of frames) session.receive(frame)
    await clock.advance(9999)
    session.receive(echoRequest.subarray(0, 4))
    expect(events).toEqual([])
    await clock.advance(1)
    expect(events).toEqual([`rejected: no ${name} from the switch within 10000 ms`])
  })
})

describe('the recorded conversation', () => {
  /** Asks what the recording answers, in its order. */
  async function recordedTalk(chunks: readonly Buffer[]) {
    const { session, events, written } = startSession()
    let answers: Promise<unknown>[] | undefined
    for (const chunk of chunks) {
      session.receive(chunk)
      if (events[0] !== 'connected') continue
      answers ??= [
        session.stats({ kind: 'portDesc' }),
        session.request({ kind: 'echoRequest', data: Buffer.from('are you there') }),
        session.stats({ kind: 'flow' }),
        session.transact([{ ...addFlow, match: { udpDst: 53, ipProto: 17, ethType: 0x0800 } }]),
      ]
    }
    return { answers: await Promise.all(answers ?? []), events, written }
  }

  test('is the same in any two pieces', async () => {
    const start = hello.length + features.length
    for (let at = start; at < stream.length; at += 1) {
      const chunks = [stream.subarray(0, start), stream.subarray(start, at), stream.subarray(at)]
      const { answers, events, written } = await recordedTalk(chunks)
      const [ports, echo, flowStats, outcomes] = answers as [
        unknown[],
        { data: Buffer },
        unknown[],
        OpenFlowError[],
      ]
      expect(ports).toMatchObject([{ portNo: 0xffff_fffe, name: 'br0' }])
      expect(echo.data.toString()).toBe('are you there')
      expect(flowStats).toMatchObject([{ tableId: 0 }, { tableId: 5 }, { tableId: 9, match: { udpDst: 53 } }])
      expect(outcomes).toHaveLength(1)
      expect(outcomes[0]).toMatchObject({ reason: 'OFPBMC_BAD_PREREQ' })
      expect(events).toEqual(['connected', 'packetIn2', 'portStatus'])
      expect(written.at(-1)!.toString('hex')).toBe('0403000800000000') // the answer to the switch's echo request
    }
  })

  test('begins the same byte by byte', () => {
    const { session, events } = startSession()
    for (const byte of stream) session.receive(Buffer.from([byte]))
    expect(events[0]).toBe('connected')
    expect(events.slice(-2)).toEqual(['packetIn2', 'portStatus'])
  })

  test('hands a packet-in on with everything that a resume needs', () => {
    const { session, handlers, written } = startConnected()
    handlers.packetIn = (_, packet) => {
      expect(packet.owner).toBe('dns')
      session.resume(packet)
    }
    session.receive(packetIn)
    const resume = Buffer.from(packetIn)
    resume[15] = 28 // NXT_RESUME differs from NXT_PACKET_IN2 by its subtype and its xid
    resume.writeUInt32BE(4, 4)
    expect(written.map((chunk) => chunk.toString('hex'))).toEqual([resume.toString('hex')])
  })
})

describe('a message that is none', () => {
  // biome-ignore format: one row a line
  test.each([
    ['a wrong version',        '05020008 00000000', 'malformed message: a message of type 2 has version 5, not 4 (OpenFlow 1.3)'],
    ['an impossible size',     '04020004 00000000', "malformed message: a message of type 2 states a size of 4 bytes, less than its header's 8"],
    ['a body that is cut off', '040c0010 00000000 02000000 00000000', 'malformed message: portStatus.port.portNo: needs 4 bytes, but 0 are left'],
    ['a body that is too long', '0415000c 00000000 00000000', 'malformed message: barrierReply: 4 bytes left over'],
  ])('%s ends the session with a reason; what came before it counts', async (_, hex, reason) => {
    const { session, link, events, written } = startConnected()
    const answer = session.request({ kind: 'barrierRequest' })
    session.receive(Buffer.concat([portStatus, echoRequest, bytes(hex), portStatus]))
    expect(events).toEqual(['portStatus'])
    expect(written.at(-1)!.toString('hex')).toBe('0403000800000000')
    expect(link.isEnded).toBe(true)
    await expect(session.closed).resolves.toBe(reason)
    await expect(answer).rejects.toThrow(`the connection to the switch is closed: ${reason}`)
    session.receive(portStatus)
    expect(events).toEqual(['portStatus'])
  })

  test('of an unknown type is handed on and counted', () => {
    const { session, events } = startConnected()
    session.receive(bytes('04630008 00000000 04040010 00000000 00002320 0000ffee'))
    expect(events).toEqual(['unknown', 'unknown'])
    expect(session.counts).toEqual({ packetIns: 0, errors: 0, unknown: 2 })
  })
})

describe('echo', () => {
  test('requests are answered with their payload, all of a chunk in one write', () => {
    const { session, written } = startConnected()
    const requests = ['one', 'two', ''].map((data, xid) => changed(echoRequest, { xid, data }))
    session.receive(Buffer.concat(requests))
    const replies = requests.map((frame) => Buffer.concat([bytes('0403'), frame.subarray(2)]))
    expect(written).toEqual([Buffer.concat(replies)])
  })

  test('is asked for after a silent period, and its answer is a sign of life', async () => {
    const { session, clock, written, events } = startConnected()
    await clock.advance(4000)
    session.receive(portStatus)
    await clock.advance(4999)
    expect(written).toEqual([])
    await clock.advance(1)
    expect(written.map(ovsReads)).toEqual([['OFPT_ECHO_REQUEST (OF1.3) (xid=0x4): 0 bytes of payload']])
    await clock.advance(4999)
    session.receive(changed(echoRequest, { xid: 4 }).fill(3, 1, 2))
    await clock.advance(4999)
    expect([written.length, session.isClosed]).toEqual([1, false])
    await clock.advance(1)
    expect([written.length, session.isClosed]).toEqual([2, false])
    expect(events).toEqual(['portStatus'])
  })

  test('that is not answered for a second period ends the session', async () => {
    const { session, clock, events } = startConnected()
    await clock.advance(9999)
    expect(session.isClosed).toBe(false)
    await clock.advance(1)
    await expect(session.closed).resolves.toBe('the switch has said nothing for 10000 ms')
    expect(events).toEqual([])
  })
})

describe('requests', () => {
  test('get the reply with their xid, in whatever order', async () => {
    const { session } = startConnected()
    const [first, second] = [
      session.request({ kind: 'barrierRequest' }),
      session.request({ kind: 'featuresRequest' }),
    ]
    session.receive(Buffer.concat([changed(features, { xid: 5 }), changed(barrierReply, { xid: 4 })]))
    await expect(first).resolves.toEqual({ kind: 'barrierReply', xid: 4 })
    await expect(second).resolves.toMatchObject({ kind: 'featuresReply', xid: 5, tableCount: 254 })
  })

  test("are not answered by the switch's own messages with their xid, nor by other replies", async () => {
    const { session, events } = startConnected()
    const answer = session.request({ kind: 'barrierRequest' })
    const others = [
      changed(echoRequest, { xid: 4 }),
      changed(portStatus, { xid: 4 }),
      changed(features, { xid: 4 }),
    ]
    session.receive(Buffer.concat(others))
    expect(events).toEqual(['portStatus', 'featuresReply'])
    session.receive(changed(barrierReply, { xid: 4 }))
    await expect(answer).resolves.toMatchObject({ kind: 'barrierReply' })
  })

  test('are rejected by the error with their xid', async () => {
    const { session, events } = startConnected()
    const [first, second] = [session.stats({ kind: 'flow', tableId: 7 }), session.stats({ kind: 'flow' })]
    session.receive(changed(error, { xid: 4 }))
    const refusal = await first.catch((reason: unknown) => reason)
    expect(refusal).toBeInstanceOf(OpenFlowError)
    expect(refusal).toMatchObject({
      reason: 'OFPBMC_BAD_PREREQ',
      subject: 'OFPST_FLOW request (OF1.3) (xid=0x4): table=7',
    })
    session.receive(changed(flows, { xid: 5 }))
    await expect(second).resolves.toHaveLength(3)
    expect(events).toEqual([])
  })

  test('in several parts are answered by all of them', async () => {
    const { session } = startConnected()
    const answer = session.stats({ kind: 'flow' })
    let isAnswered = false
    void answer.then(() => {
      isAnswered = true
    })
    session.receive(changed(flows, { xid: 4, flags: 1 }))
    session.receive(changed(flows, { xid: 4, flags: 1 }))
    await Promise.resolve()
    expect(isAnswered).toBe(false)
    session.receive(changed(flows, { xid: 4, flags: 0 }))
    expect((await answer).map(({ tableId }) => tableId)).toEqual([0, 5, 9, 0, 5, 9, 0, 5, 9])
  })

  test('for flows in several parts have each handed on as it comes, to whoever wants them so', async () => {
    const { session } = startConnected()
    const seen: number[] = []
    const answer = session.readFlows({}, (...place) => seen.push(decodeFlow(...place).tableId))
    const other = session.stats({ kind: 'flow' })
    session.receive(changed(flows, { xid: 4, flags: 1 }))
    expect(seen).toEqual([0, 5, 9])
    session.receive(
      Buffer.concat([changed(flows, { xid: 5, flags: 0 }), changed(flows, { xid: 4, flags: 0 })]),
    )
    await answer
    expect(seen).toEqual([0, 5, 9, 0, 5, 9])
    expect(await other).toHaveLength(3)
  })

  test('for flows are rejected when whoever takes them fails on one, and the session goes on', async () => {
    const { session, events } = startConnected()
    const answer = session.readFlows({}, () => {
      throw new Error('a bug')
    })
    session.receive(changed(flows, { xid: 4, flags: 0 }))
    await expect(answer).rejects.toThrow('a bug')
    expect(events).toEqual([])
  })

  test('for flows ask for one table, and are rejected by the error with their xid', async () => {
    const { session, written } = startConnected()
    const answer = session.readFlows({ tableId: 7 }, () => {})
    expect(written.flatMap(ovsReads)).toEqual(['OFPST_FLOW request (OF1.3) (xid=0x4): table=7'])
    session.receive(changed(error, { xid: 4 }))
    await expect(answer).rejects.toMatchObject({ reason: 'OFPBMC_BAD_PREREQ' })
  })

  test('that cannot be encoded are rejected, and nothing is sent', async () => {
    const { session, written } = startConnected()
    const bad: Outgoing = { ...addFlow, priority: 65536 }
    await expect(session.transact([addFlow, bad])).rejects.toThrow(CodecError)
    expect(() => session.send(addFlow, bad)).toThrow(/flowMod\.priority: 65536 is not a u16/)
    expect(written).toEqual([])
  })
})

describe('a transaction', () => {
  test('is one write with a barrier at its end, and succeeds when that returns', async () => {
    const { session, written } = startConnected()
    const outcomes = session.transact([addFlow, addFlow])
    expect(written.map(ovsReads)).toEqual([
      [
        'OFPT_FLOW_MOD (OF1.3) (xid=0x4): ADD table:5 priority=1 actions=drop',
        'OFPT_FLOW_MOD (OF1.3) (xid=0x5): ADD table:5 priority=1 actions=drop',
        'OFPT_BARRIER_REQUEST (OF1.3) (xid=0x6):',
      ],
    ])
    session.receive(changed(barrierReply, { xid: 6 }))
    await expect(outcomes).resolves.toEqual([undefined, undefined])
  })

  test('tells the error of each message, by name and text', async () => {
    const { session, events } = startConnected()
    const first = session.transact([addFlow, { ...addFlow, priority: 2 }, addFlow])
    const second = session.transact([addFlow])
    session.receive(Buffer.concat([5, 8].map((xid) => changed(error, { xid }))))
    session.receive(changed(barrierReply, { xid: 7 }))
    session.receive(changed(barrierReply, { xid: 9 }))
    const outcomes = await first
    expect(outcomes.map((outcome) => outcome?.reason)).toEqual([undefined, 'OFPBMC_BAD_PREREQ', undefined])
    expect(outcomes[1]!.subject).toBe('OFPT_FLOW_MOD (OF1.3) (xid=0x5): ADD table:5 priority=2 actions=drop')
    expect((await second).map((outcome) => outcome?.reason)).toEqual(['OFPBMC_BAD_PREREQ'])
    expect(events).toEqual([])
  })

  test('of nothing is a barrier', async () => {
    const { session } = startConnected()
    const outcomes = session.transact([])
    session.receive(changed(barrierReply, { xid: 4 }))
    await expect(outcomes).resolves.toEqual([])
  })

  test('that ended does not take later errors', async () => {
    const { session, events } = startConnected()
    const outcomes = session.transact([addFlow])
    session.receive(changed(barrierReply, { xid: 5 }))
    await outcomes
    session.receive(changed(error, { xid: 4 }))
    expect(events).toHaveLength(1)
  })
})

test('an error that nobody waits for is named, counted and not fatal', () => {
  const { session, events } = startConnected()
  session.send({ kind: 'packetOut', actions: [output(1)], data: Buffer.alloc(64) })
  const [stale, cut] = [
    bytes('0401 0028 00000004 ffff 0023 00002320 04040018 00000004 00002320 0000001c 00000005 00080000'),
    bytes('0401 0018 00000005 ffff 0023 00002320 040d0050 00000005'),
  ]
  const bare = bytes('0401000c 00000006 0001 0001')
  session.receive(Buffer.concat([stale, cut, bare, portStatus]))
  expect(events).toEqual([
    'NXR_STALE for NXT_RESUME (OF1.3) (xid=0x4): total_len=1  (via no_match) data_len=1 (unbuffered)',
    'NXR_STALE for a message of type 13 (xid=0x5)',
    'OFPBRC_BAD_TYPE for a message (xid=0x6)',
    'portStatus',
  ])
  expect(session.counts).toEqual({ packetIns: 0, errors: 3, unknown: 0 })
})

describe('the end', () => {
  test('rejects everybody who waits, with the reason', async () => {
    const { session, link, events } = startConnected()
    const waiting = [
      session.request({ kind: 'barrierRequest' }),
      session.stats({ kind: 'flow' }),
      session.transact([addFlow]),
    ]
    session.close('done')
    session.close('done again')
    const late = [session.request({ kind: 'barrierRequest' }), session.transact([])]
    for (const answer of [...waiting, ...late])
      await expect(answer).rejects.toEqual(new SessionClosedError('done'))
    await expect(session.closed).resolves.toBe('done')
    expect([link.isEnded, events]).toEqual([true, []])
  })

  test('comes after what was sent, and nothing is sent after it', () => {
    const { session, written, handlers } = startConnected()
    handlers.packetIn = () => {
      session.send({ kind: 'barrierRequest' })
      session.close('enough')
      session.send({ kind: 'barrierRequest' })
    }
    session.receive(Buffer.concat([packetIn, packetIn]))
    expect(written.map(ovsReads)).toEqual([['OFPT_BARRIER_REQUEST (OF1.3) (xid=0x4):']])
  })

  test('in the handler of the beginning is final', () => {
    const { session, handlers, events } = startSession()
    handlers.connected = () => session.close('not this one')
    session.receive(Buffer.concat([hello, packetIn, features, packetIn]))
    expect([events, session.isClosed]).toEqual([[], true])
  })
})

test('what a handler sends leaves in one write when the chunk is read', () => {
  const { session, written, handlers } = startConnected()
  handlers.packetIn = () => session.send({ kind: 'packetOut', actions: [output(1)], data: Buffer.alloc(64) })
  session.receive(Buffer.concat([packetIn, packetIn, packetIn]))
  expect(written).toHaveLength(1)
  expect(ovsReads(written[0]!)).toHaveLength(3)
})

describe('packet-ins that come together', () => {
  const malformed = Buffer.from(packetIn)
  malformed.writeUInt16BE(1, 18) // the size of its first property

  test.each<[string, Buffer[], string[]]>([
    ['are foreseen', [packetIn, packetIn], ['foreseen 2', 'packetIn2', 'packetIn2']],
    ['are not, if it is one alone', [packetIn], ['packetIn2']],
    [
      'are told of before what comes after them',
      [packetIn, packetIn, portStatus, packetIn],
      ['foreseen 2', 'packetIn2', 'packetIn2', 'portStatus', 'packetIn2'],
    ],
    [
      'are told of before the connection ends',
      [packetIn, packetIn, malformed, packetIn],
      ['foreseen 2', 'packetIn2', 'packetIn2', 'closed'],
    ],
    [
      'are foreseen 128 at a time',
      Array.from({ length: 257 }, () => packetIn),
      [128, 128].flatMap((n) => [`foreseen ${n}`, ...Array(n).fill('packetIn2')]).concat('packetIn2'),
    ],
  ])('%s', (_name, chunk, expected) => {
    const { session, handlers, events } = startConnected()
    handlers.foresee = (_, __, count) => void events.push(`foreseen ${count}`)
    session.receive(Buffer.concat(chunk))
    expect(session.isClosed ? [...events, 'closed'] : events).toEqual(expected)
  })
})

describe('each packet-in is read as what it is', () => {
  const numbered = (xid: number) => {
    const message = Buffer.from(packetIn)
    message.writeUInt32BE(xid, 4)
    return message
  }

  test.each<[string, Buffer[][]]>([
    [
      'before the features are here',
      [
        [hello, numbered(1), numbered(2)],
        [numbered(3), features, numbered(4)],
      ],
    ],
    [
      'in one chunk and the next',
      [[hello, features], [numbered(1), numbered(2)], [numbered(3)], [numbered(4)]],
    ],
    [
      'beside other messages',
      [[hello, features], [numbered(1), portStatus, numbered(2), numbered(3)], [numbered(4)]],
    ],
  ])('%s', (_name, chunks) => {
    const { session, handlers } = startSession()
    const seen: number[] = []
    const foreseen: number[] = []
    handlers.foresee = (_, messages, count) =>
      void foreseen.push(...messages.slice(0, count).map(({ xid }) => xid))
    handlers.packetIn = (_, { xid }) => void seen.push(xid)
    for (const chunk of chunks) session.receive(Buffer.concat(chunk))
    expect(seen).toEqual([1, 2, 3, 4])
    expect(foreseen.every((xid) => seen.includes(xid))).toBe(true)
  })
})

test('a handler that throws breaks neither what was sent nor what comes next', () => {
  const { session, written, handlers, events } = startConnected()
  handlers.packetIn = () => {
    session.send({ kind: 'barrierRequest' })
    throw new Error('a bug')
  }
  expect(() => session.receive(packetIn)).toThrow('a bug')
  session.receive(portStatus)
  expect([written.length, events]).toEqual([1, ['portStatus']])
})
