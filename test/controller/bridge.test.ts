import { BehaviorSubject } from 'rxjs'
import { describe, expect, test } from 'vitest'
import { keepBridge, type TunnelSettings } from '../../src/controller/bridge.ts'
import { silentLogger } from '../../src/log.ts'
import type {
  ControllerSettings,
  OvsdbClient,
  OvsdbState,
  SwitchBridge,
  SwitchPort,
} from '../../src/ovsdb/index.ts'
import { noPacketIns } from '../../src/ovsdb/state.ts'
import { manualClock } from '../support/clock.ts'

const settings: ControllerSettings = {
  controllerTarget: 'unix:/run/openvswitch/br-int.controller',
  failMode: 'secure',
  protocols: ['OpenFlow13'],
  disableInBand: true,
  controllerQueueSize: 511,
  controllerRateLimit: 20_000,
  controllerBurstLimit: 5000,
  maxBackoffMs: 1000,
  inactivityProbeMs: 5000,
}

const bridge = { uuid: 'uuid', name: 'br-int' } as SwitchBridge
const gone: OvsdbState = {
  isConnected: false,
  bridge: undefined,
  ports: [],
  packetIns: noPacketIns,
  reason: 'connecting',
}
const there: OvsdbState = { isConnected: true, bridge, ports: [], packetIns: noPacketIns, reason: undefined }

function setup(initial: OvsdbState = gone, isConfigured = false, tunnels?: TunnelSettings) {
  const clock = manualClock()
  const state = new BehaviorSubject(initial)
  const asked: string[] = []
  const patched: string[][] = []
  const isAttached = new BehaviorSubject(false)
  let fails: (step: string) => string | undefined = () => undefined
  const step = async <T>(name: string, result: T): Promise<T> => {
    asked.push(name)
    const reason = fails(name)
    if (reason !== undefined) throw new Error(reason)
    return result
  }
  const ovsdb = {
    state,
    configure: () => step('configure', !isConfigured),
    replaceController: () => step('replace', undefined),
    reapplySettings: () => step('reapply', undefined),
    ensurePatch: ({ peerBridge }: { peerBridge: string }) =>
      step(`patch ${peerBridge}`, { port: `${peerBridge}-patch`, peerPort: 'x' }),
    ensureTunnels: ({ types, localIp }: TunnelSettings) => step(`tunnels ${types} ${localIp}`, undefined),
  } as unknown as OvsdbClient
  const keeper = keepBridge({
    ovsdb,
    settings,
    bridges: new Map([
      ['physnet1', 'br-ex'],
      ['physnet2', 'br-lab'],
    ]),
    tunnels,
    isAttached,
    clock,
    log: silentLogger,
  })
  keeper.patchPorts.subscribe((ports) => patched.push([...ports].map((pair) => pair.join(' '))))
  return {
    clock,
    state,
    keeper,
    patched,
    asked: () => asked.splice(0),
    attach: () => isAttached.next(true),
    detach: () => isAttached.next(false),
    fail: (next: typeof fails) => {
      fails = next
    },
  }
}

const all = ['patch br-ex', 'patch br-lab', 'configure']
const both = ['physnet1 br-ex-patch', 'physnet2 br-lab-patch']

test('nothing is asked of a database that is not there, and nothing is said of patches', async () => {
  const { clock, asked, patched } = setup()
  await clock.advance(10_000)
  expect([asked(), patched]).toEqual([[], []])
})

test('the bridge is patched and configured as soon as it is there', async () => {
  const { clock, state, asked, patched, keeper } = setup()
  state.next(there)
  await clock.advance(0)
  expect([asked(), patched, keeper.reasons]).toEqual([all, [both], []])
})

test('and again when somebody changed it, or when it is another one', async () => {
  const { clock, state, asked, patched, attach } = setup(there)
  attach()
  await clock.advance(0)
  asked()
  state.next({ ...there, bridge: { ...bridge, controllers: [] } })
  await clock.advance(1000)
  expect(asked()).toEqual(all)
  expect(patched).toEqual([both])
})

test('but at most once a second, however often somebody else changes it', async () => {
  const { clock, state, asked, attach } = setup(there)
  attach()
  await clock.advance(0)
  asked()
  for (let n = 0; n < 100; n += 1) {
    state.next({ ...there, bridge: { ...bridge, controllers: [] } })
    await clock.advance(100)
  }
  expect(asked().filter((step) => step === 'configure')).toHaveLength(10)
})

test('but not when only its ports changed', async () => {
  const { clock, state, asked, attach } = setup(there)
  attach()
  await clock.advance(0)
  asked()
  state.next({ ...there, ports: [] })
  await clock.advance(5000)
  expect(asked()).toEqual([])
})

describe('tunnels that are asked for', () => {
  const tunnels = { types: ['geneve', 'vxlan'], localIp: '192.0.2.1' }
  const asking = 'tunnels geneve,vxlan 192.0.2.1'
  const port = (name: string, type: SwitchPort['type']) => ({ id: name, name, type }) as SwitchPort

  test('are made with the rest, and a failure is told', async () => {
    const { clock, asked, keeper, fail } = setup(there, true, tunnels)
    fail((step) => (step === asking ? 'the commit was refused' : undefined))
    await clock.advance(0)
    expect(asked()).toEqual(['patch br-ex', 'patch br-lab', asking, 'configure'])
    expect(keeper.reasons).toEqual(['the commit was refused'])
  })

  test.each([
    ['a tunnel', port('geneve-vtp', 'tunnel')],
    ['a patch', port('br-ex-patch', 'patch')],
  ])('are seen to again a second after %s is gone', async (_, ours) => {
    const { clock, state, asked, attach } = setup(there, true, tunnels)
    attach()
    await clock.advance(0)
    state.next({ ...there, ports: [port('tap', 'compute'), ours] })
    state.next({ ...there, ports: [ours] })
    await clock.advance(5000)
    asked()
    state.next({ ...there, ports: [] })
    await clock.advance(999)
    expect(asked()).toEqual([])
    await clock.advance(1)
    expect(asked()).toEqual(['patch br-ex', 'patch br-lab', asking, 'configure'])
  })
})

describe('a switch that has not connected', () => {
  test.each([
    ['after 50 ms', true, 50],
    ['or 0.3 s after its row was changed', false, 300],
  ])('%s is made to connect, once', async (_name, isConfigured, withinMs) => {
    const { clock, asked } = setup(there, isConfigured)
    await clock.advance(withinMs - 1)
    expect(asked()).toEqual(all)
    await clock.advance(1)
    expect(asked()).toEqual(['replace'])
    await clock.advance(60_000)
    expect(asked()).toEqual([])
  })

  test('before that is left alone', async () => {
    const { clock, asked, attach } = setup(there)
    await clock.advance(200)
    attach()
    await clock.advance(10_000)
    expect(asked()).toEqual([...all, 'reapply'])
  })

  test('is made to connect also when the bridge changes meanwhile', async () => {
    const { clock, state, asked } = setup(there)
    await clock.advance(100)
    state.next({ ...there, bridge: { ...bridge } })
    await clock.advance(200)
    expect(asked()).toEqual([...all, 'replace'])
  })

  test('gets another chance when the database was away', async () => {
    const { clock, state, asked } = setup(there)
    await clock.advance(1000)
    asked()
    state.next(gone)
    state.next(there)
    await clock.advance(1000)
    expect(asked()).toEqual([...all, 'replace'])
  })

  test('is no reason to fall over when it cannot be replaced', async () => {
    const { clock, asked, fail } = setup(there)
    fail((step) => (step === 'replace' ? 'the connection was lost' : undefined))
    await clock.advance(1000)
    expect(asked()).toEqual([...all, 'replace'])
  })
})

describe('what fails', () => {
  test('does not keep the rest from being done, is told, and is tried again ever more seldom', async () => {
    const { clock, state, asked, patched, keeper, fail } = setup()
    fail((step) => (step === 'patch br-ex' ? 'there is no bridge br-ex' : undefined))
    state.next(there)
    await clock.advance(0)
    expect([asked(), patched, keeper.reasons]).toEqual([
      all,
      [['physnet2 br-lab-patch']],
      ['there is no bridge br-ex'],
    ])
    const attempts: number[] = []
    for (let second = 1; second <= 40; second += 1) {
      await clock.advance(1000)
      if (asked().length > 0) attempts.push(second)
    }
    expect(attempts).toEqual([1, 3, 7, 15, 25, 35])
  })

  test('is forgotten when it works', async () => {
    const { clock, patched, keeper, fail } = setup(there)
    fail((step) => (step === 'patch br-ex' ? 'there is no bridge br-ex' : undefined))
    await clock.advance(0)
    fail(() => undefined)
    await clock.advance(1000)
    expect([patched.at(-1)!.sort(), keeper.reasons]).toEqual([both, []])
  })

  test('later does not take a patch away that was there', async () => {
    const { clock, state, patched, fail } = setup(there)
    await clock.advance(0)
    fail(() => 'the connection was lost')
    state.next({ ...there, bridge: { ...bridge, controllers: [] } })
    await clock.advance(0)
    expect(patched).toEqual([both])
  })
})

test('after close nothing happens', async () => {
  const { clock, state, asked, keeper } = setup(there)
  keeper.close()
  await clock.advance(0)
  asked()
  state.next({ ...there, bridge: { ...bridge } })
  await clock.advance(60_000)
  expect(asked()).toEqual([])
})

describe('a switch that connects', () => {
  test('is made to read its settings again, each time', async () => {
    const { clock, asked, attach, detach } = setup(there)
    await clock.advance(0)
    asked()
    attach()
    await clock.advance(0)
    expect(asked()).toEqual(['reapply'])
    detach()
    await clock.advance(0)
    attach()
    await clock.advance(60_000)
    expect(asked()).toEqual(['reapply'])
  })

  test('is kept all the same if that fails', async () => {
    const { clock, state, asked, attach, fail } = setup(there)
    fail((step) => (step === 'reapply' ? 'not connected' : undefined))
    attach()
    await clock.advance(0)
    asked()
    state.next({ ...there, bridge: { ...bridge, controllers: [] } })
    await clock.advance(1000)
    expect(asked()).toEqual(all)
  })
})
