/**
 * What people may ask the application (`df-dns`): why a query would end as it does, what a port can resolve, and which
 * rows serve nobody. It runs the decision of the data path itself, on a query made for the purpose; it counts nothing.
 */

import { ConfigError } from '../../errors.ts'
import type { Inspection } from '../app.ts'
import type { LocalPort, Port, View } from '../view.ts'
import type { Decider } from './decision.ts'
import { textOfKey } from './domain-name.ts'
import { type RecordText, type ReplyText, recordTexts, replyText } from './message-text.ts'
import { sampleFrame, typeNumber } from './sample-query.ts'

/** What `explain` tells. */
export interface Explanation {
  /** The id of the port that asks. */
  readonly port: string
  readonly ofport: number
  readonly server: string
  /** The frame that was decided, in hexadecimal. */
  readonly frame: string
  /** Why, step by step. */
  readonly reasons: readonly string[]
  readonly verdict: 'reply' | 'pass' | 'drop'
  readonly why: string
  readonly reply: ReplyText | undefined
}

/** A record that a port can resolve. */
export interface ListedName extends RecordText {
  readonly name: string
}

/** A row that serves nobody, or not as it seems to. */
export interface CheckedRow {
  readonly row: string
  readonly reason: string
}

/** An address of the documentation, for whoever names no server (RFC 5737, RFC 3849). */
const outside = { v4: '198.51.100.53', v6: '2001:db8::53' } as const

/** The inspections of an application that decides so. */
export function inspectionsOf({ decide, names }: Decider) {
  const explain = (request: Readonly<Record<string, unknown>>, view: View): Explanation => {
    const port = portNamed(view, textIn(request, 'port'))
    const type = typeNumber(textIn(request, 'type', 'A'))
    const server = textIn(request, 'server', serverOf(port))
    const frame = sampleFrame(port, { name: textIn(request, 'name'), type, server })
    const reasons = [`the asker is port ${port.id} of ${port.topic || 'no tenant'}`, `it asks ${server}`]
    const verdict = decide({ port, bytes: frame, start: 0, end: frame.length }, view, (reason) =>
      reasons.push(reason),
    )
    return {
      ...{ port: port.id, ofport: port.ofport, server, frame: frame.toString('hex'), reasons },
      ...{ verdict: verdict.kind === 'pass' ? 'pass' : 'reply', why: verdict.why },
      reply: verdict.kind === 'reply' ? replyText(messageIn(verdict.frame)) : undefined,
    }
  }
  const list = (request: Readonly<Record<string, unknown>>, view: View): ListedName[] => {
    const scope = names(view).scopeOf(portNamed(view, textIn(request, 'port')))
    const listed = Array.from(scope?.names ?? [], ([key, owned]) => ({ name: textOfKey(key), owned }))
    return listed
      .sort(byName)
      .flatMap(({ name, owned }) =>
        [owned.a, owned.aaaa, owned.ptr]
          .flatMap((records) => (records ? recordTexts(records) : []))
          .map((record) => ({ name, ...record })),
      )
  }
  const check = (_: unknown, view: View): CheckedRow[] => [
    ...names(view).problems,
    ...unreachable(view),
    ...sharedNames(view),
  ]
  return { explain, list, check } satisfies Record<string, Inspection>
}

const byName = (a: { readonly name: string }, b: { readonly name: string }) => (a.name < b.name ? -1 : 1)

/** The server that the asker's own subnets announce, else one outside. */
function serverOf({ addresses }: Port): string {
  const announced = addresses.flatMap(({ subnet }) => subnet?.dnsNameservers ?? [])
  const families = new Set(addresses.map(({ ip }) => ip.includes(':')))
  const usable = announced.find((ip) => families.has(ip.includes(':')))
  return usable ?? (families.has(false) ? outside.v4 : outside.v6)
}

/** A port of this node by its id, by the only beginning of one, or by its name. Throws `ConfigError`. */
function portNamed({ localPorts, ports }: View, text: string): LocalPort {
  const exact = localPorts.find(({ id }) => id === text)
  if (exact !== undefined) return exact
  const found = localPorts.filter(
    ({ id, name, dnsName }) => id.startsWith(text) || name === text || dnsName === text,
  )
  if (found.length === 1) return found[0]!
  if (found.length > 1)
    throw new ConfigError(
      `'${text}' is ${found.length} ports here: name one by its id: ${found.map(labelOf).join(', ')}`,
    )
  const elsewhere = ports.get(text)
  if (elsewhere !== undefined)
    throw new ConfigError(
      `port ${text} is not plugged in here (it is bound to ${elsewhere.chassis ?? 'no node'}): ask there, or use --offline`,
    )
  throw new ConfigError(
    `there is no port '${text}' on this node: give its id, the beginning of it, or its name`,
  )
}

const labelOf = ({ id, topic, dnsName }: Port) => `${id} (${dnsName ?? 'no name'}, tenant ${topic})`

/** Names that nobody asks for, because their port is in no subnet or has no tenant. */
function* unreachable({ ports }: View): Iterable<CheckedRow> {
  for (const { id, topic, dnsName, addresses } of ports.values()) {
    if (!dnsName) continue
    if (topic === '')
      yield { row: `dnsname/${id}`, reason: `nobody finds '${dnsName}': its port has no tenant` }
    else if (addresses.every(({ subnet }) => subnet === undefined))
      yield { row: `dnsname/${id}`, reason: `nobody finds '${dnsName}': its port has no address in a subnet` }
  }
}

/** Names that several ports of one tenant have in one subnet: all their addresses answer. */
function* sharedNames({ ports }: View): Iterable<CheckedRow> {
  const owners = new Map<string, string>()
  const told = new Set<string>()
  for (const { id, topic, dnsName, addresses } of ports.values())
    for (const { subnet } of dnsName ? addresses : []) {
      const key = `${topic} ${subnet?.id} ${dnsName!.toLowerCase()}`
      const owner = owners.get(key)
      owners.set(key, owner ?? id)
      if (owner === undefined || owner === id || told.has(id)) continue
      told.add(id)
      yield { row: `dnsname/${id}`, reason: `'${dnsName}' is also the name of port ${owner}: both answer` }
    }
}

function textIn(request: Readonly<Record<string, unknown>>, field: string, fallback?: string): string {
  const value = request[field] ?? fallback
  if (typeof value === 'string' && value !== '') return value
  throw new ConfigError(`${field} is missing: give it as text`)
}

/** The DNS message in a frame that answers: untagged, without options or extension headers. */
const messageIn = (frame: Buffer): Buffer => frame.subarray(frame.readUInt16BE(12) === 0x0800 ? 42 : 62)
