import { describe, expect, test } from 'vitest'
import type { App, Beacon } from '../../src/app/app.ts'
import type { LocalPort, View } from '../../src/app/view.ts'
import { createBeacons } from '../../src/controller/beacons.ts'
import { silentLogger } from '../../src/log.ts'
import { createMetrics } from '../../src/metrics.ts'
import { appOf } from '../support/apps.ts'
import { manualClock } from '../support/clock.ts'
import { networkOf, portOf, twoTenants, viewOf } from '../support/view.ts'

const view = twoTenants()
const [web, , blueWeb] = view.localPorts as [LocalPort, LocalPort, LocalPort]

const beaconOf = (port: LocalPort, word: string, end?: string): Beacon => ({
  port,
  frame: Buffer.from(word),
  everySeconds: { least: 200, most: 600 },
  ...(end === undefined ? {} : { endFor: (next) => (next === undefined ? undefined : Buffer.from(end)) }),
})

/** What is said, as `second:ofport:frame`, seconds since the start. */
function setup() {
  const clock = manualClock()
  const start = clock.now()
  const metrics = createMetrics()
  const said: string[] = []
  const link = {
    output(ofport: number, frame: Buffer) {
      if (frame.length === 0) throw new Error('no frame')
      said.push(`${Math.round((clock.now() - start) / 1000)}:${ofport}:${frame}`)
    },
  }
  const beacons = createBeacons({ clock, log: silentLogger, metrics, random: () => 0.5 })
  const want = (wanted: readonly Beacon[] | (() => Beacon[]), at: View = view) => {
    const app = appOf('dhcp', { beacons: () => (typeof wanted === 'function' ? wanted() : wanted) })
    beacons.want([appOf('l2'), app], at)
  }
  const advance = async (seconds: number) => {
    said.length = 0
    await clock.advance(1000 * seconds)
    return [...said]
  }
  const counts = async () =>
    (await metrics.text()).split('\n').filter((line) => line.startsWith('df_beacons_total'))
  return { beacons, link, want, advance, counts }
}

function granted(wanted: readonly Beacon[]) {
  const made = setup()
  made.want(wanted)
  made.beacons.grant(made.link)
  return made
}

describe('a beacon', () => {
  test('is said at once, three times soon after, then in its interval', async () => {
    const { advance } = granted([beaconOf(web, 'a')])
    expect(await advance(1000)).toEqual(['0:11:a', '16:11:a', '32:11:a', '48:11:a', '448:11:a', '848:11:a'])
  })

  test('of each port goes to that port alone', async () => {
    const { advance } = granted([beaconOf(web, 'red'), beaconOf(blueWeb, 'blue')])
    expect(await advance(1)).toEqual(['0:11:red', '0:14:blue'])
  })

  test('that is the same object at the next view is not said again', async () => {
    const beacon = beaconOf(web, 'a')
    const { advance, want } = granted([beacon])
    await advance(1)
    want([beacon])
    expect(await advance(10)).toEqual([])
  })

  test('that has changed is said at once, but not within three seconds', async () => {
    const { advance, want } = granted([beaconOf(web, 'a')])
    await advance(1)
    want([beaconOf(web, 'b')])
    want([beaconOf(web, 'c')])
    expect(await advance(3)).toEqual(['3:11:c'])
    await advance(6)
    want([beaconOf(web, 'd')])
    expect(await advance(1)).toEqual(['10:11:d'])
  })

  test('with a shorter interval than the first pause keeps to its own', async () => {
    const { advance } = granted([{ ...beaconOf(web, 'a'), everySeconds: { least: 4, most: 4 } }])
    expect(await advance(9)).toEqual(['0:11:a', '4:11:a', '8:11:a'])
  })
})

describe('the end of a beacon', () => {
  test('is said before the one that takes its place, once for each that was said or wanted', async () => {
    const { advance, want } = granted([beaconOf(web, 'a', 'not a')])
    await advance(1)
    want([beaconOf(web, 'b', 'not b')])
    want([beaconOf(web, 'c')])
    expect(await advance(20)).toEqual(['3:11:not a', '3:11:not b', '3:11:c', '19:11:c'])
  })

  test('is said alone when nothing takes its place, and nothing after it', async () => {
    const ending = { ...beaconOf(web, 'a'), endFor: () => Buffer.from('over') }
    const { advance, want } = granted([ending])
    await advance(1)
    want([])
    want([])
    expect(await advance(1000)).toEqual(['1:11:over'])
    want([])
    expect(await advance(1000)).toEqual([])
  })

  test('is not said where there is none, nor to a port that is gone', async () => {
    const { advance, want } = granted([beaconOf(web, 'a', 'b')])
    await advance(1)
    want([])
    expect(await advance(1000)).toEqual([])
    want([{ ...beaconOf(web, 'a'), endFor: () => Buffer.from('over') }])
    await advance(1)
    want([], { ...view, localPorts: [blueWeb] })
    expect(await advance(1000)).toEqual([])
  })

  test('goes where the port is now', async () => {
    const { advance, want } = granted([{ ...beaconOf(web, 'a'), endFor: () => Buffer.from('over') }])
    await advance(1)
    want([], { ...view, localPorts: [{ ...web, ofport: 21 }] })
    expect(await advance(1)).toEqual(['1:21:over'])
  })
})

describe('the switch', () => {
  test('is told nothing while it is away, nor by what was known before', async () => {
    const { beacons, advance, want, link } = granted([beaconOf(web, 'a')])
    await advance(1)
    beacons.revoke()
    expect(await advance(100)).toEqual([])
    beacons.grant(link)
    expect(await advance(100)).toEqual([])
    want([beaconOf({ ...web, ofport: 12 }, 'a')])
    expect(await advance(1)).toEqual(['201:12:a'])
  })

  test('that is granted again goes on', async () => {
    const { beacons, advance, link } = granted([beaconOf(web, 'a')])
    await advance(1)
    beacons.grant(link)
    expect(await advance(16)).toEqual(['16:11:a'])
  })

  test('gets at most twenty ports’ beacons a turn', async () => {
    const network = networkOf('red', 1)
    const ports = Array.from({ length: 45 }, (_, index) => portOf(network, index + 1, undefined, []))
    const many = viewOf([network], ports, Object.fromEntries(ports.map(({ key }) => [key, key])))
    const { beacons, want, link, advance } = setup()
    want(
      many.localPorts.map((port) => beaconOf(port, 'a')),
      many,
    )
    beacons.grant(link)
    expect(await advance(0)).toHaveLength(20)
    expect(await advance(0.05)).toHaveLength(20)
    expect(await advance(0.05)).toHaveLength(5)
    expect(await advance(1)).toHaveLength(0)
  })
})

describe('an application that fails', () => {
  test('goes on saying what it said, to ports that are as they were', async () => {
    const { advance, want, counts } = granted([beaconOf(web, 'a', 'b'), beaconOf(blueWeb, 'a', 'b')])
    await advance(1)
    const failing = () => {
      throw new Error('on purpose')
    }
    want(failing, { ...view, localPorts: [web] })
    expect(await advance(16)).toEqual(['16:11:a'])
    expect(await counts()).toEqual([
      'df_beacons_total{app="dhcp",result="sent"} 3',
      'df_beacons_total{app="dhcp",result="failed"} 1',
    ])
  })

  test('to say something costs that beacon, not the others', async () => {
    const { advance, counts } = granted([beaconOf(web, ''), beaconOf(blueWeb, 'a')])
    expect(await advance(1)).toEqual(['0:14:a'])
    expect(await counts()).toEqual([
      'df_beacons_total{app="dhcp",result="failed"} 1',
      'df_beacons_total{app="dhcp",result="sent"} 1',
    ])
  })

  test('and has only its last words left says them', async () => {
    const ending = { ...beaconOf(web, 'a'), endFor: () => Buffer.from('over') }
    const { beacons, link, advance, want } = setup()
    want([ending])
    want([])
    want(() => {
      throw new Error('on purpose')
    })
    beacons.grant(link)
    expect(await advance(1)).toEqual(['0:11:over'])
  })
})

test('an application of no beacons says none', async () => {
  const { beacons, link, advance } = setup()
  const silent: App = appOf('l2')
  beacons.want([silent], view)
  beacons.grant(link)
  expect(await advance(1000)).toEqual([])
})
