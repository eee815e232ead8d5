/**
 * The instructions of a flow (OpenFlow 1.3.5 §7.2.4) as one table. It knows actions, but no flow.
 */

import {
  type Codec,
  CodecError,
  list,
  pad,
  type Reader,
  rest,
  struct,
  u8,
  u16,
  u32,
  u64,
  type ValueOf,
  within,
} from '../wire/codec.ts'
import { action, actionsText } from './actions.ts'
import { hexText } from './show.ts'

/** An instruction of a flow. */
export type Instruction =
  | { [K in keyof Table]: { readonly kind: K } & ValueOf<Table[K]['body']> }[keyof Table]
  | { readonly kind: 'unknown'; readonly type: number; readonly bytes: Buffer }

interface Row<T> {
  readonly type: number
  readonly body: Codec<T>
  readonly text: (instruction: T) => string
}

const row = <T>(type: number, body: Codec<T>, text: (instruction: T) => string): Row<T> => ({
  type,
  body,
  text,
})
const actions = { _: pad(4), actions: list(action) }
const allOnes = 0xffff_ffff_ffff_ffffn

// biome-ignore format: one instruction a line, in the order in which ovs-ofctl prints them
/** The instructions, in the order in which they are carried out and printed. */
export const instructionTable = {
  meter:         row(6, struct({ meterId: u32 }),                                  ({ meterId }) => `meter:${meterId}`),
  applyActions:  row(4, struct(actions),                                           (a) => actionsText(a.actions)),
  clearActions:  row(5, struct({ _: pad(4) }),                                     () => 'clear_actions'),
  writeActions:  row(3, struct(actions),                                           (a) => `write_actions(${actionsText(a.actions)})`),
  writeMetadata: row(2, struct({ _: pad(4), metadata: u64, metadataMask: u64 }),   ({ metadata, metadataMask: mask }) => `write_metadata:${hexText(metadata)}${mask === allOnes ? '' : `/${hexText(mask)}`}`),
  gotoTable:     row(1, struct({ tableId: u8, _: pad(3) }),                        ({ tableId }) => `goto_table:${tableId}`),
}
type Table = typeof instructionTable

const rows = Object.entries(instructionTable) as [string, Row<unknown>][]
const byType = new Map(rows.map(([kind, { type, body }]) => [type, { kind, body }]))

/** One instruction: type, length, body. */
export const instruction: Codec<Instruction> = {
  read(r) {
    const type = r.u16()
    const length = r.u16()
    if (length < 4) throw new CodecError(`an instruction of ${length} bytes`)
    const body: Reader = r.part(length - 4)
    const known = byType.get(type)
    if (known === undefined) return { kind: 'unknown', type, bytes: rest.read(body) }
    try {
      const value = known.body.read(body) as object
      body.finish()
      return Object.assign(value, { kind: known.kind }) as Instruction
    } catch (error) {
      throw within(known.kind, error)
    }
  },
  write(w, value) {
    const start = w.size
    try {
      if (value.kind === 'unknown') {
        u16.write(w, value.type)
        w.u16(0)
        w.bytes(value.bytes)
      } else {
        const found = rows.find(([kind]) => kind === value.kind)
        if (found === undefined)
          throw new CodecError(`there is no instruction ${(value as { kind: string }).kind}`)
        w.u16(found[1].type)
        w.u16(0)
        found[1].body.write(w, value)
      }
    } catch (error) {
      throw within(value.kind, error)
    }
    w.setU16(start + 2, w.size - start)
  },
}

/** Instructions as `ovs-ofctl` prints them: in the order in which they are carried out; none at all is `drop`. */
export function instructionsText(instructions: readonly Instruction[]): string {
  const words = rows.flatMap(([kind, { text }]) =>
    instructions
      .filter((one) => one.kind === kind)
      .filter((one) => one.kind !== 'applyActions' || one.actions.length > 0)
      .map((one) => text(one)),
  )
  const unknown = instructions.flatMap((one) =>
    one.kind === 'unknown' ? [`unknown(type=${one.type},bytes=${one.bytes.toString('hex')})`] : [],
  )
  const all = [...words, ...unknown]
  return all.length === 0 ? 'drop' : all.join(',')
}
