/**
 * A real Open vSwitch with dummy ports: frames go in by `ovs-appctl netdev-dummy/receive` and come out into pcap files, so
 * that there is neither a link nor a kernel in between and every frame that leaves is seen.
 */

import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createNamespace, deleteNamespace } from '../../src/lab/namespace.ts'
import { type Switch, startSwitch } from '../../src/lab/switch.ts'
import { type Flow, formatFlow, formatGroup, type Group } from '../../src/openflow/index.ts'
import type { Sent } from './fake-switch.ts'

export interface DummySwitch {
  readonly real: Switch
  readonly namespace: string
  /** A bridge of the dummy datapath with dummy ports of those OpenFlow numbers. */
  addBridge(bridge: string, ofports: readonly number[]): Promise<DummyBridge>
  stop(): Promise<void>
}

export interface DummyBridge {
  install(flows: readonly Flow[], groups: readonly Group[]): Promise<void>
  /** Gives it these flows in place of those that it has; what is the same stays. */
  replace(flows: readonly Flow[]): Promise<void>
  /** Frames come in, one after the other; returns all that leaves. */
  receive(port: number, ...frames: Buffer[]): Promise<Sent[]>
  /** What `ovs-ofctl dump-flows` shows, without counters, cookies and timed rows. */
  dump(): Promise<string[]>
}

/** Starts it in a directory and a namespace of its own. */
export async function startDummySwitch(name: string): Promise<DummySwitch> {
  const directory = mkdtempSync(join(tmpdir(), `df-${name}-`))
  const namespace = `df-${name}-${process.pid}`
  const remove = async () => {
    await deleteNamespace(namespace)
    rmSync(directory, { recursive: true, force: true })
  }
  try {
    await createNamespace(namespace)
    const real = await startSwitch({ directory, namespace, extraVswitchdArgs: ['--enable-dummy'] })
    return {
      real,
      namespace,
      addBridge: (bridge, ofports) => addDummyBridge(real, bridge, ofports),
      stop: async () => {
        await real.stop()
        await remove()
      },
    }
  } catch (error) {
    await remove()
    throw error
  }
}

/** A dummy port drops what comes while 100 frames wait at it (lib/netdev-dummy.c). */
const framesAtOnce = 90

/** Two ports that are no part of the pipeline: what goes into one comes out of the other. */
const marker = { in: 60_001, out: 60_002 }

async function addDummyBridge(
  real: Switch,
  bridge: string,
  ofports: readonly number[],
): Promise<DummyBridge> {
  const nameOf = (ofport: number) => `${bridge}-${ofport}`
  const pcapOf = (ofport: number) => join(real.rundir, `${nameOf(ofport)}.pcap`)
  const all = [...ofports, marker.in, marker.out]
  const add = all.flatMap((ofport) => [
    ...['--', 'add-port', bridge, nameOf(ofport)],
    ...['--', 'set', 'interface', nameOf(ofport), 'type=dummy', `ofport_request=${ofport}`],
    `options:tx_pcap=${pcapOf(ofport)}`,
  ])
  await real.vsctl(
    'add-br',
    bridge,
    '--',
    'set',
    'bridge',
    bridge,
    'datapath_type=dummy',
    'fail_mode=secure',
    ...add,
  )
  const seen = new Map(all.map((ofport) => [ofport, statSync(pcapOf(ofport)).size]))
  const newFrames = (ofport: number): Buffer[] => {
    const { frames, end } = framesOf(readFileSync(pcapOf(ofport)), seen.get(ofport)!)
    seen.set(ofport, end)
    return frames
  }
  const inject = (ofport: number, ...frames: Buffer[]) =>
    real.appctl('netdev-dummy/receive', nameOf(ofport), ...frames.map((frame) => frame.toString('hex')))
  /**
   * The switch polls its ports round by round, and a dummy port gives it one frame in each: when one marker more than there
   * were frames is out, all of them have been through.
   */
  const settle = async (frameCount: number) => {
    const markers = Array.from({ length: frameCount + 1 }, () => Buffer.alloc(60))
    await inject(marker.in, ...markers)
    for (let left = markers.length; left > 0; left -= newFrames(marker.out).length) await sleep(2)
  }
  const detour = `table=0,priority=65535,in_port=${marker.in} actions=output:${marker.out}`
  return {
    install: (flows, groups) => install(real, bridge, [...flows.map(formatFlow), detour], groups),
    replace: async (flows) => {
      const file = join(real.rundir, `${bridge}.flows`)
      writeFileSync(file, [...flows.map(formatFlow), detour].map((text) => `${text}\n`).join(''))
      await real.ofctl('replace-flows', bridge, file)
      await real.appctl('dpctl/del-flows') // what the datapath remembers is of the old ones until it is looked at again
    },
    receive: async (port, ...frames) => {
      for (let from = 0; from < frames.length; from += framesAtOnce) {
        const some = frames.slice(from, from + framesAtOnce)
        await inject(port, ...some)
        await settle(some.length)
      }
      return ofports.flatMap((ofport) => newFrames(ofport).map((left) => ({ port: ofport, frame: left })))
    },
    dump: async () => {
      const lines = (await real.ofctl('--no-stats', '--no-names', 'dump-flows', bridge)).split('\n')
      const isShown = (line: string) =>
        line.includes('actions=') && !line.includes('hard_timeout=') && !line.includes(`in_port=${marker.in}`)
      const flows = lines.filter(isShown)
      return flows.map((line) => line.trim().replace(/^cookie=0x[0-9a-f]+, /, ''))
    },
  }
}

/** Gives a bridge these flows (as text) and groups. */
export async function install(
  real: Switch,
  bridge: string,
  flows: readonly string[],
  groups: readonly Group[],
): Promise<void> {
  const [flowFile, groupFile] = ['flows', 'groups'].map((kind) => join(real.rundir, `${bridge}.${kind}`)) as [
    string,
    string,
  ]
  writeFileSync(flowFile, flows.map((text) => `${text}\n`).join(''))
  writeFileSync(groupFile, groups.map((group) => `${formatGroup(group)}\n`).join(''))
  await real.ofctl('add-groups', bridge, groupFile)
  await real.ofctl('add-flows', bridge, flowFile)
}

/** The packets of a pcap file from the byte `start` on (pcap-savefile(5), written in this machine's byte order). */
function framesOf(file: Buffer, start: number): { frames: Buffer[]; end: number } {
  const frames: Buffer[] = []
  let at = start
  while (at + 16 <= file.length) {
    const size = file.readUInt32LE(at + 8)
    if (at + 16 + size > file.length) break
    frames.push(file.subarray(at + 16, at + 16 + size))
    at += 16 + size
  }
  return { frames, end: at }
}
