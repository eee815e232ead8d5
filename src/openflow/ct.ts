/**
 * The bodies of the actions `ct` and `nat`, connection tracking (NXAST_CT and NXAST_NAT, include/openvswitch/
 * ofp-actions.h of Open vSwitch). `ct` holds other actions; it is given their codec.
 */

import { ipv4, ipv4Bytes, ipv4Text, ipv6 } from '../wire/address.ts'
import { type Codec, CodecError, list, u8, u16 } from '../wire/codec.ts'
import { ipv6Printed } from './show.ts'
import { bitsText, fieldHeader, offsetAndBits, type Subfield } from './subfield.ts'

/** The value of `ct`. */
export interface Ct<A> {
  /** Whether the connection is put into the connection table. */
  readonly commit: boolean
  /** Whether an existing entry of the other direction is replaced. */
  readonly force: boolean
  /** A number, or the bits of a field that hold it. */
  readonly zone: number | Subfield
  /** Where the packet goes on with its connection's state; without it, the packet just goes on. */
  readonly tableId?: number
  /** The well-known port of a protocol with related connections (21 FTP, 69 TFTP); 0 means none. */
  readonly alg: number
  /** What is done to the connection. */
  readonly actions: readonly A[]
}

const noTable = 0xff

/** `struct nx_action_conntrack` after its header. */
export function ctBody<A>(action: Codec<A>): Codec<Ct<A>> {
  const actions = list(action)
  return {
    read(r) {
      const flags = r.u16()
      if (flags > 3) throw new CodecError(`flags 0x${flags.toString(16)}`)
      const start = r.offset
      const isField = r.u32() !== 0
      if (isField) r.offset = start
      const zone = isField ? Object.assign(fieldHeader.read(r), offsetAndBits.read(r)) : r.u16()
      const tableId = r.u8()
      r.skip(3)
      const alg = r.u16()
      return {
        commit: (flags & 1) !== 0,
        force: (flags & 2) !== 0,
        zone,
        ...(tableId === noTable ? {} : { tableId }),
        alg,
        actions: actions.read(r),
      }
    },
    write(w, value) {
      w.u16((value.commit ? 1 : 0) | (value.force ? 2 : 0))
      if (typeof value.zone === 'number') {
        w.u32(0)
        u16.write(w, value.zone)
      } else {
        fieldHeader.write(w, value.zone)
        offsetAndBits.write(w, value.zone)
      }
      u8.write(w, value.tableId ?? noTable)
      w.zeros(3)
      u16.write(w, value.alg)
      actions.write(w, value.actions)
    },
  }
}

const algs = new Map([
  [21, 'ftp'],
  [69, 'tftp'],
])

/** As `ovs-ofctl` prints it; `nat` as the first of its actions stands outside `exec`. */
export function ctText<A extends { readonly kind: string }>(
  ct: Ct<A>,
  listText: (actions: readonly A[]) => string,
): string {
  const nat = ct.actions[0]?.kind === 'nat' ? ct.actions.slice(0, 1) : []
  const others = ct.actions.slice(nat.length)
  const zone = typeof ct.zone === 'number' ? ct.zone : bitsText(ct.zone, ct.zone.bits)
  const words = [
    ct.commit && 'commit',
    ct.force && 'force',
    ct.tableId !== undefined && `table=${ct.tableId}`,
    zone !== 0 && `zone=${zone}`,
    nat.length > 0 && listText(nat),
    others.length > 0 && `exec(${listText(others)})`,
    ct.alg !== 0 && `alg=${algs.get(ct.alg) ?? ct.alg}`,
  ]
  return `ct(${words.filter((word) => word !== false).join(',')})`
}

/** The value of `nat`; without a direction the translation of the connection is applied. */
export interface Nat {
  readonly direction?: 'src' | 'dst'
  readonly isPersistent?: boolean
  readonly isHashed?: boolean
  readonly isRandom?: boolean
  /** IPv4 or IPv6; an address has a colon or it is IPv4. */
  readonly addressMin?: string
  readonly addressMax?: string
  readonly portMin?: number
  readonly portMax?: number
}

const flags = { src: 1, dst: 2, isPersistent: 4, isHashed: 8, isRandom: 16 } as const
const flagNames = ['isPersistent', 'isHashed', 'isRandom'] as const

// biome-ignore format: one part a line, in the order of their bits
const ranges = [
  { bit: 1,  name: 'addressMin', codec: ipv4, isIpv6: false },
  { bit: 2,  name: 'addressMax', codec: ipv4, isIpv6: false },
  { bit: 4,  name: 'addressMin', codec: ipv6, isIpv6: true },
  { bit: 8,  name: 'addressMax', codec: ipv6, isIpv6: true },
  { bit: 16, name: 'portMin',    codec: u16 },
  { bit: 32, name: 'portMax',    codec: u16 },
] as const

/** `struct nx_action_nat` after its header. */
export const natBody: Codec<Nat> = {
  read(r) {
    r.skip(2)
    const bits = r.u16()
    const present = r.u16()
    if (bits > 31 || (bits & 3) === 3 || present > 63) throw new CodecError(`flags ${bits}, range ${present}`)
    const value: Record<string, unknown> = {}
    if (bits & 3) value.direction = bits & flags.src ? 'src' : 'dst'
    for (const name of flagNames) if (bits & flags[name]) value[name] = true
    for (const { bit, name, codec } of ranges) if (present & bit) value[name] = codec.read(r)
    return value as Nat
  },
  write(w, value) {
    w.zeros(2)
    let bits = value.direction === undefined ? 0 : flags[value.direction]
    for (const name of flagNames) if (value[name]) bits |= flags[name]
    w.u16(bits)
    const parts = ranges.filter(({ name, ...range }) => {
      const part = value[name]
      return part !== undefined && (!('isIpv6' in range) || range.isIpv6 === `${part}`.includes(':'))
    })
    w.u16(parts.reduce((all, { bit }) => all | bit, 0))
    for (const { name, codec } of parts) (codec as Codec<unknown>).write(w, value[name])
  },
}

/** As `ovs-ofctl` prints it. */
export function natText(nat: Nat): string {
  if (nat.direction === undefined) return 'nat'
  const words = [
    `${nat.direction}${rangeText(nat)}`,
    nat.isPersistent && 'persistent',
    nat.isHashed && 'hash',
    nat.isRandom && 'random',
  ]
  return `nat(${words.filter((word) => word !== undefined && word !== false).join(',')})`
}

function rangeText({ addressMin, addressMax, portMin, portMax }: Nat): string {
  if (addressMin === undefined) return ''
  const show = (address: string): string => {
    if (!address.includes(':')) return ipv4Text(ipv4Bytes(address))
    return portMin === undefined ? ipv6Printed(address) : `[${ipv6Printed(address)}]`
  }
  const to = addressMax !== undefined && show(addressMax) !== show(addressMin) ? `-${show(addressMax)}` : ''
  const ports =
    portMin === undefined
      ? ''
      : `:${portMin}${portMax !== undefined && portMax !== portMin ? `-${portMax}` : ''}`
  return `=${show(addressMin)}${to}${ports}`
}
