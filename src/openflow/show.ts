/**
 * How `ovs-ofctl` prints one value: number bases, ports, addresses with masks, sets of flags. Each function gets a value
 * and, unless it is exact, its mask. It knows no field and no message (lib/meta-flow.c and lib/match.c of Open vSwitch
 * print the same).
 */

import { ipv4Bytes, ipv4Text, ipv6Bytes, ipv6Text } from '../wire/address.ts'

/** Prints a value and, unless it is exact, its mask. */
export type Show<T> = (value: T, mask?: T) => string

type Int = number | bigint

/** As C's `%#x`: no prefix on zero. */
export const hexText = (value: Int): string => (value === 0 || value === 0n ? '0' : `0x${value.toString(16)}`)

/** `0x` and at least so many digits. */
export const paddedHex = (value: Int, digits: number): string =>
  `0x${value.toString(16).padStart(digits, '0')}`

/** Bytes as pairs of digits with dots between, as in `userdata=64.6e.73`. */
export const dotted = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('.')

/** Hexadecimal, the mask too: `0x5/0xff`. */
export const hex: Show<Int> = (value, mask) =>
  mask === undefined ? hexText(value) : `${hexText(value)}/${hexText(mask)}`

/** Decimal, but the mask in hexadecimal. */
export const decimal: Show<Int> = (value, mask) =>
  mask === undefined ? `${value}` : `${value}/${hexText(mask)}`

/** Decimal if exact, else both in hexadecimal. */
export const decimalOrHex: Show<Int> = (value, mask) =>
  mask === undefined ? `${value}` : `0x${value.toString(16)}/0x${mask.toString(16)}`

/** Decimal if exact, else both in hexadecimal with at least that many digits. */
export const decimalOrHexDigits =
  (digits: number): Show<Int> =>
  (value, mask) =>
    mask === undefined ? `${value}` : `${paddedHex(value, digits)}/${paddedHex(mask, digits)}`

/** Hexadecimal with at least that many digits. */
export const hexDigits =
  (digits: number): Show<Int> =>
  (value, mask) =>
    mask === undefined ? paddedHex(value, digits) : `${paddedHex(value, digits)}/${paddedHex(mask, digits)}`

/** Bytes as one number, the mask too. */
export const digitsShown: Show<string> = (value, mask) =>
  mask === undefined ? hexText(BigInt(value)) : `${hexText(BigInt(value))}/${hexText(BigInt(mask))}`
/** In a match a mask is none if it is all ones in the bytes that it has without leading zeros. */
export const digitsCompared: Show<string> = (value, mask) =>
  digitsShown(value, mask === undefined || /^0x(00)*(ff)+$/i.test(mask) ? undefined : mask)

const shortNumber = (value: number): string => (value > 9 ? hexText(value) : `${value}`)

/** Namespace and type of the outermost header. */
export const packetTypeCompared: Show<number> = (value) =>
  `(${shortNumber(value >>> 16)},${shortNumber(value & 0xffff)})`
/** With its name, unless it is Ethernet. */
export const packetTypeShown: Show<number> = (value) =>
  value === 0 ? 'eth' : `packet_type=${packetTypeCompared(value)}`

/** A MAC address; the mask in full. */
export const macShown: Show<string> = (value, mask) => (mask === undefined ? value : `${value}/${mask}`)

/** An IPv4 address; a mask that is a prefix as its length. */
export const ipv4Shown: Show<string> = (value, mask) =>
  mask === undefined ? value : `${value}/${prefixLength(ipv4Bytes(mask)) ?? mask}`

/** An IPv6 address as the C library prints it: RFC 5952, but the last 4 bytes after 12 zeros as IPv4. */
export function ipv6Printed(text: string): string {
  const bytes = ipv6Bytes(text)
  const isCompatible = bytes.subarray(0, 12).every((byte) => byte === 0) && bytes.readUInt16BE(12) !== 0
  return isCompatible ? `::${ipv4Text(bytes, 12)}` : ipv6Text(bytes)
}

/** An IPv6 address; a mask that is a prefix as its length. */
export const ipv6Shown: Show<string> = (value, mask) =>
  mask === undefined
    ? ipv6Printed(value)
    : `${ipv6Printed(value)}/${prefixLength(ipv6Bytes(mask)) ?? ipv6Printed(mask)}`

// biome-ignore format: one port a line
/** The reserved ports (OpenFlow 1.3.5 §A.2.1). */
export const ports = {
  inPort:     0xfffffff8,
  table:      0xfffffff9,
  normal:     0xfffffffa,
  flood:      0xfffffffb,
  all:        0xfffffffc,
  controller: 0xfffffffd,
  local:      0xfffffffe,
  any:        0xffffffff,
} as const

const portNames = new Map<number, string>([
  ...Object.entries(ports).map(([name, port]): [number, string] => [port, name.toUpperCase()]),
  [ports.inPort, 'IN_PORT'],
])

/** A port: its number, or the name of a reserved one. */
export const portShown = (port: number): string => portNames.get(port) ?? `${port}`

/** Whether that is a port's number rather than a reserved port. */
export const isPlainPort = (port: number): boolean => port < 0xffffff00

/** Flags: `new|trk` if all of them are compared, else `+new-est`. */
const flagsShown =
  (names: readonly string[], all: number): Show<number> =>
  (value, mask = all) => {
    const bits = [...Array(32).keys()].filter((bit) => ((mask >>> bit) & 1) === 1)
    const nameOf = (bit: number): string | undefined => names[bit]
    if ((mask & all) >>> 0 === all) {
      const set = bits.filter((bit) => ((value >>> bit) & 1) === 1)
      return set.length === 0 ? '0' : set.map((bit) => nameOf(bit) ?? hexText(2 ** bit)).join('|')
    }
    if (bits.length === 0) return '0/0'
    return bits.map((bit) => `${(value >>> bit) & 1 ? '+' : '-'}${nameOf(bit) ?? '[Unknown]'}`).join('')
  }

/** The states of a connection, from bit 0 up. */
export const ctStates = ['new', 'est', 'rel', 'rpl', 'inv', 'trk', 'snat', 'dnat'] as const
export const ctStateShown = flagsShown(ctStates, 0xff)
/** The flags of a tunnel, from bit 0 up. */
export const tunFlags = ['oam', 'df', 'csum', 'key'] as const
export const tunFlagsShown = flagsShown(tunFlags, 0x1)
/** In a match only one of the flags can be compared, so that it never is all of them. */
export const tunFlagsCompared: Show<number> = (value, mask = 0x1) => flagsShown(tunFlags, 0xf)(value, mask)
/** The flags of TCP, from bit 0 up. */
export const tcpFlags = [
  ...['fin', 'syn', 'rst', 'psh', 'ack', 'urg', 'ece', 'cwr'],
  ...['ns', '[200]', '[400]', '[800]'],
] as const
export const tcpFlagsShown = flagsShown(tcpFlags, 0xfff)

/** What is said of fragments, by mask and value. */
export const fragments = new Map<number, Record<number, string>>([
  [3, { 0: 'no', 1: 'first', 3: 'later' }],
  [1, { 0: 'no', 1: 'yes' }],
  [2, { 0: 'not_later', 2: 'later' }],
])

/** `nw_frag`: bit 0 says that the packet is a fragment, bit 1 that it is not the first one. */
export const fragmentShown: Show<number> = (value, mask = 3) =>
  fragments.get(mask & 3)?.[value & mask & 3] ?? '<error>'

/** How many one bits begin the mask, if only zero bits follow. */
function prefixLength(mask: Uint8Array): number | undefined {
  const bits = Array.from(mask, (byte) => byte.toString(2).padStart(8, '0')).join('')
  const length = bits.indexOf('0')
  if (length === -1) return bits.length
  return bits.includes('1', length) ? undefined : length
}

/** Bits by name with spaces between, `0` if none is set; bits without a name as one hexadecimal number. */
export function bitNames(bits: number, names: Readonly<Record<number, string>>): string {
  const words: string[] = []
  let left = bits
  for (const [bit, name] of Object.entries(names)) {
    if ((bits & Number(bit)) === 0) continue
    words.push(name)
    left &= ~Number(bit)
  }
  if (left !== 0) words.push(hexText(left >>> 0))
  return words.length === 0 ? '0' : words.join(' ')
}

/** Seconds and nanoseconds: `0.959s`. */
export function durationText(seconds: number, nanoseconds: number): string {
  if (nanoseconds === 0) return `${seconds}s`
  const isMilliseconds = nanoseconds % 1_000_000 === 0
  const fraction = isMilliseconds
    ? `${nanoseconds / 1_000_000}`.padStart(3, '0')
    : `${nanoseconds}`.padStart(9, '0').replace(/0+$/, '')
  return `${seconds}.${fraction}s`
}

/** Bytes in hexadecimal and as characters, 16 a line, each line with a line feed. */
export function hexDump(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += 16) {
    const line = bytes.subarray(at, at + 16)
    const pairs = Array.from(line, (byte, i) => byte.toString(16).padStart(2, '0') + (i === 7 ? '-' : ' '))
    const shown = Array.from(line, (byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '.'))
    text += `${at.toString(16).padStart(8, '0')}  ${pairs.join('').padEnd(48)}|${shown.join('').padEnd(16)}|\n`
  }
  return text
}
