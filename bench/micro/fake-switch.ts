/**
 * A switch that is none: a socket that sends queries as packet-ins to this controller's listener and counts the
 * packet-outs that come back. Both ends run in this process, on one thread.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Framing } from '../../src/openflow/framing.ts'
import { listen } from '../../src/openflow/index.ts'
import { handlersOf } from './cases.ts'
import { createLane, introduction } from './lane.ts'

const packetOut = 13

export interface Load {
  readonly perSecond: number
  /** Of each answer, in microseconds, in order of size. */
  readonly latenciesUs: readonly number[]
}

export interface FakeSwitch {
  /** Keeps so many queries on their way for that long. */
  load(outstanding: number, ms: number): Promise<Load>
  close(): Promise<void>
}

/** Starts a listener over a cloud and connects the switch to it. */
export async function startFakeSwitch(): Promise<FakeSwitch> {
  const lane = createLane({ tenants: 2, networks: 10, ports: 1000, localPorts: 20 })
  const directory = mkdtempSync(join(tmpdir(), 'df-micro-'))
  const path = join(directory, 'controller')
  let tellConnected = () => {}
  const isConnected = new Promise<void>((resolve) => {
    tellConnected = resolve
  })
  const listener = await listen(
    `unix:${path}`,
    handlersOf(lane, () => tellConnected()),
  )
  const socket = await new Promise<Socket>((resolve, reject) => {
    const opened = connect(path, () => resolve(opened)).once('error', reject)
  })
  const answers = answersOf(socket)
  socket.write(introduction)
  await isConnected
  const query = lane.packetIn(lane.localPorts[0]!, 7, 1)
  return {
    load: (outstanding, ms) => load({ socket, answers, query }, outstanding, ms),
    async close() {
      socket.destroy()
      await listener.close()
      rmSync(directory, { recursive: true })
    },
  }
}

/** Calls with the number of answers in each chunk. */
type Answers = (told: (count: number) => void) => void

function answersOf(socket: Socket): Answers {
  const framing = new Framing()
  let tell = (_count: number) => {}
  socket.on('data', (chunk: Buffer) => {
    let count = 0
    framing.push(chunk, (bytes, start) => {
      if (bytes[start + 1] === packetOut) count += 1
    })
    if (count > 0) tell(count)
  })
  return (told) => {
    tell = told
  }
}

interface Parts {
  readonly socket: Socket
  readonly answers: Answers
  readonly query: Buffer
}

function load({ socket, answers, query }: Parts, outstanding: number, ms: number): Promise<Load> {
  const sentAt: number[] = []
  const latenciesUs: number[] = []
  const startedAt = performance.now()
  const send = (count: number) => {
    const now = performance.now()
    for (let i = 0; i < count; i++) sentAt.push(now)
    socket.write(Buffer.concat(Array.from({ length: count }, () => query)))
  }
  return new Promise((resolve) => {
    answers((count) => {
      const now = performance.now()
      for (let i = 0; i < count; i++) latenciesUs.push((now - sentAt[latenciesUs.length]!) * 1000)
      if (now - startedAt < ms) send(count)
      else if (latenciesUs.length === sentAt.length)
        resolve({
          perSecond: (latenciesUs.length * 1000) / (now - startedAt),
          latenciesUs: latenciesUs.toSorted((a, b) => a - b),
        })
    })
    send(outstanding)
  })
}
