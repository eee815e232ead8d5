/**
 * A query as a port would send it, made for people who ask what would become of it: a whole Ethernet frame with the
 * port's own addresses. It knows no names that exist and decides nothing.
 */

import { ConfigError } from '../../errors.ts'
import { checksum, checksumOf, sum } from '../../wire/checksum.ts'
import { bytesOf } from '../reach.ts'
import type { Port } from '../view.ts'

/** What somebody asks, and whom. */
export interface SampleQuery {
  /** With or without a dot at its end. */
  readonly name: string
  /** A number of `typeNumber`. */
  readonly type: number
  readonly server: string
}

// biome-ignore format: the numbers that people know by name, several a line
const typeNumbers: Readonly<Record<string, number>> = {
  A: 1, NS: 2, CNAME: 5, SOA: 6, PTR: 12, HINFO: 13, MX: 15, TXT: 16, AAAA: 28, SRV: 33, NAPTR: 35, DS: 43, RRSIG: 46,
  NSEC: 47, DNSKEY: 48, TLSA: 52, SVCB: 64, HTTPS: 65, IXFR: 251, AXFR: 252, ANY: 255, CAA: 257,
}

/** The number of a type as `dig` takes it: `AAAA`, `TYPE65534`. Throws `ConfigError` for what is none. */
export function typeNumber(text: string): number {
  const name = text.toUpperCase()
  const number = /^TYPE(\d{1,5})$/.exec(name)?.[1] ?? typeNumbers[name]
  if (number !== undefined && Number(number) <= 0xffff) return Number(number)
  throw new ConfigError(`'${text}' is not a record type; write it like AAAA or TYPE65534`)
}

const sourcePort = 53_535
const domainPort = 53
const udpProtocol = 17
/** No switch knows it, and it is no multicast: enough to get as far as DNS goes. */
const someMac = '020000000053'
const recursionDesired = 0x0100

/**
 * The frame. Throws `ConfigError` if the name cannot be asked, or the port has no address of the server's family (an
 * IPv6 server is asked from a link-local one then).
 */
export function sampleFrame(port: Port, { name, type, server }: SampleQuery): Buffer {
  const to = bytesOf(server)
  if (to === undefined)
    throw new ConfigError(`'${server}' is not an IP address: name the server by its address`)
  const own = port.addresses.map(({ ip }) => bytesOf(ip)).find((bytes) => bytes?.length === to.length)
  const from = own ?? (to.length === 16 ? linkLocalOf(port) : undefined)
  if (from === undefined)
    throw new ConfigError(`port ${port.id} has no IPv4 address: name an IPv6 server with --server`)
  const message = Buffer.concat([words(0x1234, recursionDesired, 1, 0, 0, 0), wireName(name), words(type, 1)])
  const addresses = Buffer.concat([from, to])
  const udp = Buffer.concat([words(sourcePort, domainPort, 8 + message.length, 0), message])
  const total = sum(addresses, 0, addresses.length, udpProtocol + udp.length)
  udp.writeUInt16BE(checksumOf(sum(udp, 0, udp.length, total)) || 0xffff, 6)
  const ipHeader = to.length === 4 ? ipv4Header(addresses, udp.length) : ipv6Header(addresses, udp.length)
  const mac = Buffer.from((port.macs[0] ?? someMac).replaceAll(':', ''), 'hex')
  const ethernet = [Buffer.from(someMac, 'hex'), mac, words(to.length === 4 ? 0x0800 : 0x86dd)]
  return Buffer.concat([...ethernet, ipHeader, udp])
}

function ipv4Header(addresses: Buffer, size: number): Buffer {
  const header = Buffer.concat([words(0x4500, 20 + size, 0, 0x4000, (64 << 8) | udpProtocol, 0), addresses])
  header.writeUInt16BE(checksum(header), 10)
  return header
}

const ipv6Header = (addresses: Buffer, size: number): Buffer =>
  Buffer.concat([words(0x6000, 0, size, (udpProtocol << 8) | 64), addresses])

/** fe80::/64 with the interface identifier of the MAC address (RFC 4291 appendix A). */
function linkLocalOf({ macs }: Port): Buffer | undefined {
  const mac = Buffer.from((macs[0] ?? '').replaceAll(':', ''), 'hex')
  if (mac.length !== 6) return undefined
  const prefix = [0xfe, 0x80, 0, 0, 0, 0, 0, 0]
  return Buffer.from([...prefix, mac[0]! ^ 2, mac[1]!, mac[2]!, 0xff, 0xfe, ...mac.subarray(3)])
}

/** The wire form of a name (RFC 1035 §3.1), in its own case. Throws `ConfigError` if it has none. */
function wireName(name: string): Buffer {
  const labels = name.replace(/\.$/, '').split('.')
  const parts = name === '.' ? [] : labels.map((label) => Buffer.from(label, 'latin1'))
  const bytes = Buffer.concat([
    ...parts.flatMap((part) => [Buffer.from([part.length]), part]),
    Buffer.from([0]),
  ])
  if (bytes.length > 255 || parts.some(({ length }) => length === 0 || length > 63))
    throw new ConfigError(`'${name}' is not a name that can be asked: 1 to 63 bytes a label, 255 in all`)
  return bytes
}

const words = (...values: readonly number[]): Buffer =>
  Buffer.from(values.flatMap((value) => [value >> 8, value & 0xff]))
