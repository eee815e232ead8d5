/** A real Open vSwitch in a network namespace of its own, and a bare OpenFlow connection to its bridge `br0`. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createNamespace, deleteNamespace } from '../../src/lab/namespace.ts'
import { type Switch, startSwitch } from '../../src/lab/switch.ts'
import { decode, encode, errorName, type Message, type MultipartRequest } from '../../src/openflow/index.ts'
import { type RawPeer, rawPeer } from './raw-peer.ts'

/** The switch, and what can be asked of it. */
export interface RawSwitch {
  readonly subject: Switch
  readonly peer: RawPeer
  /** Another connection to the same bridge. */
  connect(): Promise<RawPeer>
  /** Sends messages and a barrier; gives the names of the errors that came. */
  errorsOf(...messages: Message[]): Promise<string[]>
  /** All replies to a multipart request, as bytes. */
  replies(body: MultipartRequest): Promise<Buffer[]>
  stop(): Promise<void>
}

const isReply = (id: number) => (message: Buffer) => message.readUInt32BE(4) === id

/** Starts it; `name` tells this test's namespace from those of others. */
export async function startRawSwitch(name: string): Promise<RawSwitch> {
  const directory = mkdtempSync(join(tmpdir(), `df-${name}-`))
  const namespace = `dft-${process.pid}-${name}`
  await createNamespace(namespace)
  const subject = await startSwitch({ directory, namespace, bridge: 'br0' })
  const connect = async () => {
    const peer = await rawPeer(join(directory, 'br0.mgmt'))
    peer.send(encode({ kind: 'hello', xid: 0, versions: [4] }))
    return peer
  }
  const peer = await connect()
  let xid = 0x7000_0000
  return {
    subject,
    peer,
    connect,
    async errorsOf(...messages) {
      const barrier = ++xid
      peer.send(...messages.map(encode), encode({ kind: 'barrierRequest', xid: barrier }))
      await peer.take((message) => message[1] === 21 && isReply(barrier)(message))
      const came = peer.received.splice(0).map((message) => decode(message))
      return came.filter((message) => message.kind === 'error').map((message) => errorName(message))
    },
    async replies(body) {
      const id = ++xid
      peer.send(encode({ kind: 'multipartRequest', xid: id, body }))
      const all: Buffer[] = []
      do all.push(await peer.take(isReply(id)))
      while (all.at(-1)!.readUInt16BE(10) & 1)
      return all
    },
    async stop() {
      peer.close()
      await subject.stop()
      await deleteNamespace(namespace)
      rmSync(directory, { recursive: true })
    },
  }
}
