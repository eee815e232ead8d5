/**
 * Bundles, whose messages a switch does together or not at all, and their text (ONF extension 230; lib/ofp-bundle.c of
 * Open vSwitch). A bundle holds messages: it is given their codec.
 */

import {
  type Codec,
  CodecError,
  choice,
  optional,
  pad,
  rest,
  struct,
  u16,
  u32,
  type ValueOf,
} from '../wire/codec.ts'
import { bitNames, hexText } from './show.ts'

// biome-ignore format: one flag a line
/** Whether a bundle is done as one, and in its order. */
export const bundleFlags = { atomic: 1, ordered: 2 } as const

// biome-ignore format: one step a line
/** `struct ofp_bundle_ctrl_msg` after its header. */
export const bundleControl = struct({
  bundleId: u32,
  type:     choice(u16, {
    openRequest:    0,
    openReply:      1,
    closeRequest:   2,
    closeReply:     3,
    commitRequest:  4,
    commitReply:    5,
    discardRequest: 6,
    discardReply:   7,
  }),
  flags:    optional(u16, bundleFlags.atomic | bundleFlags.ordered),
})

/** Packet-outs, flow-mods, group-mods and port-mods: nothing else has a place in a bundle. */
const bundled = { packetOut: 13, flowMod: 14, groupMod: 15, portMod: 16 } as const

/** A message that may stand in a bundle; without an `xid` it has that of the message that carries it. */
type Bundled<M> = M extends { readonly kind: keyof typeof bundled }
  ? Omit<M, 'xid'> & { readonly xid?: number }
  : never

/** A message that is put into a bundle. */
export interface BundleAdd<M> {
  readonly bundleId: number
  readonly flags?: number
  readonly message: Bundled<M>
  /** What stands behind the message, as bytes. */
  readonly properties?: Buffer
}

const head = struct({
  bundleId: u32,
  _: pad(2),
  flags: optional(u16, bundleFlags.atomic | bundleFlags.ordered),
})

/** `struct ofp_bundle_add_msg` after its header. */
export const bundleAdd = <M extends { readonly kind: string; readonly xid: number }>(
  message: Codec<M>,
): Codec<BundleAdd<M>> => ({
  read(r) {
    const value = head.read(r)
    const type = r.buffer[r.offset + 1]
    if (r.size < 8) throw new CodecError('holds no message')
    if (!Object.values<number | undefined>(bundled).includes(type))
      throw new CodecError(`a message of type ${type} has no place in a bundle`)
    const size = r.buffer.readUInt16BE(r.offset + 2)
    return {
      ...value,
      message: message.read(r.part(size)) as unknown as Bundled<M>,
      properties: rest.read(r),
    }
  },
  write(w, value) {
    head.write(w, value)
    const { xid } = value as unknown as { readonly xid: number }
    const inner = value.message as unknown as M
    if (!(inner.kind in bundled)) throw new CodecError(`${inner.kind} has no place in a bundle`)
    if (inner.xid !== undefined && inner.xid !== xid)
      throw new CodecError(`the message in it has the xid ${inner.xid} and not ${xid}`)
    message.write(w, { ...inner, xid })
    w.bytes(value.properties ?? Buffer.alloc(0))
  },
})

const flagNames = Object.fromEntries(Object.entries(bundleFlags).map(([word, bit]) => [bit, word]))

const headText = (bundleId: number, words: string, flags = 3): string =>
  `\n bundle_id=${hexText(bundleId)}${words} flags=${bitNames(flags, flagNames)}`

/** `openRequest` as `OPEN_REQUEST`. */
export const bundleControlText = ({ bundleId, type, flags }: ValueOf<typeof bundleControl>): string =>
  headText(bundleId, ` type=${type.replace('Re', '_Re').toUpperCase()}`, flags)

/** The head of a message in a bundle; the text of that message goes below. */
export const bundleAddText = ({ bundleId, flags }: BundleAdd<unknown>): string =>
  `${headText(bundleId, '', flags)}\n`
