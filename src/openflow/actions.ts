/**
 * The actions of OpenFlow 1.3 (§7.2.5) and of the Nicira extensions (lib/ofp-actions.c of Open vSwitch) as one table:
 * number, body, text. It knows no flow. What is not in the table stays `unknown`, so that it can be read and deleted.
 */

import {
  type Codec,
  CodecError,
  list,
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
import { fieldOf } from './oxm.ts'
import {
  controllerBody,
  controllerIdsBody,
  controllerText,
  port16,
  resubmitBody,
  resubmitText,
} from './port-actions.ts'
import {
  bundleBody,
  bundleLoadBody,
  bundleText,
  decapBody,
  decapText,
  encapBody,
  encapText,
  multipathBody,
  multipathText,
  sampleBody,
  sampleDirectionBody,
  samplePortBody,
  sampleText,
} from './select-actions.ts'
import {
  checkPktLargerBody,
  deleteFieldBody,
  fieldOfSet,
  loadBody,
  moveBody,
  oneField,
  outputReg2Body,
  outputRegBody,
  setFieldText,
  stackBody,
} from './set-field.ts'
import { dotted, hexText, isPlainPort, paddedHex, portShown, ports } from './show.ts'
import { bitsText, UnknownFieldError } from './subfield.ts'

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

/** Any action; defined below its table. */
const anyAction: Codec<Action> = { read: (r) => readAction(r), write: (w, value) => action.write(w, value) }

const empty = (size: number) => struct({ _: pad(size) })

function outputText({ port, maxLen }: { readonly port: number; readonly maxLen: number }): string {
  if (port === ports.controller) return `${portShown(port)}:${maxLen}`
  return isPlainPort(port) ? `output:${port}` : portShown(port)
}

function finTimeoutText(a: { readonly idleTimeout: number; readonly hardTimeout: number }): string {
  const words = [
    a.idleTimeout && `idle_timeout=${a.idleTimeout}`,
    a.hardTimeout && `hard_timeout=${a.hardTimeout}`,
  ]
  return `fin_timeout(${words.filter((word) => word !== 0).join(',')})`
}

// biome-ignore format: one action a line, in columns
/** The actions that hold no others. */
const flat = {
  output:         of(0,  struct({ port: u32, maxLen: u16, _: pad(6) }),              outputText),
  setMplsTtl:     of(15, struct({ ttl: u8, _: pad(3) }),                             ({ ttl }) => `set_mpls_ttl(${ttl})`),
  decMplsTtl:     of(16, empty(4),                                                   () => 'dec_mpls_ttl'),
  pushVlan:       of(17, struct({ ethertype: u16, _: pad(2) }),                      ({ ethertype }) => `push_vlan:${hexText(ethertype)}`),
  popVlan:        of(18, empty(4),                                                   () => 'pop_vlan'),
  pushMpls:       of(19, struct({ ethertype: u16, _: pad(2) }),                      ({ ethertype }) => `push_mpls:${paddedHex(ethertype, 4)}`),
  popMpls:        of(20, struct({ ethertype: u16, _: pad(2) }),                      ({ ethertype }) => `pop_mpls:${paddedHex(ethertype, 4)}`),
  setQueue:       of(21, struct({ queueId: u32 }),                                   ({ queueId }) => `set_queue:${queueId}`),
  group:          of(22, struct({ groupId: u32 }),                                   ({ groupId }) => `group:${groupId}`),
  setTtl:         of(23, struct({ ttl: u8, _: pad(3) }),                             ({ ttl }) => `mod_nw_ttl:${ttl}`),
  decTtl:         of(24, empty(4),                                                   () => 'dec_ttl'),
  setField:       of(25, struct({ field: oneField('oxm', false) }),                  setFieldText),
  resubmitPort:   nx(1,  struct({ inPort: port16, _: pad(4) }),                      ({ inPort }) => resubmitText(inPort === ports.inPort ? {} : { inPort })),
  setTunnel:      nx(2,  struct({ _: pad(2), tunnelId: u32 }),                       ({ tunnelId }) => `set_tunnel:${hexText(tunnelId)}`),
  popQueue:       nx(5,  empty(6),                                                   () => 'pop_queue'),
  move:           nx(6,  moveBody,                                                   ({ bits, from, to }) => `move:${bitsText(from, bits)}->${bitsText(to, bits)}`),
  load:           nx(7,  loadBody,                                                   ({ value, bits, to }) => `load:${hexText(value)}->${bitsText(to, bits)}`),
  note:           nx(8,  struct({ bytes: rest }),                                    ({ bytes }) => `note:${dotted(bytes)}`),
  setTunnel64:    nx(9,  struct({ _: pad(6), tunnelId: u64 }),                       ({ tunnelId }) => `set_tunnel64:${hexText(tunnelId)}`),
  multipath:      nx(10, multipathBody,                                              multipathText),
  bundle:         nx(12, bundleBody,                                                 bundleText),
  bundleLoad:     nx(13, bundleLoadBody,                                             bundleText),
  resubmit:       nx(14, resubmitBody,                                               (a) => resubmitText(a)),
  outputReg:      nx(15, outputRegBody,                                              ({ bits, from }) => `output:${bitsText(from, bits)}`),
  learn:          nx(16, learnBody,                                                  learnText),
  exit:           nx(17, empty(6),                                                   () => 'exit'),
  finTimeout:     nx(19, struct({ idleTimeout: u16, hardTimeout: u16, _: pad(2) }),  finTimeoutText),
  controllerOld:  nx(20, struct({ maxLen: u16, controllerId: u16, reason: u8, _: pad(1) }),controllerText),
  decTtlIds:      nx(21, controllerIdsBody,                                          ({ controllerIds }) => `dec_ttl(${controllerIds.join(',')})`),
  stackPush:      nx(27, stackBody,                                                  ({ place, bits }) => `push:${bitsText(place, bits)}`),
  stackPop:       nx(28, stackBody,                                                  ({ place, bits }) => `pop:${bitsText(place, bits)}`),
  sample:         nx(29, sampleBody,                                                 sampleText),
  outputReg2:     nx(32, outputReg2Body,                                             ({ bits, from }) => `output:${bitsText(from, bits)}`),
  setFieldMasked: nx(33, struct({ field: oneField('nxm', true) }),                   setFieldText),
  conjunction:    nx(34, struct({ clause: u8, clauseCount: u8, id: u32 }),           ({ clause, clauseCount, id }) => `conjunction(${id},${clause + 1}/${clauseCount})`),
  nat:            nx(36, natBody,                                                    natText),
  controller:     nx(37, controllerBody,                                             controllerText),
  samplePort:     nx(38, samplePortBody,                                             sampleText),
  outputTrunc:    nx(39, struct({ port: port16, maxLen: u32 }),                      ({ port, maxLen }) => `output(port=${portShown(port)},max_len=${maxLen})`),
  sampleDirection:nx(41, sampleDirectionBody,                                        sampleText),
  ctClear:        nx(43, empty(6),                                                   () => 'ct_clear'),
  resubmitCt:     nx(44, resubmitBody,                                               (a) => resubmitText(a, ',ct')),
  learnLimited:   nx(45, learn2Body,                                                 learnText),
  encap:          nx(46, encapBody,                                                  encapText),
  decap:          nx(47, decapBody,                                                  decapText),
  decNshTtl:      nx(48, empty(6),                                                   () => 'dec_nsh_ttl'),
  checkPktLarger: nx(49, checkPktLargerBody,                                         ({ packetLength, to }) => `check_pkt_larger(${packetLength})->${bitsText(to, 1)}`),
  deleteField:    nx(50, deleteFieldBody,                             ({ field: { field } }) => `delete_field:${fieldOf(field).name}`),
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
      const value = known.row.body.read(body) as object
      finishPadding(body)
      const kind = known.kind === 'setFieldMasked' ? 'setField' : known.kind
      return { kind, ...value } as Action
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
