/**
 * The body of the action `learn`, which makes flows out of packets (NXAST_LEARN and NXAST_LEARN2, nicira-ext.h of Open
 * vSwitch). It knows no other action.
 */

import {
  type Codec,
  CodecError,
  pad,
  type Reader,
  type StructOf,
  struct,
  u8,
  u16,
  u32,
  u64,
} from '../wire/codec.ts'
import { fromInt } from './match.ts'
import { type FieldName, fieldOf } from './oxm.ts'
import { hexText } from './show.ts'
import { bitsText, fieldHeader, type Place, place, placeOf } from './subfield.ts'

/** What one part of the learned flow is made of. */
export type LearnSource = { readonly from: Place } | { readonly value: bigint }

/** One part of the learned flow: a comparison, a load into a field, or the port to send to. */
export type LearnSpec =
  | ({ readonly kind: 'match' | 'load'; readonly bits: number; readonly to: Place } & LearnSource)
  | { readonly kind: 'output'; readonly bits: number; readonly from: Place }

const kinds = ['match', 'load', 'output'] as const

const spec: Codec<LearnSpec> = {
  read(r) {
    const head = r.u16()
    const kind = kinds[(head >> 11) & 3]
    const bits = head & 0x7ff
    if (kind === undefined || head >> 14 !== 0 || bits === 0)
      throw new CodecError(`0x${head.toString(16)} is no spec`)
    const source: LearnSource =
      (head & 0x2000) === 0 ? { from: place.read(r) } : { value: immediate.read(r, bits) }
    if (kind !== 'output') return { kind, bits, ...source, to: place.read(r) }
    if (!('from' in source)) throw new CodecError('output from an immediate value')
    return { kind, bits, from: source.from }
  },
  write(w, value) {
    const isImmediate = 'value' in value
    if (value.bits < 1 || value.bits > 0x7ff) throw new CodecError(`${value.bits} bits`)
    w.u16((isImmediate ? 0x2000 : 0) | (kinds.indexOf(value.kind) << 11) | value.bits)
    if (isImmediate) w.bytes(immediate.bytes(value.value, value.bits))
    else place.write(w, value.from)
    if (value.kind !== 'output') place.write(w, value.to)
  },
}

const immediate = {
  read: (r: Reader, bits: number): bigint => BigInt(`0x${r.bytes(2 * Math.ceil(bits / 16)).toString('hex')}`),
  bytes: (value: bigint, bits: number): Buffer => {
    if (BigInt.asUintN(bits, value) !== value) throw new CodecError(`${value} does not fit ${bits} bits`)
    return Buffer.from(value.toString(16).padStart(4 * Math.ceil(bits / 16), '0'), 'hex')
  },
}

/** Specs up to the zeros that fill the action up. */
const specs: Codec<readonly LearnSpec[]> = {
  read(r) {
    const all: LearnSpec[] = []
    while (r.size >= 2 && r.buffer.readUInt16BE(r.offset) !== 0) all.push(spec.read(r))
    return all
  },
  write(w, all) {
    for (const one of all) spec.write(w, one)
  },
}

const head = {
  idleTimeout: u16,
  hardTimeout: u16,
  priority: u16,
  cookie: u64,
  flags: u16,
  tableId: u8,
  _1: pad(1),
  finIdleTimeout: u16,
  finHardTimeout: u16,
}

/** `struct nx_action_learn`. */
export const learnBody = struct({ ...head, specs })

/** The value of `learn`; timeouts in seconds. */
export type Learn = StructOf<typeof head> & {
  readonly specs: readonly LearnSpec[]
  /** How many flows it may make; 0 means any number (NXAST_LEARN2). */
  readonly limit?: number
  /** The bit that tells whether the limit let the flow in (NXAST_LEARN2). */
  readonly result?: Place
}

const writeResult = 4
const head2 = struct({ ...head, limit: u32, resultOffset: u16, _2: pad(2) })

/** `struct nx_action_learn2`. */
export const learn2Body: Codec<Learn> = {
  read(r) {
    const { resultOffset, ...rest } = head2.read(r)
    if ((rest.flags & writeResult) === 0) return { ...rest, specs: specs.read(r) }
    return { ...rest, result: placeOf(fieldHeader.read(r), resultOffset), specs: specs.read(r) }
  },
  write(w, value) {
    const { result } = value
    if ((result === undefined) !== ((value.flags & writeResult) === 0))
      throw new CodecError('flags and result do not agree')
    head2.write(w, { ...value, limit: value.limit ?? 0, resultOffset: result?.offset ?? 0 })
    if (result !== undefined) fieldHeader.write(w, result)
    specs.write(w, value.specs)
  },
}

/** As `ovs-ofctl` prints it. */
export function learnText(learn: Learn): string {
  const words = [
    `table=${learn.tableId}`,
    learn.idleTimeout !== 0 && `idle_timeout=${learn.idleTimeout}`,
    learn.hardTimeout !== 0 && `hard_timeout=${learn.hardTimeout}`,
    learn.finIdleTimeout !== 0 && `fin_idle_timeout=${learn.finIdleTimeout}`,
    learn.finHardTimeout !== 0 && `fin_hard_timeout=${learn.finHardTimeout}`,
    learn.priority !== 0x8000 && `priority=${learn.priority}`,
    (learn.flags & 1) !== 0 && 'send_flow_rem',
    (learn.flags & 2) !== 0 && 'delete_learned',
    learn.cookie !== 0n && `cookie=${hexText(learn.cookie)}`,
    (learn.limit ?? 0) !== 0 && `limit=${learn.limit}`,
    learn.result !== undefined && `result_dst=${bitsText(learn.result, 1)}`,
    ...learn.specs.map(specText),
  ]
  return `learn(${words.filter((word) => word !== false).join(',')})`
}

function specText(one: LearnSpec): string {
  if (one.kind === 'output') return `output:${bitsText(one.from, one.bits)}`
  const to = bitsText(one.to, one.bits)
  const from = 'value' in one ? hexText(one.value) : bitsText(one.from, one.bits)
  if (one.kind === 'load') return `load:${from}->${to}`
  if (!('value' in one))
    return one.from.field === one.to.field && one.from.offset === one.to.offset ? to : `${to}=${from}`
  const isWhole = one.to.offset === 0 && one.bits === fieldOf(one.to.field).bits
  return isWhole ? `${fieldOf(one.to.field).name}=${wholeText(one.to.field, one.value)}` : `${to}=${from}`
}

function wholeText(field: FieldName, value: bigint): string {
  const show = fieldOf(field).show as (value: unknown) => string
  return show(fromInt(field, value))
}
