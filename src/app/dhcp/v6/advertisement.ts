/**
 * Router advertisements (RFC 4861 §4.2) with routes (RFC 4191), resolvers and search lists (RFC 8106): from what one port
 * is told to bytes, and the bytes that take back what is not told any more. The order of the options is radvd's. It knows
 * neither rows nor ports.
 */

import { macBytes } from '../../../wire/address.ts'
import { type Writer, withWriter } from '../../../wire/codec.ts'
import { nameBytes } from '../../host-name.ts'
import type { Reach } from '../../reach.ts'
import { advertisementFlags, discoveryOptions, discoveryTypes, infinity, prefixFlags } from './codes.ts'

/** What one port is told. */
export interface Advertisement {
  /** The MAC address of the sender. */
  readonly mac: string
  /** Whether the sender is a way out. */
  readonly isRouter: boolean
  /** Whether DHCPv6 has an address for the port. */
  readonly isManaged: boolean
  readonly prefixes: readonly AdvertisedPrefix[]
  /** The networks that the sender is a way to. */
  readonly routes: readonly Reach[]
  /** Addresses of 16 bytes. */
  readonly nameservers: readonly Buffer[]
  readonly domains: readonly string[]
  readonly mtu: number | undefined
}

/** A prefix of the link. */
export interface AdvertisedPrefix {
  readonly reach: Reach
  /** Whether the port's own address is the one that its MAC address makes of the prefix. */
  readonly isAutonomous: boolean
}

/**
 * How long a router, a route or a resolver counts without being heard of again: the most that RFC 4861 §6.2.1 allows, 15
 * times the longest pause, so that machines outlive a controller that is away.
 */
export const lifetimeSeconds = 9000

/** RFC 4862 §5.5.3 (e) lets nobody but a neighbour with a key shorten a lifetime below two hours. */
const shortestSeconds = 7200
const hopLimit = 64

/** What a message says, with the lifetime of each part in seconds. */
interface Message extends Pick<Advertisement, 'mac' | 'isManaged' | 'mtu' | 'domains'> {
  readonly routerSeconds: number
  readonly prefixes: readonly (AdvertisedPrefix & {
    readonly validSeconds: number
    readonly preferredSeconds: number
  })[]
  readonly routes: readonly Reach[]
  readonly nameservers: readonly Buffer[]
  /** Of routes, resolvers and search list. */
  readonly seconds: number
}

/** The message that says so; its checksum is 0. */
export function advertisementBytes(said: Advertisement): Buffer {
  return messageBytes({
    ...said,
    routerSeconds: said.isRouter ? lifetimeSeconds : 0,
    prefixes: said.prefixes.map((prefix) => ({
      ...prefix,
      validSeconds: infinity,
      preferredSeconds: infinity,
    })),
    seconds: lifetimeSeconds,
  })
}

/**
 * The message that takes back what was said and is not said by `next`, which the same machine hears after it; undefined if
 * there is nothing to take back. Its checksum is 0. Addresses that the machine made itself are not to be used any more.
 */
export function withdrawalBytes(said: Advertisement, next: Advertisement | undefined): Buffer | undefined {
  const sender = next?.mac === said.mac ? next : undefined
  const isKept = (reach: Reach, others: readonly Reach[]) => others.some((other) => isSame(reach, other))
  const kept = next?.prefixes.filter(({ isAutonomous }) => isAutonomous).map(({ reach }) => reach) ?? []
  const gone = {
    prefixes: said.prefixes.filter(({ isAutonomous, reach }) => isAutonomous && !isKept(reach, kept)),
    routes: said.routes.filter((reach) => !isKept(reach, sender?.routes ?? [])),
    nameservers: said.nameservers.filter((ip) => !sender?.nameservers.some((other) => other.equals(ip))),
    domains: said.domains.filter((domain) => !sender?.domains.includes(domain)),
  }
  const isGone = said.isRouter && !sender?.isRouter
  if (!isGone && Object.values(gone).every((list) => list.length === 0)) return undefined
  return messageBytes({
    ...gone,
    ...{ mac: said.mac, isManaged: said.isManaged, mtu: said.mtu, seconds: 0 },
    routerSeconds: sender?.isRouter ? lifetimeSeconds : 0,
    prefixes: gone.prefixes.map((prefix) => ({
      ...prefix,
      validSeconds: shortestSeconds,
      preferredSeconds: 0,
    })),
  })
}

const messageBytes = (message: Message): Buffer =>
  withWriter((w) => {
    const { managed, other } = advertisementFlags
    w.u8(discoveryTypes.advertisement)
    w.zeros(3) // code and checksum
    w.u8(hopLimit)
    w.u8(message.isManaged ? managed | other : other)
    w.u16(message.routerSeconds)
    w.zeros(8) // how long a neighbour counts as reachable, and the pause between questions: the machine's own
    for (const prefix of message.prefixes) writePrefix(w, prefix)
    for (const { bytes, prefix } of message.routes) {
      writeHead(w, discoveryOptions.routeInformation, 24)
      w.u8(prefix)
      w.u8(0) // of medium preference
      w.u32(message.seconds)
      w.bytes(bytes)
    }
    writeList(w, discoveryOptions.nameservers, message.seconds, message.nameservers)
    writeList(w, discoveryOptions.searchList, message.seconds, message.domains.map(nameBytes))
    if (message.mtu !== undefined) {
      writeHead(w, discoveryOptions.mtu, 8)
      w.zeros(2)
      w.u32(message.mtu)
    }
    writeHead(w, discoveryOptions.sourceLinkLayerAddress, 8)
    w.bytes(macBytes(message.mac))
    return w.finish()
  })

function writePrefix(
  w: Writer,
  { reach, isAutonomous, validSeconds, preferredSeconds }: Message['prefixes'][0],
) {
  const { onLink, autonomous } = prefixFlags
  writeHead(w, discoveryOptions.prefixInformation, 32)
  w.u8(reach.prefix)
  w.u8(isAutonomous ? onLink | autonomous : onLink)
  w.u32(validSeconds)
  w.u32(preferredSeconds)
  w.zeros(4)
  w.bytes(reach.bytes)
}

/** Resolvers or names behind a lifetime, filled up to units of 8 bytes; nothing for none. */
function writeList(w: Writer, code: number, seconds: number, items: readonly Buffer[]): void {
  if (items.length === 0) return
  const size = 8 + items.reduce((total, item) => total + item.length, 0)
  const padded = Math.ceil(size / 8) * 8
  writeHead(w, code, padded)
  w.zeros(2)
  w.u32(seconds)
  for (const item of items) w.bytes(item)
  w.zeros(padded - size)
}

/** Every option begins with its code and its size in units of 8 bytes. */
function writeHead(w: Writer, code: number, size: number): void {
  w.u8(code)
  w.u8(size / 8)
}

const isSame = (one: Reach, other: Reach): boolean =>
  one.prefix === other.prefix && one.bytes.equals(other.bytes)
