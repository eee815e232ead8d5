/**
 * What a switch would do with a packet, by `ofproto/trace` over its control socket (JSON-RPC 1.0): a process for each pair
 * would cost ten times as much. It knows no cloud.
 */

import { connect, type Socket } from 'node:net'

/** Where a packet would go: the OpenFlow port, and what it would be told of a tunnel. */
export interface Output {
  readonly port: number
  /** `192.0.2.2`, and the network's number; undefined for a port that is no tunnel. */
  readonly tunnel: { readonly address: string; readonly id: number } | undefined
}

/** The outputs of a packet, and the packet as it was at last. */
export interface Trace {
  readonly outputs: readonly Output[]
  readonly macs: { readonly source: string; readonly destination: string }
  readonly text: string
}

/** A connection to ovs-vswitchd's control socket. */
export interface Tracer {
  trace(bridge: string, flow: string): Promise<Trace>
  close(): void
}

/** Connects; orders are carried out one after the other. */
export function connectTracer(path: string): Tracer {
  const waiting: { resolve: (text: string) => void; reject: (error: Error) => void }[] = []
  const socket: Socket = connect(path)
  let received = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    received += chunk
    for (let end = endOfObject(received); end > 0; end = endOfObject(received)) {
      const { result, error } = JSON.parse(received.slice(0, end)) as { result?: string; error?: string }
      received = received.slice(end)
      const asker = waiting.shift()!
      if (typeof result === 'string') asker.resolve(result)
      else asker.reject(new Error(`ovs-vswitchd: ${error}`))
    }
  })
  socket.on('error', (error) => {
    for (const { reject } of waiting.splice(0)) reject(error)
  })
  const ask = (method: string, params: readonly string[]) =>
    new Promise<string>((resolve, reject) => {
      waiting.push({ resolve, reject })
      socket.write(JSON.stringify({ method, params, id: waiting.length }))
    })
  return {
    trace: async (bridge, flow) => traceOf(await ask('ofproto/trace', [bridge, flow])),
    close: () => socket.destroy(),
  }
}

/** The length of the JSON object at the start of a text; 0 if it is not whole. Texts in it may hold braces. */
function endOfObject(text: string): number {
  let [depth, isText] = [0, false]
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at]
    if (isText) {
      if (character === '\\') at += 1
      else if (character === '"') isText = false
    } else if (character === '"') isText = true
    else if (character === '{') depth += 1
    else if (character === '}' && --depth === 0) return at + 1
  }
  return 0
}

/** What the text of a trace says (ovs-vswitchd(8), "OFPROTO COMMANDS"; Open vSwitch 3.1). */
export function traceOf(text: string): Trace {
  const outputs: Output[] = []
  let id: number | undefined
  for (const line of text.split('\n')) {
    id = numberIn(/^\s+set_field:(0x[0-9a-f]+)->tun_id$/, line) ?? id
    const port = numberIn(/^\s+output:(\d+)$/, line)
    if (port !== undefined) outputs.push({ port, tunnel: undefined })
    const far = /-> tunneling to (\S+) via/.exec(line)?.[1]
    if (far !== undefined) outputs.push({ port: outputs.pop()!.port, tunnel: { address: far, id: id! } })
    if (/>> (skipping output|native tunnel routing failed)/.test(line)) outputs.pop()
  }
  // A packet that passes connection tracking is traced in several parts, each with a flow of its own.
  const last = [...text.matchAll(/^Final flow: (.*)$/gm)].at(-1)?.[1] ?? ''
  const [source = '', destination = ''] = ['dl_src', 'dl_dst'].map(
    (name) => new RegExp(`${name}=([^,]+)`).exec(last)?.[1],
  )
  return { outputs, macs: { source, destination }, text }
}

function numberIn(pattern: RegExp, line: string): number | undefined {
  const found = pattern.exec(line)?.[1]
  return found === undefined ? undefined : Number(found)
}
