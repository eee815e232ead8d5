/** SIGHUP on a controller that serves a real cloud: what changes at once, what stays, and that nobody waits meanwhile. */

import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { dig } from '../../src/lab/dig.ts'
import { down, type Lab, namespaceOf, up } from '../../src/lab/lab.ts'
import { runIn } from '../../src/lab/namespace.ts'
import { controllerStatus } from '../../src/lab/node.ts'
import type { NodePlan } from '../../src/lab/plan.ts'
import {
  isRunning,
  type ProcessRef,
  signalProcess,
  startDaemon,
  stopProcess,
  waitUntil,
} from '../../src/lab/process.ts'
import { readState } from '../../src/lab/state.ts'
import { type SwitchTools, switchAt } from '../../src/lab/switch.ts'
import { builtSource } from '../support/build.ts'
import { labNameOf, tracesOf, twoTenantsFile, untimedFlows } from '../support/lab.ts'

const name = labNameOf('hup')
let lab: Lab
let node: NodePlan
let bridge: SwitchTools
let controller: ProcessRef
let config: string
let original: string
let logStart: number

beforeAll(async () => {
  const main = join(builtSource(), 'main.js')
  lab = await up({ name, file: twoTenantsFile, controller: main, diesWithParent: true, report: () => {} })
  node = lab.plan.nodes[0]!
  bridge = switchAt(node.switchDirectory)
  controller = readState(name)!.parts.find((part) => part.name === 'compute-1/controller')!.process
  config = join(node.directory, 'df.conf')
  original = readFileSync(config, 'utf8')
})
afterAll(async () => {
  await down(name)
  expect(tracesOf(name)).toEqual([])
})

const log = () => readFileSync(join(node.directory, 'controller.log'), 'utf8')

interface Line {
  readonly level: number
  readonly msg: string
  readonly reason?: string
  readonly applied?: readonly string[]
}
/** What the controller has logged since the test began. */
const lines = () =>
  log()
    .slice(logStart)
    .split('\n')
    .filter((line) => line.endsWith('}'))
    .map((line) => JSON.parse(line) as Line)

/** Gives the controller this text, and returns when it has said what becomes of it. */
async function reload(text: string): Promise<Line> {
  const before = lines().length
  writeFileSync(config, text)
  signalProcess(controller, 'SIGHUP')
  const isVerdict = ({ msg }: Line) => /^configuration (not )?taken over/.test(msg)
  await waitUntil('the controller to read its file', () => lines().slice(before).some(isVerdict))
  return lines().slice(before).find(isVerdict)!
}

/** The file as the lab wrote it, with options on top: later ones count. */
const withOptions = (options: string) => `${original}\n${options}\n`

beforeEach(() => {
  logStart = log().length
})
afterEach(async () => {
  await reload(original)
  const isReady = async () => (await controllerStatus(node))?.ready === true
  await waitUntil('the controller to be as before', isReady)
})

/** The TTL of the answer that a port gets; undefined if there is none. */
async function ttlOf(port: string, question: string): Promise<number | undefined> {
  const options = ['+noall', '+answer', '+time=2']
  const output = await runIn(namespaceOf(lab.plan, port), 'dig', [...options, ...question.split(' ')])
  return output === '' ? undefined : Number(output.split(/\s+/)[1])
}
const red = '@198.51.100.53 db.red.example.org'
const blue = '@198.51.100.53 db.blue.example.org'

const untimed = async () => untimedFlows(await bridge.ofctl('dump-flows', 'br-int'))

/** What a flow monitor sees of untimed rows while something is done. */
async function untimedEvents(act: () => Promise<void>): Promise<string[]> {
  const logFile = join(node.directory, 'events')
  const monitor = await startDaemon(
    'ovs-ofctl',
    ['-O', 'OpenFlow13', 'monitor', 'br-int', 'watch:!initial'],
    {
      logFile,
      diesWithParent: true,
      env: { OVS_RUNDIR: bridge.rundir },
    },
  )
  const events = () =>
    readFileSync(logFile, 'utf8')
      .split('\n')
      .filter((line) => line.includes('event='))
  const renewals = (after: number) =>
    events()
      .slice(after)
      .some((line) => line.includes('table=20'))
  try {
    await waitUntil('the lease to be seen', () => renewals(0))
    await act()
    const seen = events().length
    await waitUntil('the lease to be seen again', () => renewals(seen))
  } finally {
    await stopProcess(monitor)
  }
  const found = events().filter((line) => !/hard_timeout=[1-9]/.test(line))
  rmSync(logFile)
  return found
}

describe('an option of an application', () => {
  test('changes the next answer, of both tenants, and no untimed flow', async () => {
    expect([await ttlOf('red-web', red), await ttlOf('blue-web', blue)]).toEqual([30, 30])
    const before = await untimed()
    const events = await untimedEvents(async () => {
      const { applied } = await reload(withOptions('[df_dns_app]\ndf_dns_ttl = 77'))
      expect(applied).toEqual(['[df_dns_app] df_dns_ttl'])
      expect([await ttlOf('red-web', red), await ttlOf('blue-web', blue)]).toEqual([77, 77])
    })
    expect(events).toEqual([])
    expect(await untimed()).toEqual(before)
    expect((await controllerStatus(node))?.ready).toBe(true)
    expect(lines().filter(({ level }) => level >= 40)).toEqual([])
    expect(isRunning(controller)).toBe(true)
  })

  test('of flows changes those flows alone', async () => {
    const before = await untimed()
    await reload(withOptions('[df_l2_app]\nl2_responder = false'))
    await waitUntil('the responders to go', async () => (await untimed()).length < before.length)
    const isReady = async () => (await controllerStatus(node))?.ready === true
    await waitUntil('the controller to be ready', isReady)
    const after = await untimed()
    const gone = before.filter((flow) => !after.includes(flow))
    expect(after.filter((flow) => !before.includes(flow))).toEqual([])
    expect(gone.length).toBeGreaterThan(0)
    expect(gone.filter((flow) => !/\barp|icmp6/.test(flow))).toEqual([])
    await reload(original)
    await waitUntil('the responders to be back', async () => (await untimed()).length === before.length)
    expect(await untimed()).toEqual(before)
  })

  test('turns interception off and on, and no query is lost meanwhile', async () => {
    const before = await untimed()
    const replies: (string | undefined)[] = []
    let isOver = false
    const asking = (async () => {
      while (!isOver) {
        const reply = await dig(namespaceOf(lab.plan, 'red-web'), red.split(' '))
        replies.push(reply?.tries === 1 ? reply.status : `${reply?.tries} tries`)
      }
    })()
    const until = (status: string) => waitUntil(status, () => replies.at(-1) === status)
    try {
      await until('NOERROR')
      await reload(withOptions('[df_dns_app]\ndf_dns_intercept = off'))
      await until('NXDOMAIN') // the resolver outside knows no such name
      expect(await untimed()).not.toEqual(before)
      await reload(original)
      await until('NOERROR')
    } finally {
      isOver = true
      await asking
    }
    expect([...new Set(replies)].sort()).toEqual(['NOERROR', 'NXDOMAIN'])
    expect(await untimed()).toEqual(before)
  })
})

test('the level of the log', async () => {
  const hasDebug = () => lines().some(({ level }) => level === 20)
  const changing = 'l2_responder = false'
  await reload(withOptions(`[df_l2_app]\n${changing}`))
  await reload(withOptions('[DEFAULT]\nlog_level = debug'))
  expect(hasDebug()).toBe(false)
  await reload(withOptions(`[DEFAULT]\nlog_level = debug\n[df_l2_app]\n${changing}`))
  await waitUntil('a line of that level', hasDebug)
})

describe('a broken file', () => {
  test.each([
    [
      'a value',
      '[df_dns_app]\ndf_dns_ttl = soon',
      /\[df_dns_app\] df_dns_ttl = 'soon': expected a whole number/,
    ],
    ['a line', '[df_dns_app]\ndf_dns_ttl', /'df_dns_ttl' is no option; write name = value/],
    ['what an application refuses', '[DEFAULT]\ndns_domain = no domain', /'no domain' is not a domain name/],
  ])('changes nothing and is one line: %s', async (_name, options, reason) => {
    const before = await untimed()
    const events = await untimedEvents(async () => {
      const line = await reload(withOptions(`[df_l2_app]\nl2_responder = false\n${options}`))
      expect(line).toMatchObject({ level: 50, reason: expect.stringMatching(reason) })
      expect([await ttlOf('red-web', red), await ttlOf('blue-web', blue)]).toEqual([30, 30])
    })
    expect(events).toEqual([])
    expect(await untimed()).toEqual(before)
    expect(lines().filter(({ level }) => level >= 40)).toHaveLength(1)
    expect((await controllerStatus(node))?.ready).toBe(true)
  })
})

test('what only a restart changes is named in one line, and everything goes on', async () => {
  const options =
    '[DEFAULT]\nhost = compute-9\n[df]\nintegration_bridge = br-none\nnb_path = /nonexistent\napps_list = dns'
  const { level, applied } = await reload(withOptions(options))
  expect([level, applied]).toEqual([30, []])
  expect(
    lines()
      .filter((line) => line.level >= 40)
      .map(({ msg }) => msg),
  ).toEqual([
    'changed, but only looked at when the process starts: [DEFAULT] host, [df] apps_list, [df] nb_path, ' +
      '[df] integration_bridge; restart to apply',
  ])
  expect([await ttlOf('red-web', red), await ttlOf('blue-web', blue)]).toEqual([30, 30])
  expect((await controllerStatus(node))?.ready).toBe(true)
})
