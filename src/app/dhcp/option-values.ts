/**
 * The text that rows and options of df.conf give for a DHCP option, and its bytes (RFC 2132). Options that are not listed
 * here are text. It knows no message.
 */

import { isIPv4 } from 'node:net'
import { ipv4Bytes } from '../../wire/address.ts'
import { isHostName, nameBytes } from '../host-name.ts'
import { isIpv6, type Reach, reachOf } from '../reach.ts'
import type { Route } from '../view.ts'

/** The bytes of a text, or undefined if it stands for none. */
type Kind = (text: string) => Buffer | undefined

const plain: Kind = (text) => Buffer.from(text)

const ip: Kind = (text) => (isIPv4(text) ? ipv4Bytes(text) : undefined)

const number =
  (size: 1 | 2 | 4, min = 0): Kind =>
  (text) => {
    const value = /^-?\d{1,10}$/.test(text) ? Number(text) : Number.NaN
    if (!(value >= min && value < 2 ** (8 * size))) return undefined
    const bytes = Buffer.alloc(size)
    bytes.writeUIntBE(value < 0 ? value + 2 ** (8 * size) : value, 0, size)
    return bytes
  }

const flag: Kind = (text) => (/^[01]$/.test(text) ? Buffer.from([Number(text)]) : undefined)

/** Seconds; -1 is for ever. */
const seconds = number(4, -1)

const name: Kind = (text) =>
  isHostName(text.replace(/\.$/, '')) ? nameBytes(text.replace(/\.$/, '')) : undefined

/** Items between commas, at least one, of which every one must be right; `group` counts those that belong together. */
const list =
  (item: Kind, group = 1): Kind =>
  (text) => {
    const items = text.split(',').map((part) => item(part.trim()))
    const known = items.filter((part) => part !== undefined)
    return known.length === items.length && items.length % group === 0 ? Buffer.concat(known) : undefined
  }

const routes: Kind = (text) => {
  const parsed = routesOf(text)
  return parsed && routesBytes(parsed)
}

const [u8, u16, u32, i32] = [number(1), number(2), number(4), number(4, -(2 ** 31))]
const [ips, ipPairs, u16s, names] = [list(ip), list(ip, 2), list(u16), list(name)]

// biome-ignore format: columns
/** What the value of an option is. */
const kinds: Readonly<Record<number, Kind>> = {
  1: ip, 2: i32, 3: ips, 4: ips, 5: ips, 6: ips, 7: ips, 8: ips, 9: ips, 10: ips, 11: ips, 13: u16, 16: ip, 19: flag,
  20: flag, 21: ipPairs, 22: u16, 23: u8, 24: u32, 25: u16s, 26: u16, 27: flag, 28: ip, 29: flag, 30: flag, 31: flag,
  32: ip, 33: ipPairs, 34: flag, 35: u32, 36: flag, 37: u8, 38: u32, 39: flag, 41: ips, 42: ips, 44: ips, 45: ips,
  46: u8, 48: ips, 49: ips, 51: seconds, 58: seconds, 59: seconds, 65: ips, 68: ips, 69: ips, 70: ips, 71: ips, 72: ips,
  73: ips, 74: ips, 75: ips, 76: ips, 85: ips, 108: u32, 116: flag, 118: ip, 119: names, 121: routes, 136: ips,
  138: ips, 150: ips, 249: routes,
}

/** The bytes that a text stands for as the value of an option; undefined if it stands for none. */
export function valueBytes(code: number, text: string): Buffer | undefined {
  const value = (kinds[code] ?? plain)(text.trim())
  return value?.length === 0 ? undefined : value
}

/** Reads routes as Neutron writes them, `<destination>,<next hop>` and so on; undefined if they are none. */
export function routesOf(text: string): Route[] | undefined {
  const parts = text.split(',').map((part) => part.trim())
  if (parts.length % 2 !== 0) return undefined
  const found: Route[] = []
  for (let at = 0; at < parts.length; at += 2) {
    const [destination, nexthop] = [parts[at]!, parts[at + 1]!]
    if (ipv4Reach(destination) === undefined || !isIPv4(nexthop)) return undefined
    found.push({ destination, nexthop })
  }
  return found
}

/** The value of the option "classless static routes" (RFC 3442); IPv4 only, all others are left out. */
export function routesBytes(found: readonly Route[]): Buffer {
  return Buffer.concat(
    found.flatMap(({ destination, nexthop }) => {
      const reach = ipv4Reach(destination)
      if (reach === undefined || !isIPv4(nexthop)) return []
      const { bytes, prefix } = reach
      return [Buffer.from([prefix]), bytes.subarray(0, Math.ceil(prefix / 8)), ipv4Bytes(nexthop)]
    }),
  )
}

function ipv4Reach(text: string): Reach | undefined {
  const reach = reachOf(text)
  return reach && !isIpv6(reach) ? reach : undefined
}
