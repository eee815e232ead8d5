/** The dns application as tests see it: real frames in, what came of them as a line of text out. */

import { type DecodedPacket, decode, encode, type Question, type RecordType } from 'dns-packet'
import { expect } from 'vitest'
import type { App, AppHost, Verdict } from '../../../src/app/app.ts'
import { dns } from '../../../src/app/dns/dns.ts'
import { bytesOf } from '../../../src/app/reach.ts'
import type { LocalPort, View } from '../../../src/app/view.ts'
import { silentLogger } from '../../../src/log.ts'
import { createMetrics } from '../../../src/metrics.ts'
import { parseFrame } from '../../../src/packet/index.ts'
import { checksum } from '../../../src/wire/checksum.ts'
import { frameOf } from '../../packet/foreign.ts'
import { puntOf } from '../../support/apps.ts'
import { plainSum } from '../../support/odd-packets.ts'

type Options = Parameters<typeof dns.factory>[0]

/** Those of the application, but without a limit: tests ask much at one moment. */
const defaults: Options = {
  df_dns_scope: 'subnet',
  df_dns_intercept: 'external',
  df_dns_ttl: 30,
  df_dns_negative_ttl: 5,
  df_dns_default_hostnames: true,
  df_dns_short_names: true,
  df_dns_max_rate_per_port: 0,
  df_dns_bypass_seconds: 5,
  df_dns_shadow: false,
  df_dns_nsid: '',
}

/** The host of an application under test. */
export function hostOf(dnsDomain = 'openstacklocal', rest: Partial<AppHost> = {}): AppHost {
  const common = { dnsDomain, leaseSeconds: 86_400, localIp: '', tunnelTypes: [] }
  return { log: silentLogger, metrics: createMetrics(), common, now: () => 0, ...rest }
}

/** The application with its default options, unless said otherwise. */
export function appOf(options: Partial<Options> = {}, host = hostOf()): App {
  return dns.factory({ ...defaults, ...options }, host)
}

/** The local port with that key. */
export function localPort(view: View, key: number): LocalPort {
  const port = view.localPorts.find((port) => port.key === key)
  if (!port) throw new Error(`no local port has the key ${key}`)
  return port
}

/** A frame that carries a message to a DNS server: a captured one with another payload, and perhaps another server. */
export function frameWith(message: Buffer, server?: string): Buffer {
  const to = server === undefined ? undefined : bytesOf(server)!
  if (to?.length === 16) return ipv6FrameWith(message, to)
  const headers = frameOf('dig +noedns web.red.example.org A').subarray(0, 42)
  const frame = Buffer.concat([headers, message])
  to?.copy(frame, 30)
  frame.writeUInt16BE(frame.length - 14, 16)
  frame.writeUInt16BE(0, 24)
  frame.writeUInt16BE(checksum(frame, 14, 34), 24)
  frame.writeUInt16BE(8 + message.length, 38)
  frame.writeUInt16BE(0, 40)
  return frame
}

function ipv6FrameWith(message: Buffer, to: Buffer): Buffer {
  const frame = Buffer.concat([frameOf('dig -6 +noedns web.red.example.org A').subarray(0, 62), message])
  const size = frame.length - 54
  to.copy(frame, 38)
  frame.writeUInt16BE(size, 18)
  frame.writeUInt16BE(size, 58)
  frame.writeUInt16BE(0, 60)
  const total = plainSum(
    frame.subarray(22, 54),
    Buffer.from([0, 17, size >> 8, size & 255]),
    frame.subarray(54),
  )
  frame.writeUInt16BE(0xffff - total || 0xffff, 60)
  return frame
}

/** The message in a frame. */
export function messageIn(frame: Buffer): Buffer {
  const packet = parseFrame(frame)
  if (typeof packet === 'string') throw new Error(`not understood: ${packet}`)
  return frame.subarray(packet.payloadOffset, packet.payloadEnd)
}

/** A query as dns-packet makes it. */
export function queryOf(name: string, type: string, more: { id?: number; flags?: number } = {}): Buffer {
  const question: Question = { type: type as RecordType, name }
  return encode({ type: 'query', id: more.id ?? 1, flags: more.flags ?? 0x0100, questions: [question] })
}

/** What the application makes of a message from the port with that key to that server. */
export function verdictOf(app: App, view: View, key: number, message: Buffer, server?: string): Verdict {
  return app.packetIn!(puntOf(localPort(view, key), frameWith(message, server)), view)
}

/** What becomes of a query, as one line: `pass <why>`, or the reply as `textOf` shows it. */
export function ask(app: App, view: View, key: number, name: string, type: string, id = 0): string {
  return textOf(verdictOf(app, view, key, queryOf(name, type, { id })))
}

/** A verdict as one line; a reply as dns-packet reads it, answers before `|` and authority behind it. */
export function textOf(verdict: Verdict): string {
  if (verdict.kind !== 'reply') return `${verdict.kind} ${verdict.why}`
  const message = messageIn(verdict.frame)
  const reply = decode(message)
  expect(decode.bytes).toBe(message.length)
  const answers = (reply.answers ?? []).map(recordText)
  const authorities = (reply.authorities ?? []).map(recordText)
  return [rcodeOf(reply), ...answers, ...(authorities.length > 0 ? ['|', ...authorities] : [])].join(' ')
}

/** The response code's name, as dns-packet has it. */
export const rcodeOf = (reply: DecodedPacket): string => (reply as { rcode?: string }).rcode ?? ''

function recordText(record: NonNullable<DecodedPacket['answers']>[number]): string {
  const { name, type } = record
  const { ttl } = record as { ttl: number }
  if (type === 'SOA') return `${name} ${ttl} SOA ${record.data.mname} min ${record.data.minimum}`
  return `${name} ${ttl} ${type} ${'data' in record ? String(record.data) : ''}`
}
