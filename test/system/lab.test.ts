/** The lab with controllers: what a person who tries `examples/two-tenants.yaml` must find (real OVS, dig, dnsmasq). */

import { readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dig } from '../../src/lab/dig.ts'
import { captureOf } from '../../src/lab/dns-server.ts'
import { interview } from '../../src/lab/interview.ts'
import { down, type Lab, namespaceOf, portOf, restartController, up } from '../../src/lab/lab.ts'
import { runIn } from '../../src/lab/namespace.ts'
import type { NodePlan } from '../../src/lab/plan.ts'
import { startDaemon, stopProcess, waitUntil } from '../../src/lab/process.ts'
import {
  type Question,
  questions,
  questionsAfterRestart,
  questionsWithoutController,
} from '../../src/lab/questions.ts'
import { readState } from '../../src/lab/state.ts'
import { labStatus } from '../../src/lab/status.ts'
import { type SwitchTools, switchAt } from '../../src/lab/switch.ts'
import { openNbDriver } from '../../src/nb/index.ts'
import { builtSource } from '../support/build.ts'
import { framesIn, sendFrames, startCapture } from '../support/capture.ts'
import { eth, ipv4, ipv6, udp } from '../support/frames.ts'
import { twoTenantsFile as file, labNameOf, tracesOf, untimedFlows } from '../support/lab.ts'

const name = labNameOf('acc')
const controller = join(builtSource(), 'main.js')
let lab: Lab
let node: NodePlan
let bridge: SwitchTools

beforeAll(async () => {
  lab = await up({ name, file, controller, diesWithParent: true, report: () => {} })
  node = lab.plan.nodes[0]!
  bridge = switchAt(node.switchDirectory)
})

afterAll(async () => {
  await down(name)
  expect(tracesOf(name)).toEqual([])
})

const ask = (port: string, question: string) => dig(namespaceOf(lab.plan, port), question.split(' '))
const stopController = () => stopProcess(controllerProcess())
const startController = () => restartController(name, node, controller, { diesWithParent: true })
const controllerProcess = () =>
  readState(name)!.parts.find((part) => part.name === 'compute-1/controller')!.process

/** Asks, and expects what the question expects. */
async function expectAnswers(list: readonly Question[]): Promise<void> {
  const findings = await interview(lab.plan, list)
  const faults = findings.filter((finding) => finding.faults.length > 0)
  expect(
    faults.map(({ question, faults }) => `${question.asker} ${question.ask}: ${faults.join('; ')}`),
  ).toEqual([])
}

describe('a lab of two tenants', () => {
  test('is ready', async () => {
    const { state, controllers, ports } = await labStatus(name)
    expect({ state, controllers }).toEqual({
      state: 'up',
      controllers: [{ node: 'compute-1', isReady: true, reasons: [] }],
    })
    expect(ports.map(({ ofport }) => ofport)).toEqual([11, 12, 13, 14, 15])
  })

  test("answers a tenant's own names and nobody else's", () => expectAnswers(questions))

  test('follows a changed row', async () => {
    const store = await openNbDriver({
      nb_db_class: 'file_nb_db_driver',
      nb_path: join(lab.plan.directory, 'nb'),
    })
    const { id } = portOf(lab.plan, 'red-db').port
    const rename = (dnsName: string) =>
      store.change('dnsname', id, (row) => {
        const { version, ...rest } = JSON.parse(row!) as { version: number }
        return JSON.stringify({ ...rest, version: version + 1, dns_name: dnsName })
      })
    const status = async (port: string, question: string) => (await ask(port, question))?.status
    try {
      await rename('database')
      const hasMoved = async () =>
        (await status('red-web', '@198.51.100.53 database.red.example.org')) === 'NOERROR'
      await waitUntil('the new name', hasMoved)
      expect(await status('red-web', '@198.51.100.53 db.red.example.org')).toBe('NXDOMAIN')
      expect(await status('blue-web', '@198.51.100.53 db.blue.example.org')).toBe('NOERROR')
      expect(await status('blue-web', '@198.51.100.53 database.blue.example.org')).toBe('NXDOMAIN')
    } finally {
      await rename('db')
      await store.close()
    }
    await waitUntil(
      'the old name',
      async () => (await status('red-web', '@198.51.100.53 db.red.example.org')) === 'NOERROR',
    )
  })
})

describe('a query that is not for the cloud', () => {
  test('leaves through the gateway as the VM sent it, with the hijack and without it', async () => {
    const sent = await strangeQueries()
    const withHijack = await throughGateway(sent)
    expect(withHijack).toEqual(packetsOf(sent))
    await stopController()
    const isHijacked = async () =>
      (await bridge.ofctl('dump-flows', 'br-int', 'table=20')).includes('goto_table:31')
    await waitUntil('the end of the lease', async () => !(await isHijacked()))
    const withoutHijack = await throughGateway(sent)
    await startController()
    expect(withoutHijack).toEqual(withHijack)
  })

  test("is dig's own packet, byte for byte", async () => {
    const filter = 'udp dst port 53'
    const vm = await startCapture(namespaceOf(lab.plan, 'blue-web'), 'eth0', { direction: 'out', filter })
    const gateway = await startCapture(namespaceOf(lab.plan, 'blue-gateway'), 'inside', {
      direction: 'in',
      filter,
    })
    for (const server of ['198.51.100.53', '2001:db8::53'])
      for (const question of ['web.red.example.org A', 'ext.example.net AAAA', '-x 192.0.2.80'])
        expect(await ask('blue-web', `@${server} ${question}`)).toBeDefined()
    await waitUntil('as many queries', () => gateway.frames().length >= 6 && vm.frames().length >= 6)
    expect(packetsOf(await gateway.stop())).toEqual(packetsOf(await vm.stop()))
  })

  test("reaches the tenant's own server untouched", async () => {
    const before = await hijackedQueries()
    expect(Number(before)).toBeGreaterThan(0)
    const vm = await startCapture(namespaceOf(lab.plan, 'red-web'), 'eth0', {
      direction: 'out',
      filter: 'udp dst port 53',
    })
    const replies = [
      await ask('red-web', '@10.0.0.53 wiki.corp.example.com A'),
      await ask('red-web', '@10.0.0.53 db.red.example.org A'),
      await ask('red-web', '@fd00:a::53 db.red.example.org A'),
    ]
    expect(replies.map((reply) => reply?.status)).toEqual(['NOERROR', 'NXDOMAIN', 'NXDOMAIN'])
    await waitUntil('the queries to be captured', () => vm.frames().length >= 3)
    const sent = await vm.stop()
    expect(sent).toHaveLength(3)
    const received = () => framesIn(readFileSync(captureOf(lab.plan, 'red-dns')))
    await waitUntil('the queries', () =>
      sent.every((frame) => received().some((other) => other.equals(frame))),
    )
    expect(await hijackedQueries()).toBe(before)
  })
})

describe('the controller', () => {
  test('programs the flows that docs/pipeline.md shows', async () => {
    const flows = untimedFlows(await bridge.ofctl('dump-flows', 'br-int'))
    const document = readFileSync('docs/pipeline.md', 'utf8')
    const block = /(## The demo's flows\n[^#]*?```\n)([^`]*)(```)/
    // UPDATE_DOCS=1 writes what the switch holds into the document, for a person to review.
    if (process.env.UPDATE_DOCS)
      writeFileSync(
        'docs/pipeline.md',
        document.replace(block, (_, head, __, tail) => `${head}${flows.join('\n')}\n${tail}`),
      )
    else expect(flows).toEqual(block.exec(document)?.[2]?.trim().split('\n'))
  })

  test('changes no untimed flow when it starts again', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'df-monitor-'))
    const logFile = join(directory, 'events')
    const monitor = await startDaemon(
      'ovs-ofctl',
      ['-O', 'OpenFlow13', 'monitor', 'br-int', 'watch:!initial'],
      {
        logFile,
        diesWithParent: true,
        env: { OVS_RUNDIR: bridge.rundir },
      },
    )
    const events = () => readFileSync(logFile, 'utf8').split('\n')
    const before = untimedFlows(await bridge.ofctl('dump-flows', 'br-int'))
    await waitUntil('the lease to be seen', () =>
      events().some((line) => /table=20.*hard_timeout=/.test(line)),
    )
    await stopController()
    await startController()
    const seen = events().length
    await waitUntil('the lease to be seen again', () => events().length > seen)
    const untimed = events().filter((line) => /event=/.test(line) && !/(hard|idle)_timeout=[1-9]/.test(line))
    expect(untimed).toEqual([])
    expect(untimedFlows(await bridge.ofctl('dump-flows', 'br-int'))).toEqual(before)
    await stopProcess(monitor)
    await rm(directory, { recursive: true })
  })

  test('is not needed for the world outside', async () => {
    process.kill(controllerProcess().pid, 'SIGKILL')
    await expectAnswers(questionsWithoutController)
    await startController()
    await expectAnswers(questionsAfterRestart)
  })
})

/** Frames of red-web to the server outside that the cloud has no answer to. */
async function strangeQueries(): Promise<Buffer[]> {
  const { mac } = portOf(lab.plan, 'red-web').port
  const shown = await runIn(namespaceOf(lab.plan, 'red-gateway'), 'ip', ['-j', 'link', 'show', 'inside'])
  const [{ address: gatewayMac }] = JSON.parse(shown) as [{ address: string }]
  const v4 = (data: string) => eth(mac, gatewayMac, ipv4('10.0.0.11', '198.51.100.53', udp(40000, 53, data)))
  const v6 = (data: string) => eth(mac, gatewayMac, ipv6('fd00:a::11', '2001:db8::53', udp(40000, 53, data)))
  const withoutChecksum = v4(query('nobody.red.example.org'))
  withoutChecksum.writeUInt16BE(0, 14 + 20 + 6)
  const broken = v4(query('db.red.example.org'))
  broken[broken.length - 1]! ^= 0xff // an own name, but the checksum does not fit
  return [
    v4(query('nobody.red.example.org')),
    v6(query('nobody.red.example.org')),
    v4(query('web.blue.example.org')),
    v6(query('web.blue.example.org')),
    v4(query('db.red.example.org', { opcode: 4 })), // NOTIFY
    v4(query('db.red.example.org', { questions: 2 })),
    v4(query('db.red.example.org', { class: 3 })), // CHAOS
    v4(query('db\0.red.example.org')),
    v4('not DNS at all'),
    v4(''),
    withoutChecksum,
    broken,
  ]
}

/** A query for the A record of a name, RFC 1035 §4.1; ASCII only. */
function query(name: string, { opcode = 0, questions = 1, class: qclass = 1 } = {}): string {
  const labels = name.split('.').map((label) => String.fromCharCode(label.length) + label)
  const header = [0x1234, (opcode << 11) | 0x0100, questions, 0, 0, 0]
  return `${words(header)}${labels.join('')}\0${words([1, qclass])}`
}

const words = (values: readonly number[]) =>
  values.map((value) => String.fromCharCode(value >> 8, value & 0xff)).join('')

/** Sends frames as red-web and returns what enters the tenant's gateway. */
async function throughGateway(frames: readonly Buffer[]): Promise<string[]> {
  const filter = 'udp dst port 53 and src port 40000'
  const gateway = await startCapture(namespaceOf(lab.plan, 'red-gateway'), 'inside', {
    direction: 'in',
    filter,
  })
  await sendFrames(namespaceOf(lab.plan, 'red-web'), frames)
  await waitUntil('as many queries', () => gateway.frames().length >= frames.length)
  return packetsOf(await gateway.stop())
}

/** The packets from the IP header on, in hexadecimal, sorted: a switch keeps the order of one flow only. */
const packetsOf = (frames: readonly Buffer[]) => frames.map((frame) => frame.toString('hex', 14)).sort()

/** How many queries of red-web the hijack has seen so far, those on their way into the counters included. */
async function hijackedQueries(): Promise<string | undefined> {
  await bridge.appctl('revalidator/purge')
  const dump = await bridge.ofctl('dump-flows', 'br-int', 'table=32,reg6=1')
  return /n_packets=(\d+)/.exec(dump)?.[1]
}
