import { describe, expect, test } from 'vitest'
import { tables } from '../../src/app/pipeline.ts'
import { createBypass } from '../../src/controller/bypass.ts'
import { BugError } from '../../src/errors.ts'
import { silentLogger } from '../../src/log.ts'
import { createMetrics } from '../../src/metrics.ts'
import { appOf, flowOf } from '../support/apps.ts'
import { manualClock } from '../support/clock.ts'
import { FakeLink } from '../support/fake-link.ts'
import { twoTenants } from '../support/view.ts'

const [port] = twoTenants().localPorts
const app = appOf('dns', { bypass: ({ key }) => [flowOf(tables.dnsPorts.id, 200, { reg6: key }, 55)] })

async function bypassed(ofApp = app, refuses: (text: string) => string | undefined = () => undefined) {
  const metrics = createMetrics()
  const fake = new FakeLink()
  fake.refuses = refuses
  createBypass({ clock: manualClock(), log: silentLogger, metrics })(fake.link, ofApp, port!, 5)
  await new Promise((resolve) => setImmediate(resolve))
  const lines = (await metrics.text()).split('\n').filter((line) => line.startsWith('df_bypasses_total'))
  return { told: fake.told, lines }
}

describe('a port', () => {
  test('is led past by timed rows', async () => {
    expect(await bypassed()).toEqual({
      told: ['add table=32, hard_timeout=5, priority=200,reg6=0x1 actions=goto_table:55', '|'],
      lines: ['df_bypasses_total{app="dns",result="installed"} 1'],
    })
  })

  test('that the switch does not lead past is counted', async () => {
    const { lines } = await bypassed(app, () => 'OFPFMFC_TABLE_FULL')
    expect(lines).toEqual(['df_bypasses_total{app="dns",result="refused"} 1'])
  })

  test('is led past by one row, however many packets ask for it before it is there', async () => {
    const fake = new FakeLink()
    const bypass = createBypass({ clock: manualClock(), log: silentLogger, metrics: createMetrics() })
    for (let packet = 0; packet < 100; packet += 1) bypass(fake.link, app, port!, 5)
    expect(fake.told).toHaveLength(2)
    await new Promise((resolve) => setImmediate(resolve))
    bypass(fake.link, app, port!, 5)
    expect(fake.told).toHaveLength(4)
  })

  test('of an application without such rows stays', async () => {
    expect(await bypassed(appOf('dns'))).toEqual({ told: [], lines: [] })
  })

  test('is never led by a row that is another application’s', async () => {
    await expect(bypassed({ ...app, name: 'l2' })).rejects.toThrow(BugError)
  })
})
