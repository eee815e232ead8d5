/**
 * The bodies of the actions that choose by a hash, sample, and put on or take off headers: multipath, bundle, sample,
 * encap, decap (lib/multipath.c, bundle.c, ofp-actions.c and ofp-ed-props.c of Open vSwitch). It knows no other action.
 */

import {
  type Codec,
  CodecError,
  choice,
  list,
  optional,
  pad,
  rest,
  struct,
  u8,
  u16,
  u32,
  type ValueOf,
} from '../wire/codec.ts'
import { port16 } from './port-actions.ts'
import { hexText, paddedHex, portShown, ports } from './show.ts'
import { bitsText, checkBits, offsetAndBits, type Subfield, shortHeader } from './subfield.ts'

// biome-ignore format: one set of fields a line
/** `nx_hash_fields`: what a hash is made of. */
const hashed = choice(u16, {
  'eth_src':            0,
  'symmetric_l4':       1,
  'symmetric_l3l4':     2,
  'symmetric_l3l4+udp': 3,
  'nw_src':             4,
  'nw_dst':             5,
  'symmetric_l3':       6,
})

/** Bits of a field, named by offset and size before the field. */
const target: Codec<Subfield> = {
  read(r) {
    const { offset, bits } = offsetAndBits.read(r)
    return Object.assign(shortHeader.read(r), { offset, bits })
  },
  write(w, value) {
    checkBits(value, value.bits)
    offsetAndBits.write(w, value)
    shortHeader.write(w, value)
  },
}

// biome-ignore format: one field a line
/** `struct nx_action_multipath` after its header. */
export const multipathBody = struct({
  fields:    hashed,
  basis:     u16,
  _1:        pad(2),
  algorithm: choice(u16, { modulo_n: 0, hash_threshold: 1, hrw: 2, iter_hash: 3 }),
  maxLink:   u16,
  argument:  u32,
  _2:        pad(2),
  to:        target,
})

export const multipathText = (a: ValueOf<typeof multipathBody>): string =>
  `multipath(${a.fields},${a.basis},${a.algorithm},${a.maxLink + 1},${a.argument},${bitsText(a.to, a.to.bits)})`

/** NXM_OF_IN_PORT: the members of a bundle are ports. */
const memberType = 0x00000002

/** Chooses one of several ports: sends to it, or writes its number. */
export interface Bundle {
  readonly algorithm: 'active_backup' | 'hrw'
  readonly fields: ValueOf<typeof hashed>
  readonly basis: number
  readonly members: readonly number[]
}

const bundleHead = struct({
  algorithm: choice(u16, { active_backup: 0, hrw: 1 }),
  fields: hashed,
  basis: u16,
})

/** `struct nx_action_bundle` after its header, with what `destination` reads between. */
const bundleOf = <T extends object>(destination: Codec<T>): Codec<Bundle & T> => ({
  read(r) {
    const head = bundleHead.read(r)
    if (r.u32() !== memberType) throw new CodecError('members that are no ports')
    const count = r.u16()
    const to = destination.read(r)
    r.skip(4)
    const members = list(port16).read(r.part(count * 2))
    return { ...head, ...to, members }
  },
  write(w, value) {
    bundleHead.write(w, value)
    w.u32(memberType)
    u16.write(w, value.members.length)
    destination.write(w, value)
    w.zeros(4)
    list(port16).write(w, value.members)
  },
})

export const bundleBody = bundleOf(struct({ _: pad(6) }))
export const bundleLoadBody = bundleOf(struct({ to: target }))

export function bundleText(a: Bundle & { readonly to?: Subfield }): string {
  const head = `${a.fields},${a.basis},${a.algorithm},ofport`
  const members = `members:${a.members.map(portShown).join(',')}`
  return a.to === undefined
    ? `bundle(${head},${members})`
    : `bundle_load(${head},${bitsText(a.to, a.to.bits)},${members})`
}

// biome-ignore format: one field a line
const sampleHead = {
  /** Of 65535 packets. */
  probability:         u16,
  collectorSetId:      u32,
  observationDomainId: u32,
  observationPointId:  u32,
}

/** `struct nx_action_sample` after its header. */
export const sampleBody = struct(sampleHead)
/** NXAST_SAMPLE2. */
export const samplePortBody = struct({ ...sampleHead, samplingPort: port16, _: pad(6) })
/** NXAST_SAMPLE3. */
export const sampleDirectionBody = struct({
  ...sampleHead,
  samplingPort: port16,
  direction: choice(u8, { default: 0, ingress: 1, egress: 2 }),
  _: pad(5),
})

export function sampleText(
  a: ValueOf<typeof sampleBody> & { readonly samplingPort?: number; readonly direction?: string },
): string {
  const { samplingPort = ports.any, direction = 'default' } = a
  const words = [
    `probability=${a.probability},collector_set_id=${a.collectorSetId}`,
    `obs_domain_id=${a.observationDomainId},obs_point_id=${a.observationPointId}`,
    ...(samplingPort === ports.any ? [] : [`sampling_port=${portShown(samplingPort)}`]),
    ...(direction === 'default' ? [] : [direction]),
  ]
  return `sample(${words.join(',')})`
}

const nshClass = 4

/** A property of an NSH header: its metadata type, or a piece of metadata. */
export type NshProperty =
  | { readonly kind: 'metadataType'; readonly type: number }
  | { readonly kind: 'tlv'; readonly class: number; readonly type: number; readonly data: Buffer }

const tlvHead = struct({ class: u16, type: u8, size: u8 })

/** `struct ofp_ed_prop_header` and what follows; filled up to 8 bytes, which the length of metadata counts. */
const nshProperty: Codec<NshProperty> = {
  read(r) {
    const propertyClass = r.u16()
    const kind = r.u8()
    const length = r.u8()
    if (propertyClass !== nshClass || length < 5) throw new CodecError(`property ${propertyClass}.${kind}`)
    const body = r.part(length - 4)
    r.skip(Math.min(-length & 7, r.size))
    if (kind === 1) return { kind: 'metadataType', type: body.u8() }
    if (kind !== 2) throw new CodecError(`property ${propertyClass}.${kind}`)
    const { size, ...head } = tlvHead.read(body)
    return { kind: 'tlv', ...head, data: body.bytes(size) }
  },
  write(w, value) {
    const start = w.size
    w.u16(nshClass)
    w.u8(value.kind === 'tlv' ? 2 : 1)
    if (value.kind === 'tlv') {
      u8.write(w, 8 + value.data.length + (-value.data.length & 7))
      tlvHead.write(w, { ...value, size: value.data.length })
      w.bytes(value.data)
    } else {
      w.u8(5)
      u8.write(w, value.type)
    }
    w.zeros(-(w.size - start) & 7)
  },
}

/** `struct nx_action_encap` after its header; `packetType` is namespace and type of the new outermost header. */
export const encapBody = struct({
  headerSize: optional(u16, 0),
  packetType: u32,
  properties: list(nshProperty),
})

/** The headers that `encap` puts on, by packet type. */
export const packetTypes: ReadonlyMap<number, string> = new Map([
  [0, 'ethernet'],
  [0x1894f, 'nsh'],
  [0x18847, 'mpls'],
  [0x18848, 'mpls_mc'],
])

export function encapText({ packetType, properties }: ValueOf<typeof encapBody>): string {
  const words = properties.map((one) =>
    one.kind === 'metadataType'
      ? `md_type=${one.type}`
      : `tlv(${paddedHex(one.class, 4)},${one.type},0x${one.data.toString('hex')})`,
  )
  const header = packetTypes.get(packetType) ?? 'UNKNOWN'
  return `encap(${header}${words.length === 0 ? '' : `(${words.join(',')})`})`
}

/** `struct nx_action_decap` after its header. */
export const decapBody = struct({ _: pad(2), packetType: u32, properties: rest })

/** (0, 0xfffe): what the next header says. */
const nextProtocol = 0xfffe

export const decapText = ({ packetType }: ValueOf<typeof decapBody>): string =>
  packetType === nextProtocol
    ? 'decap()'
    : `decap(packet_type(ns=${packetType >>> 16},type=${hexText(packetType & 0xffff)}))`
