import { describe, expect, test } from 'vitest'
import { type App, selfCheckPort } from '../../src/app/app.ts'
import { tables } from '../../src/app/pipeline.ts'
import type { LocalPort } from '../../src/app/view.ts'
import { cookieOf } from '../../src/controller/cookie.ts'
import { createPuntDesk, type PuntLink } from '../../src/controller/punt.ts'
import { silentLogger } from '../../src/log.ts'
import { createMetrics } from '../../src/metrics.ts'
import { decode, encode, type Message, type MessageOf, PacketIn } from '../../src/openflow/index.ts'
import { Outbox } from '../../src/openflow/outbox.ts'
import { appOf, deciderOf, flowOf } from '../support/apps.ts'
import { manualClock } from '../support/clock.ts'
import { tenants, twoTenants } from '../support/view.ts'

const frame = Buffer.from('a frame')
const answer = Buffer.from('an answer')

/** A paused packet with its owner's name and its asker's key. */
function packetOf(userdata: string, reg6?: number, rest: Partial<MessageOf<'packetIn2'>> = {}): PacketIn {
  const message: Message = {
    ...{ kind: 'packetIn2', xid: 0, packet: frame, tableId: 33, cookie: 0n, reason: 1 },
    metadata: reg6 === undefined ? {} : { reg6 },
    userdata: Buffer.from(userdata),
    continuation: Buffer.from('a state.'),
    ...rest,
  } as Message
  return new PacketIn(encode(message))
}

const replier = (name = 'dns') => deciderOf(name, () => ({ kind: 'reply', frame: answer, why: 'answered' }))

function setup(apps: App[], hasView = true) {
  const clock = manualClock()
  const metrics = createMetrics()
  const sent: Message[] = []
  const checked: string[] = []
  const desk = createPuntDesk({
    apps,
    clock,
    log: silentLogger,
    metrics,
    selfChecked: (app, sequence) => checked.push(`${app} ${sequence}`),
  })
  if (hasView) desk.setView(twoTenants())
  const outbox = new Outbox((bytes) => sent.push(decode(bytes)) > 0)
  const link: PuntLink = {
    output(port, data) {
      outbox.addPacketOut(1, port, data)
      outbox.flush()
    },
    get room() {
      return outbox.room
    },
    outputRoom(port, size) {
      outbox.addRoom(1, port, size)
      outbox.flush()
    },
    heardAtMs: clock.now(),
    async transact(messages) {
      sent.push(...(messages as Message[]))
      return []
    },
    resume({ bytes, start, end }) {
      outbox.addResume(1, bytes, start, end)
      outbox.flush()
    },
  }
  /** What was sent, in one word each. */
  const fates = () =>
    sent.map((message) =>
      message.kind === 'packetOut' ? `out ${JSON.stringify(message.actions)} ${message.data}` : message.kind,
    )
  const counted = async () =>
    (await metrics.text()).split('\n').filter((line) => line.startsWith('df_punts_total'))
  return {
    clock,
    desk,
    link,
    sent,
    checked,
    fates,
    counted,
    metrics,
    take: (packet: PacketIn) => desk.packetIn(link, packet),
  }
}

const count = (app: string, verdict: string, why: string, n = 1) =>
  `df_punts_total{app="${app}",verdict="${verdict}",why="${why}"} ${n}`

describe('packets that come together', () => {
  const together = [
    packetOf('dns', 1),
    packetOf('other', 1),
    packetOf('dns', 4),
    packetOf('dns', 99),
    packetOf('dns'),
  ]

  test('are foreseen by their owner, each with its own tenant’s port', () => {
    const seen: string[] = []
    const foresee: App['foresee'] = (sights, count) =>
      void seen.push(
        sights
          .slice(0, count)
          .map(
            ({ port, bytes, start, end }) =>
              `${port.topic} ${port.key} ${bytes.toString('latin1', start, end)}`,
          )
          .join(),
      )
    const { desk } = setup([
      deciderOf('dns', () => ({ kind: 'pass', why: 'x' }), { foresee }),
      replier('other'),
    ])
    desk.foresee(together, together.length)
    expect(seen).toEqual([`${tenants.red} 1 a frame,${tenants.blue} 4 a frame`])
    desk.setView(undefined)
    desk.foresee(together, together.length)
    expect(seen).toHaveLength(1)
  })

  test('are decided by what is true when their turn comes', () => {
    const ports: string[] = []
    const decider = deciderOf('dns', ({ port }) => {
      ports.push(`${port.topic} ${port.ofport}`)
      return { kind: 'pass', why: 'x' }
    })
    const { desk, take } = setup([decider])
    const [red, blue] = [packetOf('dns', 1), packetOf('dns', 4)]
    desk.foresee([red, blue], 2)
    take(red)
    const view = twoTenants()
    const moved = (port: LocalPort) => ({ ...port, ofport: port.ofport + 50 })
    desk.setView({ ...view, localPorts: view.localPorts.map(moved) })
    take(blue)
    expect(ports).toEqual([`${tenants.red} 11`, `${tenants.blue} 64`])
  })

  test.each([
    ['by the same window', (_red: Buffer, blue: Buffer) => blue],
    ['into the same memory', (red: Buffer, blue: Buffer) => red.fill(blue)],
  ])('and never are, are not mistaken for those read %s', (_where, read) => {
    const { desk, take, sent } = setup([replier()])
    const [red, blue] = [packetOf('dns', 1), packetOf('dns', 4)]
    desk.foresee([red, red], 2)
    red.moveTo(read(red.bytes, blue.bytes), blue.start, blue.end)
    take(red)
    expect(sent).toMatchObject([{ actions: [{ kind: 'output', port: 14 }] }])
  })

  test('are decided though their owner fails to foresee them', () => {
    const foresee = () => {
      throw new Error('a bug')
    }
    const { desk, take, fates } = setup([{ ...replier(), foresee }])
    desk.foresee(together, together.length)
    take(together[0]!)
    expect(fates()).toHaveLength(1)
  })
})

describe('a verdict', () => {
  test.each([
    ['reply goes to the asker’s own port', 'reply', 1, 11],
    ['reply goes to the other tenant’s port when that asked', 'reply', 4, 14],
  ] as const)('%s', (_name, _kind, key, ofport) => {
    const { take, sent } = setup([replier()])
    take(packetOf('dns', key))
    expect(sent).toMatchObject([
      { kind: 'packetOut', inPort: 0xffff_fffd, actions: [{ kind: 'output', port: ofport }], data: answer },
    ])
  })

  test.each([
    [1, 11],
    [4, 14],
  ])('a reply that was written to the room of port %i leaves by its own port', async (key, ofport) => {
    const writer = deciderOf('dns', ({ room }) => {
      answer.copy(room!.bytes, room!.at)
      return { kind: 'written', size: answer.length, why: 'answered' }
    })
    const { take, sent, counted } = setup([writer])
    take(packetOf('dns', key))
    expect(sent).toMatchObject([
      { kind: 'packetOut', actions: [{ kind: 'output', port: ofport }], data: answer },
    ])
    expect(await counted()).toEqual([count('dns', 'reply', 'answered')])
  })

  test('pass resumes the packet with the properties it came with', () => {
    const { take, sent } = setup([deciderOf('dns', () => ({ kind: 'pass', why: 'not_ours' }))])
    const packet = packetOf('dns', 1)
    take(packet)
    expect(sent).toMatchObject([
      { kind: 'resume', packet: packet.packet, continuation: Buffer.from('a state.'), metadata: { reg6: 1 } },
    ])
  })

  test('pass may lead the port past the application, whose rows end by themselves', () => {
    const verdict = { kind: 'pass', why: 'overload', bypassSeconds: 7 } as const
    const rows = ({ key }: LocalPort) => [flowOf(tables.dnsPorts.id, 200, { reg6: key })]
    const { take, sent } = setup([deciderOf('dns', () => verdict, { bypass: rows })])
    take(packetOf('dns', 1))
    take(packetOf('dns', 4))
    const row = { kind: 'flowMod', command: 'add', hardTimeout: 7, cookie: cookieOf('timed', 'dns') }
    expect(sent).toMatchObject([
      { ...row, match: { reg6: 1 } },
      { kind: 'resume' },
      { ...row, match: { reg6: 4 } },
      { kind: 'resume' },
    ])
  })

  test('drop may do so, too', () => {
    const verdict = { kind: 'drop', why: 'overload', bypassSeconds: 1 } as const
    const rows = ({ key }: LocalPort) => [flowOf(tables.dnsPorts.id, 200, { reg6: key })]
    const { take, sent } = setup([deciderOf('dns', () => verdict, { bypass: rows })])
    take(packetOf('dns', 4))
    expect(sent).toMatchObject([{ kind: 'flowMod', command: 'add', hardTimeout: 1, match: { reg6: 4 } }])
  })

  test('drop sends nothing', () => {
    const { take, sent } = setup([deciderOf('dns', () => ({ kind: 'drop', why: 'bogus' }))])
    take(packetOf('dns', 1))
    expect(sent).toEqual([])
  })

  test.each([
    ['reply', 'answered', { kind: 'reply', frame: answer, why: 'answered' }],
    ['pass', 'not_ours', { kind: 'pass', why: 'not_ours' }],
    ['drop', 'bogus', { kind: 'drop', why: 'bogus' }],
  ] as const)('%s is counted with its reason', async (kind, why, verdict) => {
    const { take, counted } = setup([deciderOf('dns', () => verdict)])
    take(packetOf('dns', 1))
    take(packetOf('dns', 4))
    expect(await counted()).toEqual([count('dns', kind, why, 2)])
  })

  test('is timed from the reading of the packet, unless nobody decided it', async () => {
    const { take, metrics, clock } = setup([replier()])
    await clock.advance(3)
    take(packetOf('dns', 1))
    take(packetOf('dns', 99))
    const text = await metrics.text()
    expect(text).toMatch(/^df_punt_seconds_count 1$/m)
    expect(text).toMatch(/^df_punt_seconds_bucket\{le="0.0025"\} 0$/m)
  })

  test('is the owner’s, with the asker from the register', () => {
    const seen: string[] = []
    const app = (name: string) =>
      deciderOf(name, ({ port }) => {
        seen.push(`${name} ${port.id} ${port.topic.at(-1)}`)
        return { kind: 'drop', why: 'seen' }
      })
    const { take } = setup([app('dns'), app('dhcp')])
    take(packetOf('dns', 1))
    take(packetOf('dhcp', 4))
    expect(seen).toEqual(['dns net-red-1 a', 'dhcp net-blue-4 b'])
  })
})

describe('a packet goes on', () => {
  test.each([
    ['of an unknown owner', packetOf('nobody', 1), count('host', 'pass', 'unknown_owner')],
    ['without an owner', packetOf('', 1), count('host', 'pass', 'unknown_owner')],
    ['of an owner that decides nothing', packetOf('l2', 1), count('host', 'pass', 'unknown_owner')],
    ['of an unknown port', packetOf('dns', 99), count('dns', 'pass', 'unknown_port')],
    ['of a port on another node', packetOf('dns', 3), count('dns', 'pass', 'unknown_port')],
    ['without a port', packetOf('dns'), count('dns', 'pass', 'unknown_port')],
  ])('%s', async (_name, packet, line) => {
    const { take, fates, counted } = setup([replier(), appOf('l2')])
    take(packet)
    expect(fates()).toEqual(['resume'])
    expect(await counted()).toEqual([line])
  })

  test('while there is no view, and again when there is none any more', async () => {
    const { take, desk, fates, counted } = setup([replier()], false)
    take(packetOf('dns', 1))
    desk.setView(twoTenants())
    desk.setView(undefined)
    take(packetOf('dns', 1))
    expect(fates()).toEqual(['resume', 'resume'])
    expect(await counted()).toEqual([count('dns', 'pass', 'no_view', 2)])
  })

  test('but not when it was not paused', () => {
    const { take, fates } = setup([replier()])
    take(packetOf('nobody', 1, { continuation: Buffer.alloc(0) }))
    expect(fates()).toEqual([])
  })
})

describe('an application that fails', () => {
  const failing = (onFailure: App['onFailure']) =>
    deciderOf(
      'bad',
      () => {
        throw new Error('a bug')
      },
      { onFailure },
    )

  test.each([
    ['pass', ['resume']],
    ['drop', []],
  ] as const)('costs its packet, which ends in its %s', async (onFailure, expected) => {
    const { take, fates, counted } = setup([failing(onFailure)])
    take(packetOf('bad', 1))
    expect(fates()).toEqual(expected)
    expect(await counted()).toEqual([count('bad', onFailure, 'failed')])
  })

  test.each([
    ['nothing', undefined],
    ['a promise', Promise.resolve({ kind: 'drop', why: 'late' })],
    ['an unknown verdict', { kind: 'forward', why: 'x' }],
    ['a reply without a frame', { kind: 'reply', why: 'x' }],
    ['a reply to a room without a size', { kind: 'written', why: 'x' }],
    ['a reply to a room that is too large for it', { kind: 'written', size: 1515, why: 'x' }],
    ['a reply that is too long', { kind: 'reply', frame: Buffer.alloc(70_000), why: 'x' }],
  ])('by a verdict that is %s costs its packet too', async (_name, verdict) => {
    const { take, fates, counted } = setup([deciderOf('bad', () => verdict as never), replier()])
    take(packetOf('bad', 1))
    take(packetOf('dns', 1))
    expect(fates()).toEqual(['resume', expect.stringMatching(/^out /)])
    expect(await counted()).toContain(count('bad', 'pass', 'failed'))
  })

  test('costs the others nothing', () => {
    const { take, fates } = setup([failing('drop'), replier()])
    take(packetOf('bad', 1))
    take(packetOf('dns', 1))
    expect(fates()).toHaveLength(1)
  })

  test('with ever new words does not make ever new metrics', async () => {
    let words = 0
    const { take, counted } = setup([deciderOf('chatty', () => ({ kind: 'drop', why: `word${words++}` }))])
    for (let n = 0; n < 1000; n += 1) take(packetOf('chatty', 1))
    const lines = await counted()
    expect(lines.length).toBeLessThan(100)
    expect(lines).toContain(count('chatty', 'drop', 'other', 1000 - 64))
  })
})

describe('a self-check', () => {
  const probe = (sequence: number) =>
    packetOf('dns', selfCheckPort.key, { metadata: { reg6: selfCheckPort.key, reg15: sequence } })

  test('that was decided is reported with its number, and nothing is sent', () => {
    const { take, checked, sent } = setup([replier()])
    take(probe(7))
    expect([checked, sent]).toEqual([['dns 7'], []])
  })

  test('is asked by the host’s own port', () => {
    let asker = ''
    const { take } = setup([
      deciderOf('dns', ({ port }) => {
        asker = port.id
        return { kind: 'pass', why: 'not_ours' }
      }),
    ])
    take(probe(1))
    expect(asker).toBe('self-check')
  })

  test.each([
    ['the application fails', true],
    ['there is no view', false],
  ])('does not count when %s', (_name, hasView) => {
    const failing = deciderOf('dns', () => {
      throw new Error('a bug')
    })
    const { take, checked } = setup([hasView ? failing : replier()], hasView)
    take(probe(1))
    expect(checked).toEqual([])
  })
})

describe('draining', () => {
  test('lets every packet go on and ends when none came for 200 ms', async () => {
    const { take, desk, clock, fates } = setup([replier()])
    let isDone = false
    const done = desk.drain().then(() => {
      isDone = true
    })
    for (let n = 0; n < 5; n += 1) {
      await clock.advance(150)
      take(packetOf('dns', 1))
    }
    expect(isDone).toBe(false)
    await clock.advance(199)
    expect(isDone).toBe(false)
    await clock.advance(1)
    await done
    expect(fates()).toEqual(Array(5).fill('resume'))
  })

  test('does not end before packets are read that waited while nothing ran', async () => {
    const { take, desk, clock, fates } = setup([replier()])
    let isDone = false
    void desk.drain().then(() => {
      isDone = true
    })
    clock.after(200, () => take(packetOf('dns', 1))) // read right after the time was up
    await clock.advance(399)
    expect(isDone).toBe(false)
    expect(fates()).toEqual(['resume'])
    await clock.advance(1)
    expect(isDone).toBe(true)
  })

  test('ends after 2 s however many packets come', async () => {
    const { take, desk, clock } = setup([replier()])
    let isDone = false
    void desk.drain().then(() => {
      isDone = true
    })
    for (let n = 0; n < 19; n += 1) {
      await clock.advance(100)
      take(packetOf('dns', 1))
    }
    expect(isDone).toBe(false)
    await clock.advance(100)
    expect(isDone).toBe(true)
  })
})
