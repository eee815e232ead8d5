/**
 * A switch that is none: a socket that sends queries as packet-ins to a controller's listener and counts the packet-outs
 * that come back.
 */

import { connect, type Socket } from 'node:net'
import { Framing } from '../../src/openflow/framing.ts'
import { introduction } from './lane.ts'

const packetOut = 13
const featuresRequest = 5

export interface Load {
  readonly perSecond: number
  /** Of each answer, in microseconds, in order of size. */
  readonly latenciesUs: readonly number[]
}

export interface FakeSwitch {
  /** Keeps so many queries on their way for that long. */
  load(outstanding: number, ms: number): Promise<Load>
  close(): void
}

/** Connects to a controller; it asks these queries, packet-ins as `lane.ts` makes them, in turn. */
export async function connectFakeSwitch(path: string, queries: readonly Buffer[]): Promise<FakeSwitch> {
  const socket = await new Promise<Socket>((resolve, reject) => {
    const opened = connect(path, () => resolve(opened)).once('error', reject)
  })
  const counts = countsOf(socket)
  await new Promise<void>((resolve) => {
    counts(featuresRequest, () => resolve())
    socket.write(introduction)
  })
  let next = 0
  const asked = () => queries[next++ % queries.length]!
  return {
    load: (outstanding, ms) => load({ socket, counts, asked }, outstanding, ms),
    close: () => socket.destroy(),
  }
}

/** Calls with the number of messages of a type in each chunk. */
type Counts = (type: number, told: (count: number) => void) => void

function countsOf(socket: Socket): Counts {
  const framing = new Framing()
  let wanted = -1
  let tell = (_count: number) => {}
  socket.on('data', (chunk: Buffer) => {
    let count = 0
    framing.push(chunk, (bytes, start) => {
      if (bytes[start + 1] === wanted) count += 1
    })
    if (count > 0) tell(count)
  })
  return (type, told) => {
    wanted = type
    tell = told
  }
}

interface Parts {
  readonly socket: Socket
  readonly counts: Counts
  readonly asked: () => Buffer
}

function load({ socket, counts, asked }: Parts, outstanding: number, ms: number): Promise<Load> {
  const sentAt: number[] = []
  const latenciesUs: number[] = []
  const startedAt = performance.now()
  const send = (count: number) => {
    const now = performance.now()
    for (let i = 0; i < count; i++) sentAt.push(now)
    socket.write(Buffer.concat(Array.from({ length: count }, asked)))
  }
  return new Promise((resolve, reject) => {
    socket.once('close', () => reject(new Error('the controller closed the connection')))
    counts(packetOut, (count) => {
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
