import { describe, expect, test } from 'vitest'
import type { View } from '../../src/app/view.ts'
import { confirmedPorts, createAttachments } from '../../src/controller/attachment.ts'
import { FlowMap } from '../../src/controller/flow-map.ts'
import type { HeldLease } from '../../src/controller/lease.ts'
import type { PuntDesk } from '../../src/controller/punt.ts'
import { silentLogger } from '../../src/log.ts'
import { createMetrics } from '../../src/metrics.ts'
import type { Message, PacketIn, Session } from '../../src/openflow/index.ts'
import type { SwitchPort } from '../../src/ovsdb/index.ts'
import { manualClock } from '../support/clock.ts'
import { FakeLink } from '../support/fake-link.ts'

function setup(datapathId?: string, settle?: () => Promise<void>) {
  const clock = manualClock()
  const happened: string[] = []
  const desk = {
    foresee: () => void happened.push('foresee'),
    packetIn: () => void happened.push('punt'),
    setView: (view: View | undefined) => void happened.push(view === undefined ? 'no view' : 'view'),
  } as unknown as PuntDesk
  const lease = {
    grant: () => void happened.push('grant'),
    revoke: () => void happened.push('revoke'),
  } as unknown as HeldLease
  const attachments = createAttachments({
    desk,
    leases: [lease],
    beacons: {
      grant: () => void happened.push('say'),
      revoke: () => void happened.push('be silent'),
    },
    scope: { tableIds: new Set([0]), groupIds: new Set() },
    datapathId: () => datapathId,
    settle,
    clock,
    log: silentLogger,
    metrics: createMetrics(),
  })
  const seen: (string | undefined)[] = []
  attachments.current.subscribe((held) =>
    seen.push(held && [...(held.portNames ?? [['?']])].map((pair) => pair.join('=')).join()),
  )
  return { clock, attachments, happened, seen }
}

class FakeSession extends FakeLink {
  readonly features = { datapathId: 0xabcn }
  portDesc: unknown[] = [{ portNo: 11, name: 'tap-1' }]

  override async stats(request: { kind?: string }): Promise<unknown[]> {
    return request.kind === 'portDesc' ? this.portDesc : super.stats(request)
  }

  get session(): Session {
    return this as unknown as Session
  }
}

const portStatus = (reason: string, portNo: number, name: string) =>
  ({ kind: 'portStatus', reason, port: { portNo, name } }) as unknown as Message

test('a switch that connects is attached with the ports that it tells', async () => {
  const { clock, attachments, seen } = setup()
  attachments.handlers.connected(new FakeSession().session)
  await clock.advance(0)
  expect(seen).toEqual([undefined, '?', '11=tap-1'])
})

test('leases and beacons begin when the flows are in the switch, and end with the session, as does the view', async () => {
  const { clock, attachments, happened } = setup()
  const fake = new FakeSession()
  attachments.handlers.connected(fake.session)
  attachments.value!.reconciler.want({ flows: FlowMap.empty, groups: new Map() })
  await clock.advance(0)
  expect(happened.slice(-2)).toEqual(['grant', 'say'])
  happened.length = 0
  fake.close('the switch went away')
  await clock.advance(0)
  expect(happened).toEqual(['no view', 'revoke', 'be silent'])
  expect(attachments.value).toBeUndefined()
})

test('the first lease waits for what must be done before, which is asked for once and serves no session that has ended', async () => {
  const ends: (() => void)[] = []
  const settle = () => new Promise<void>((resolve) => ends.push(resolve))
  const { clock, attachments, happened } = setup(undefined, settle)
  const connect = async () => {
    const fake = new FakeSession()
    attachments.handlers.connected(fake.session)
    attachments.value!.reconciler.want({ flows: FlowMap.empty, groups: new Map() })
    await clock.advance(0)
    return fake
  }
  const first = await connect()
  expect(happened).not.toContain('grant')
  first.close('the switch went away')
  await connect()
  expect(happened).not.toContain('grant')
  ends[0]!()
  await clock.advance(0)
  expect(happened.filter((one) => one === 'grant')).toHaveLength(1)
  expect(ends).toHaveLength(1)
})

test('a port that comes in the same read as the answer is not lost', async () => {
  const { clock, attachments, seen } = setup()
  const { session } = new FakeSession()
  attachments.handlers.connected(session)
  attachments.handlers.message(session, portStatus('add', 12, 'tap-2'))
  attachments.handlers.message(session, portStatus('delete', 11, 'tap-1'))
  await clock.advance(0)
  expect(seen.at(-1)).toBe('12=tap-2')
})

test('ports that come, change and go are followed', async () => {
  const { clock, attachments, seen } = setup()
  const { session } = new FakeSession()
  const { handlers } = attachments
  handlers.connected(session)
  await clock.advance(0)
  handlers.message(session, portStatus('add', 12, 'tap-2'))
  handlers.message(session, portStatus('modify', 12, 'tap-2'))
  handlers.message(session, portStatus('delete', 11, 'tap-1'))
  expect(seen.at(-1)).toBe('12=tap-2')
})

describe('a second session', () => {
  test('takes the place of the first, whose end then changes nothing', async () => {
    const { clock, attachments, seen } = setup()
    const [first, second] = [new FakeSession(), new FakeSession()]
    attachments.handlers.connected(first.session)
    await clock.advance(0)
    attachments.handlers.connected(second.session)
    await clock.advance(0)
    expect(first.closedBecause).toBe('the switch connected again')
    expect(attachments.value?.session).toBe(second.session)
    expect(seen.at(-1)).toBe('11=tap-1')
  })

  test('is the only one whose packets and ports count', async () => {
    const { clock, attachments, happened, seen } = setup()
    const [first, second] = [new FakeSession(), new FakeSession()]
    attachments.handlers.connected(first.session)
    attachments.handlers.connected(second.session)
    await clock.advance(0)
    attachments.handlers.foresee!(first.session, [], 0)
    attachments.handlers.packetIn(first.session, {} as PacketIn)
    attachments.handlers.message(first.session, portStatus('add', 99, 'stale'))
    expect(happened).not.toContain('foresee')
    expect(happened).not.toContain('punt')
    expect(seen.at(-1)).toBe('11=tap-1')
    attachments.handlers.foresee!(second.session, [], 0)
    attachments.handlers.packetIn(second.session, {} as PacketIn)
    expect(happened.slice(-2)).toEqual(['foresee', 'punt'])
  })
})

describe('another switch', () => {
  test('than the integration bridge is turned away, and the right one stays', async () => {
    const { clock, attachments } = setup('0000000000000abc')
    const [right, wrong] = [new FakeSession(), new FakeSession()]
    wrong.features.datapathId = 0xdefn
    attachments.handlers.connected(right.session)
    attachments.handlers.connected(wrong.session)
    await clock.advance(0)
    expect(wrong.closedBecause).toBe(
      'datapath 0000000000000def is not the integration bridge, which is 0000000000000abc',
    )
    expect(attachments.value?.session).toBe(right.session)
  })

  test('and whoever is no switch is told of until the right one comes', async () => {
    const { attachments } = setup('0000000000000abc')
    attachments.handlers.rejected('the switch offers OpenFlow 1.0 and not 1.3')
    expect(attachments.refusedBecause).toBe('the switch offers OpenFlow 1.0 and not 1.3')
    attachments.handlers.connected(new FakeSession().session)
    expect(attachments.refusedBecause).toBeUndefined()
    attachments.handlers.rejected('somebody else')
    expect(attachments.refusedBecause).toBeUndefined()
  })

  test('cannot be told while the database is not read', () => {
    const { attachments } = setup(undefined)
    const fake = new FakeSession()
    attachments.handlers.connected(fake.session)
    expect(attachments.value?.session).toBe(fake.session)
  })
})

test('a switch that does not tell its ports is left, to connect again', async () => {
  const { clock, attachments } = setup()
  const fake = new FakeSession()
  fake.stats = async () => {
    throw new Error('OFPBRC_BAD_MULTIPART')
  }
  attachments.handlers.connected(fake.session)
  await clock.advance(0)
  expect(fake.closedBecause).toBe('cannot read the switch’s ports: OFPBRC_BAD_MULTIPART'.replace('’', "'"))
})

describe('a port of the database counts', () => {
  const port = (name: string, ofport: number | undefined): SwitchPort => ({
    id: name,
    name,
    ofport,
    adminState: 'up',
    type: 'compute',
  })
  const names = new Map([
    [11, 'tap-1'],
    [12, 'a-name-of-15-ch'],
  ])
  test.each([
    ['when the switch has it under that number', port('tap-1', 11), true],
    ['when its name is longer than the switch’s', port('a-name-of-15-chars', 12), true],
    ['not when the number is another port’s', port('tap-1', 12), false],
    ['not when the switch does not have the number', port('tap-1', 13), false],
    ['not without a number', port('tap-1', undefined), false],
  ])('%s', (_name, each, isConfirmed) => {
    expect(confirmedPorts([each], names)).toEqual(isConfirmed ? [each] : [])
  })
})
