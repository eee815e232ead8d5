/**
 * Odd packets through a cloud on a real Open vSwitch: what is not answered leaves the cloud byte for byte as it does
 * without interception, and nothing is seen at any other port. The packets are those of test/vectors/packets.
 */

import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { down, type Lab, namespaceOf, up } from '../../src/lab/lab.ts'
import { ip } from '../../src/lab/namespace.ts'
import { controllerStatus } from '../../src/lab/node.ts'
import type { NodePlan } from '../../src/lab/plan.ts'
import { type ProcessRef, signalProcess, waitUntil } from '../../src/lab/process.ts'
import { readState } from '../../src/lab/state.ts'
import { switchAt } from '../../src/lab/switch.ts'
import { builtSource } from '../support/build.ts'
import { type Capture, sendFrames, startCapture } from '../support/capture.ts'
import { labNameOf, tracesOf, twoTenantsFile } from '../support/lab.ts'

const name = labNameOf('odd')
const directory = mkdtempSync(join(tmpdir(), 'df-odd-'))
const webMac = 'fa163e000011'
const ownName = Buffer.from('03776562 03726564 076578616d706c65 036f7267 00'.replaceAll(' ', ''), 'hex')

let lab: Lab
let node: NodePlan
let controller: ProcessRef

beforeAll(async () => {
  const main = join(builtSource(), 'main.js')
  // Without port security, so that senders that cannot be answered come as far as our rows.
  const file = join(directory, 'cloud.yaml')
  writeFileSync(
    file,
    readFileSync(twoTenantsFile, 'utf8').replace(/^( +)dns_name: web\b/gm, '$&\n$1security: false #'),
  )
  lab = await up({ name, file, controller: main, diesWithParent: true, report: () => {} })
  node = lab.plan.nodes[0]!
  controller = readState(name)!.parts.find((part) => part.name === 'compute-1/controller')!.process
})
afterAll(async () => {
  await down(name)
  rmSync(directory, { recursive: true })
  expect(tracesOf(name)).toEqual([])
})

interface Odd {
  readonly name: string
  readonly frame: Buffer
}

/** The odd frames for one host; what would be answered asks for nobody's name instead. */
function oddRows(): Odd[] {
  const rows = readFileSync(join(import.meta.dirname, '../vectors/packets/odd.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { name: string; hex: string; expect: string })
  return rows.flatMap(({ name, hex, expect: expected }) => {
    const frame = Buffer.from(hex, 'hex')
    const at = frame.indexOf(ownName)
    const isAnswered = expected.startsWith('reply')
    if ((frame[0]! & 1) === 1 || (frame[6]! & 1) === 1 || (isAnswered && at < 0)) return []
    if (!isAnswered) return [{ name, frame }]
    // wfb.rdd.example.org: two bytes of one column of the checksum, whose sum stays the same.
    frame[at + 2]! += 1
    frame[at + 6]! -= 1
    return [{ name, frame }]
  })
}

/** The frames from `web` to that gateway. */
const fromWeb = (rows: readonly Odd[], gatewayMac: string): Buffer[] =>
  rows.map(({ frame }) => Buffer.concat([Buffer.from(gatewayMac + webMac, 'hex'), frame.subarray(12)]))

const tenants = ['red', 'blue'] as const
const everyPort = ['red-web', 'red-db', 'red-dns', 'red-gateway', 'blue-web', 'blue-db', 'blue-gateway']

const deviceOf = (port: string) => (port.endsWith('gateway') ? 'inside' : 'eth0')
const macOf = async (port: string) => {
  const text = await ip(namespaceOf(lab.plan, port), [`link show dev ${deviceOf(port)}`])
  return /link\/ether (\S+)/.exec(text)![1]!.replaceAll(':', '')
}

/** The machines' own talk: ICMP, and ICMPv6 with or without hop-by-hop options before it. */
function isOwnTalk(frame: Buffer): boolean {
  if (frame.readUInt16BE(12) === 0x0800) return frame[23] === 1
  return frame.readUInt16BE(12) === 0x86dd && (frame[20] === 58 || (frame[20] === 0 && frame[54] === 58))
}

const listen = (port: string): Promise<Capture> =>
  startCapture(namespaceOf(lab.plan, port), deviceOf(port), { direction: 'in', filter: 'not arp' })

const hashes = (frames: readonly Buffer[]) =>
  frames.map((frame) => createHash('sha256').update(frame).digest('hex')).sort()

/** How many packets the controller has been asked about, those on their way into the counters included. */
async function punts(): Promise<number> {
  const bridge = switchAt(node.switchDirectory)
  await bridge.appctl('revalidator/purge')
  const dump = await bridge.ofctl('dump-flows', 'br-int', 'table=33')
  return Number(/n_packets=(\d+)/.exec(dump)?.[1] ?? 0)
}

/** What comes to a port of these frames of the tenant's `web`, and how many packets to any other. */
async function outcomeOf(tenant: 'red' | 'blue', to: string, frames: readonly Buffer[]) {
  const before = await punts()
  const others = everyPort.filter((port) => port !== to && port !== `${tenant}-web`)
  const [target, ...rest] = await Promise.all([to, ...others].map(listen))
  await sendFrames(namespaceOf(lab.plan, `${tenant}-web`), frames)
  const isFromWeb = (frame: Buffer) => frame.toString('hex', 6, 12) === webMac && !isOwnTalk(frame)
  await waitUntil('the frames', () => target!.frames().filter(isFromWeb).length >= frames.length)
  await sleep(200) // for what should not come
  const arrived = (await target!.stop()).filter(isFromWeb)
  const elsewhere: number[] = []
  for (const capture of rest)
    elsewhere.push((await capture.stop()).filter((frame) => !isOwnTalk(frame)).length)
  const punted = (await punts()) - before
  const counts = others.map((port, index) => `${port} ${elsewhere[index]}`).join(', ')
  console.log(
    `${tenant}-web to ${to}: ${frames.length} sent, ${punted} looked at, ${arrived.length} arrived; ${counts}`,
  )
  expect(elsewhere.filter((count) => count > 0)).toEqual([])
  return { arrived, punted }
}

/** Gives the controller its file with these options on top, and waits until what it asks of the switch is there. */
async function intercept(mode: string): Promise<void> {
  const config = join(node.directory, 'df.conf')
  const log = () => readFileSync(join(node.directory, 'controller.log'), 'utf8')
  const from = log().length
  writeFileSync(config, `${readFileSync(config, 'utf8')}\n[df_dns_app]\ndf_dns_intercept = ${mode}\n`)
  signalProcess(controller, 'SIGHUP')
  await waitUntil('the controller to read its file', () =>
    log().slice(from).includes('configuration taken over'),
  )
  await waitUntil('the controller to be ready', async () => (await controllerStatus(node))?.ready === true)
}

/** To whom the frames go: out of the cloud, or to a neighbour, which tags of a guest's own reach as they are. */
const ways = tenants.flatMap((tenant) => [
  { tenant, to: `${tenant}-gateway`, isOdd: ({ name }: Odd) => !/\btags?$/.test(name) },
  { tenant, to: `${tenant}-db`, isOdd: ({ name }: Odd) => /\btags?$/.test(name) },
])

test.each(['external', 'advertised', 'off'])(
  'with interception %s what is sent arrives',
  async (mode) => {
    await intercept(mode)
    for (const { tenant, to, isOdd } of ways) {
      const frames = fromWeb(oddRows().filter(isOdd), await macOf(to))
      const { arrived, punted } = await outcomeOf(tenant, to, frames)
      expect(hashes(arrived)).toEqual(hashes(frames))
      if (mode === 'off') expect(punted).toBe(0)
      else if (to.endsWith('gateway')) expect(punted).toBeGreaterThan(frames.length / 2)
    }
  },
  60_000,
)
