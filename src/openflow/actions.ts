/**
 * The actions of OpenFlow 1.3 (§7.2.5) and of the Nicira extensions (lib/ofp-actions.c of Open vSwitch) as one table:
 * number, body, text. It knows no flow. What is not in the table stays `unknown`, so that it can be read and deleted.
 */

import {
  type Codec,
  CodecError,
  list,
  mapped,
  pad,
  Reader,
  rest,
  struct,
  u8,
  u16,
  u32,
  u64,
  type ValueOf,
  type Writer,
  within,
} from '../wire/codec.ts'
import { type Ct, ctBody, ctText, natBody, natText } from './ct.ts'
import { learn2Body, learnBody, learnText } from './learn.ts'
import {
  checkEntry,
  entriesOf,
  fromInt,
  type Match,
  maskOf,
  readField,
  simplified,
  toInt,
  writeField,
} from './match.ts'
import { type FieldName, fieldOf, type HeaderKind } from './oxm.ts'
import { flag, properties } from './property.ts'
import { dotted, hexText, isPlainPort, paddedHex, portShown, ports } from './show.ts'
import {
  checkBits,
  fieldHeader,
  offsetAndBits,
  type Place,
  placeOf,
  subfieldText,
  UnknownFieldError,
} from './subfield.ts'

/** An action of a flow, a bucket or a packet-out. */
export type Action =
  | { [K in keyof Flat]: { readonly kind: K } & ValueOf<Flat[K]['body']> }[keyof Flat]
  | ({ readonly kind: 'ct' } & Ct<Action>)
  | { readonly kind: 'clone'; readonly actions: readonly Action[] }
  | Unknown

/** An action that is not in the table. */
export interface Unknown {
  readonly kind: 'unknown'
  readonly type: number
  /** All of it after type and length. */
  readonly bytes: Buffer
}

interface Row<T> {
  readonly type: number
  /** The number of a Nicira action. */
  readonly subtype?: number
  readonly body: Codec<T>
  readonly text: (action: T) => string
}

const experimenter = 0xffff
const nicira = 0x2320
const of = <T>(type: number, body: Codec<T>, text: (action: T) => string): Row<T> => ({ type, body, text })
const nx = <T>(subtype: number, body: Codec<T>, text: (action: T) => string): Row<T> => ({
  type: experimenter,
  subtype,
  body,
  text,
})

/** A port as OpenFlow 1.0 numbers it, in 16 bits: the reserved ones are 0xff00 and above. */
const port16: Codec<number> = mapped(
  u16,
  (port) => (port >= 0xff00 ? port + 0xffff0000 : port),
  (port) => (port >= 0xffffff00 ? port - 0xffff0000 : port),
)

/** Any action; defined below its table. */
const anyAction: Codec<Action> = { read: (r) => readAction(r), write: (w, value) => action.write(w, value) }

const empty = (size: number) => struct({ _: pad(size) })

/** Exactly one field of a match, without its mask (OFPAT_SET_FIELD) or always with one (NXAST_REG_LOAD2). */
const oneField = (usual: HeaderKind, isMasked: boolean): Codec<Match> => ({
  read(r) {
    const field = readField(r, usual)
    if (!('name' in field)) throw new UnknownFieldError(`there is no field ${field.class}:${field.field}`)
    const { name, entry } = field
    if (!isMasked && entry.mask !== undefined) throw new CodecError(`${name} has a mask`)
    const mask = isMasked && entry.mask === undefined ? { mask: fromInt(name, maskOf(name)) } : {}
    return { [name]: simplified({ ...entry, ...mask }) } as Match
  },
  write(w, match) {
    const [name, entry] = fieldOfSet(match)
    checkWritable(name)
    try {
      checkEntry(name, entry)
      writeField(w, name, entry, usual)
    } catch (error) {
      throw within(name, error)
    }
  },
})

/** The one field of a set-field. */
export function fieldOfSet(match: Match): ReturnType<typeof entriesOf>[number] {
  const [entry, second] = entriesOf(match)
  if (entry === undefined || second !== undefined) throw new CodecError('needs exactly one field')
  return entry
}

function checkWritable(name: FieldName): void {
  if (!fieldOf(name).isWritable) throw new CodecError(`${name} is read-only`)
}

const resubmitBody = mapped(
  struct({ inPort: port16, tableId: u8, _: pad(3) }),
  ({ inPort, tableId }): { readonly tableId?: number; readonly inPort?: number } => ({
    ...(tableId === 255 ? {} : { tableId }),
    ...(inPort === ports.inPort ? {} : { inPort }),
  }),
  ({ tableId, inPort }) => ({ inPort: inPort ?? ports.inPort, tableId: tableId ?? 255 }),
)

function resubmitText({ tableId, inPort }: { tableId?: number; inPort?: number }, suffix = ''): string {
  const port = inPort === undefined ? '' : portShown(inPort)
  return tableId === undefined && inPort !== undefined
    ? `resubmit:${port}`
    : `resubmit(${port},${tableId ?? ''}${suffix})`
}

/** Copies bits from one field to another. */
export interface Move {
  readonly bits: number
  readonly from: Place
  readonly to: Place
}

const moveBody: Codec<Move> = {
  read(r) {
    const bits = r.u16()
    const fromOffset = r.u16()
    const toOffset = r.u16()
    const from = fieldHeader.read(r)
    const to = fieldHeader.read(r)
    return {
      bits,
      from: placeOf(from.field, fromOffset, from.header),
      to: placeOf(to.field, toOffset, to.header),
    }
  },
  write(w, { bits, from, to }) {
    checkBits({ ...from, bits })
    checkBits({ ...to, bits })
    checkWritable(to.field)
    u16.write(w, bits)
    u16.write(w, from.offset)
    u16.write(w, to.offset)
    fieldHeader.write(w, from)
    fieldHeader.write(w, to)
  },
}

/** Writes a number into bits of a field. */
export interface Load {
  readonly value: bigint
  readonly bits: number
  readonly to: Place
}

const loadBody: Codec<Load> = {
  read(r) {
    const { offset, bits } = offsetAndBits.read(r)
    const { field, header } = fieldHeader.read(r)
    return { value: r.u64(), bits, to: placeOf(field, offset, header) }
  },
  write(w, { value, bits, to }) {
    checkBits({ ...to, bits })
    checkWritable(to.field)
    if (BigInt.asUintN(bits, value) !== value) throw new CodecError(`${value} does not fit ${bits} bits`)
    offsetAndBits.write(w, { offset: to.offset, bits })
    fieldHeader.write(w, to)
    w.u64(value)
  },
}

/** A place, and how many bits of it, in the order that stack and output actions have. */
const stackBody: Codec<{ readonly bits: number; readonly place: Place }> = {
  read(r) {
    const offset = r.u16()
    const { field, header } = fieldHeader.read(r)
    const bits = r.u16()
    r.skip(r.size)
    return { bits, place: placeOf(field, offset, header) }
  },
  write(w, { bits, place }) {
    checkBits({ ...place, bits })
    u16.write(w, place.offset)
    fieldHeader.write(w, place)
    u16.write(w, bits)
    w.zeros(6)
  },
}

const outputRegBody: Codec<{ readonly bits: number; readonly from: Place; readonly maxLen: number }> = {
  read(r) {
    const { offset, bits } = offsetAndBits.read(r)
    const { field, header } = fieldHeader.read(r)
    const maxLen = r.u16()
    r.skip(6)
    return { bits, from: placeOf(field, offset, header), maxLen }
  },
  write(w, { bits, from, maxLen }) {
    checkBits({ ...from, bits })
    offsetAndBits.write(w, { offset: from.offset, bits })
    fieldHeader.write(w, from)
    u16.write(w, maxLen)
    w.zeros(6)
  },
}

const checkPktLargerBody: Codec<{ readonly packetLength: number; readonly to: Place }> = {
  read(r) {
    const packetLength = r.u16()
    const offset = r.u16()
    const { field, header } = fieldHeader.read(r)
    r.skip(r.size)
    return { packetLength, to: placeOf(field, offset, header) }
  },
  write(w, { packetLength, to }) {
    checkBits({ ...to, bits: 1 })
    u16.write(w, packetLength)
    u16.write(w, to.offset)
    fieldHeader.write(w, to)
    w.zeros(6)
  },
}

const controllerIdsBody = mapped(
  struct({ count: u16, _: pad(4), ids: rest }),
  ({ count, ids }) => {
    if (ids.length < count * 2) throw new CodecError(`${count} ids in ${ids.length} bytes`)
    return {
      controllerIds: Array.from({ length: count }, (_, i) => ids.readUInt16BE(i * 2)) as readonly number[],
    }
  },
  ({ controllerIds }) => {
    const ids = Buffer.alloc(controllerIds.length * 2)
    for (const [i, id] of controllerIds.entries()) ids.writeUInt16BE(id, i * 2)
    return { count: controllerIds.length, ids }
  },
)

const reasons = ['no_match', 'action', 'invalid_ttl', 'action_set', 'group', 'packet_out']

// biome-ignore format: one property a line, in the order in which Open vSwitch writes them
const controllerProperties = properties({
  maxLen:       { type: 0, body: u16,  absent: 0xffff },
  controllerId: { type: 1, body: u16,  absent: 0 },
  reason:       { type: 2, body: u8,   absent: 1 },
  userdata:     { type: 3, body: rest, absent: Buffer.alloc(0) },
  pause:        { type: 4, body: flag, absent: false },
  meterId:      { type: 5, body: u32 },
})
const controllerBody: Codec<ValueOf<typeof controllerProperties>> = {
  read: (r) => {
    r.skip(6)
    return controllerProperties.read(r)
  },
  write: (w, value) => {
    w.zeros(6)
    controllerProperties.write(w, value)
  },
}

function controllerText(a: {
  readonly maxLen: number
  readonly controllerId: number
  readonly reason: number
  readonly userdata?: Buffer
  readonly pause?: boolean
  readonly meterId?: number
}): string {
  const words = [
    a.reason !== 1 && `reason=${reasons[a.reason] ?? a.reason}`,
    a.maxLen !== 0xffff && `max_len=${a.maxLen}`,
    a.controllerId !== 0 && `id=${a.controllerId}`,
    a.userdata !== undefined && a.userdata.length > 0 && `userdata=${dotted(a.userdata)}`,
    a.pause === true && 'pause',
    a.meterId !== undefined && `meter_id=${a.meterId}`,
  ].filter((word) => word !== false)
  const isPlain = words.every((word) => word.startsWith('max_len='))
  return isPlain ? `CONTROLLER:${a.maxLen}` : `controller(${words.join(',')})`
}

function setFieldText({ field }: { readonly field: Match }): string {
  const [name, { value, mask }] = fieldOfSet(field)
  const show = fieldOf(name).show as (value: unknown, mask?: unknown) => string
  const isExact = mask === undefined || toInt(name, mask) === maskOf(name)
  return `set_field:${isExact ? show(value) : show(value, mask)}->${fieldOf(name).name}`
}

// biome-ignore format: one action a line, in columns
/** The actions that hold no others. */
const flat = {
  output:        of(0,  struct({ port: u32, maxLen: u16, _: pad(6) }),   ({ port, maxLen }) => `${isPlainPort(port) ? 'output:' : ''}${portShown(port)}${port === ports.controller ? `:${maxLen}` : ''}`),
  setMplsTtl:    of(15, struct({ ttl: u8, _: pad(3) }),                  ({ ttl }) => `set_mpls_ttl(${ttl})`),
  decMplsTtl:    of(16, empty(4),                                        () => 'dec_mpls_ttl'),
  pushVlan:      of(17, struct({ ethertype: u16, _: pad(2) }),           ({ ethertype }) => `push_vlan:${hexText(ethertype)}`),
  popVlan:       of(18, empty(4),                                        () => 'pop_vlan'),
  pushMpls:      of(19, struct({ ethertype: u16, _: pad(2) }),           ({ ethertype }) => `push_mpls:${paddedHex(ethertype, 4)}`),
  popMpls:       of(20, struct({ ethertype: u16, _: pad(2) }),           ({ ethertype }) => `pop_mpls:${paddedHex(ethertype, 4)}`),
  setQueue:      of(21, struct({ queueId: u32 }),                        ({ queueId }) => `set_queue:${queueId}`),
  group:         of(22, struct({ groupId: u32 }),                        ({ groupId }) => `group:${groupId}`),
  setTtl:        of(23, struct({ ttl: u8, _: pad(3) }),                  ({ ttl }) => `mod_nw_ttl:${ttl}`),
  decTtl:        of(24, empty(4),                                        () => 'dec_ttl'),
  setField:      of(25, struct({ field: oneField('oxm', false) }),                    setFieldText),
  resubmitPort:  nx(1,  struct({ inPort: port16, _: pad(4) }),           ({ inPort }) => resubmitText(inPort === ports.inPort ? {} : { inPort })),
  setTunnel:     nx(2,  struct({ _: pad(2), tunnelId: u32 }),            ({ tunnelId }) => `set_tunnel:${hexText(tunnelId)}`),
  popQueue:      nx(5,  empty(6),                                        () => 'pop_queue'),
  move:          nx(6,  moveBody,                                        ({ bits, from, to }) => `move:${subfieldText({ ...from, bits })}->${subfieldText({ ...to, bits })}`),
  load:          nx(7,  loadBody,                                        ({ value, bits, to }) => `load:${hexText(value)}->${subfieldText({ ...to, bits })}`),
  note:          nx(8,  struct({ bytes: rest }),                         ({ bytes }) => `note:${dotted(bytes)}`),
  setTunnel64:   nx(9,  struct({ _: pad(6), tunnelId: u64 }),            ({ tunnelId }) => `set_tunnel64:${hexText(tunnelId)}`),
  resubmit:      nx(14, resubmitBody,                                    (a) => resubmitText(a)),
  outputReg:     nx(15, outputRegBody,                                   ({ bits, from }) => `output:${subfieldText({ ...from, bits })}`),
  learn:         nx(16, learnBody,                                       learnText),
  exit:          nx(17, empty(6),                                        () => 'exit'),
  finTimeout:    nx(19, struct({ idleTimeout: u16, hardTimeout: u16, _: pad(2) }), ({ idleTimeout: idle, hardTimeout: hard }) => `fin_timeout(${[idle && `idle_timeout=${idle}`, hard && `hard_timeout=${hard}`].filter(Boolean).join(',')})`),
  controllerOld: nx(20, struct({ maxLen: u16, controllerId: u16, reason: u8, _: pad(1) }), controllerText),
  decTtlIds:     nx(21, controllerIdsBody,                               ({ controllerIds }) => `dec_ttl(${controllerIds.join(',')})`),
  stackPush:     nx(27, stackBody,                                       ({ place, bits }) => `push:${subfieldText({ ...place, bits })}`),
  stackPop:      nx(28, stackBody,                                       ({ place, bits }) => `pop:${subfieldText({ ...place, bits })}`),
  setFieldMasked:nx(33, struct({ field: oneField('nxm', true) }),                    setFieldText),
  conjunction:   nx(34, struct({ clause: u8, clauseCount: u8, id: u32 }), ({ clause, clauseCount, id }) => `conjunction(${id},${clause + 1}/${clauseCount})`),
  nat:           nx(36, natBody,                                         natText),
  controller:    nx(37, controllerBody,                                  controllerText),
  outputTrunc:   nx(39, struct({ port: port16, maxLen: u32 }),           ({ port, maxLen }) => `output(port=${portShown(port)},max_len=${maxLen})`),
  ctClear:       nx(43, empty(6),                                        () => 'ct_clear'),
  resubmitCt:    nx(44, resubmitBody,                                    (a) => resubmitText(a, ',ct')),
  learnLimited:  nx(45, learn2Body,                                      learnText),
  checkPktLarger:nx(49, checkPktLargerBody,                              ({ packetLength, to }) => `check_pkt_larger(${packetLength})->${subfieldText({ ...to, bits: 1 })}`),
}
type Flat = Omit<typeof flat, 'setFieldMasked'>

/** The actions, by the names that they have here. */
export const actionTable = {
  ...flat,
  ct: nx(35, ctBody(anyAction), (a: Ct<Action>) => ctText(a, actionsText)),
  clone: nx(42, struct({ _: pad(6), actions: list(anyAction) }), (a) => `clone(${actionsText(a.actions)})`),
}

const rows = new Map<string, Row<unknown>>(Object.entries(actionTable) as [string, Row<unknown>][])
const byNumber = new Map(
  [...rows].map(([kind, row]) => [`${row.type}:${row.subtype ?? ''}`, { kind, row }] as const),
)

/** The row of an action; a masked set-field has one of its own. */
function rowOf(value: Action): Row<unknown> {
  const isMasked = value.kind === 'setField' && fieldOfSet(value.field)[1].mask !== undefined
  const row = rows.get(isMasked ? 'setFieldMasked' : value.kind)
  if (row === undefined) throw new CodecError(`there is no action ${value.kind}`)
  return row
}

/** One action: type, length, body, filled up to a multiple of 8 bytes. */
export const action: Codec<Action> = {
  read: readAction,
  write(w, value) {
    const start = w.size
    try {
      if (value.kind === 'unknown') {
        u16.write(w, value.type)
        w.u16(0)
        w.bytes(value.bytes)
      } else writeKnown(w, value)
    } catch (error) {
      throw within(value.kind, error)
    }
    w.zeros(-(w.size - start) & 7)
    w.setU16(start + 2, w.size - start)
  },
}

function writeKnown(w: Writer, value: Action): void {
  const row = rowOf(value)
  w.u16(row.type)
  w.u16(0)
  if (row.subtype !== undefined) {
    w.u32(nicira)
    w.u16(row.subtype)
  }
  row.body.write(w, value)
}

function readAction(r: Reader): Action {
  const type = r.u16()
  const length = r.u16()
  if (length < 8 || length % 8 !== 0) throw new CodecError(`an action of ${length} bytes`)
  const body = r.part(length - 4)
  const start = body.offset
  const isNicira = type === experimenter && body.size >= 6 && body.u32() === nicira
  const known = byNumber.get(`${type}:${isNicira ? body.u16() : ''}`)
  try {
    if (known !== undefined) {
      const value = known.row.body.read(body) as Action
      finishPadding(body)
      const kind = known.kind === 'setFieldMasked' ? 'setField' : known.kind
      return { ...value, kind } as Action
    }
  } catch (error) {
    if (!(error instanceof UnknownFieldError)) throw within(known!.kind, error)
  }
  const whole = new Reader(body.buffer, start, body.end)
  return { kind: 'unknown', type, bytes: whole.bytes(whole.size) }
}

/** Throws unless what is left only fills the action up. */
function finishPadding(body: Reader): void {
  if (body.size >= 8 || body.bytes(body.size).some((byte) => byte !== 0))
    throw new CodecError('bytes left over')
}

/** An action as `ovs-ofctl` prints it. Throws `CodecError` if it has no bytes. */
export function actionText(value: Action): string {
  if (value.kind === 'unknown') return `unknown(type=${value.type},bytes=${value.bytes.toString('hex')})`
  return rowOf(value).text(value)
}

/** Actions as `ovs-ofctl` prints them; none at all is `drop`. */
export function actionsText(values: readonly Action[]): string {
  return values.length === 0 ? 'drop' : values.map(actionText).join(',')
}
