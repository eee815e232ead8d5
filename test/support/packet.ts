/**
 * A frame as a switch sees it: match fields read from the bytes and written back into them, as Open vSwitch's
 * flow_extract() does (lib/flow.c). A field that the frame does not have reads as 0. It knows no flows.
 */

/** Where a field stands: `bits` wide, from the byte `at`. Fields that share bytes with others say how. */
interface Spot {
  readonly at: number
  readonly bits: number
  /** Bits to the right of the field in its last byte. */
  readonly shift?: number
}

const tpid = 0x8100
const vlanPresent = 0x1000n
const icmpv6Protocol = 58

/** A frame with its fields. */
export class Packet {
  #bytes: Buffer
  #spots: ReadonlyMap<string, Spot>
  constructor(frame: Uint8Array) {
    this.#bytes = Buffer.from(frame)
    this.#spots = spotsOf(this.#bytes)
  }

  get frame(): Buffer {
    return Buffer.from(this.#bytes)
  }

  copy(): Packet {
    return new Packet(this.#bytes)
  }

  get(field: string): bigint {
    const tag = this.#spots.get('tag')
    if (field === 'vlanTci') return tag === undefined ? 0n : this.#read(tag) | vlanPresent
    if (field === 'vlanVid') return tag === undefined ? 0n : (this.#read(tag) & 0xfffn) | vlanPresent
    if (field === 'ipFrag') return BigInt(this.#spots.get('fragment')?.shift ?? 0)
    const spot = this.#spots.get(field)
    return spot === undefined ? 0n : this.#read(spot)
  }

  /** Width in bits; undefined if the frame has no such field. */
  widthOf(field: string): number | undefined {
    if (field === 'vlanVid') return this.#spots.has('tag') ? 13 : undefined
    return this.#spots.get(field)?.bits
  }

  /** Checksums follow. Throws if the frame has no such field: the switch would have refused the flow. */
  set(field: string, value: bigint): void {
    const tag = this.#spots.get('tag')
    if (field === 'vlanVid' && tag !== undefined)
      this.#write(tag, (this.#read(tag) & ~0xfffn) | (value & 0xfffn))
    else {
      const spot = this.#spots.get(field)
      if (spot === undefined) throw new Error(`the frame has no ${field} to set`)
      const before = Buffer.from(this.#bytes)
      this.#write(spot, value)
      if (field.startsWith('nd')) recomputeIcmpv6(this.#bytes, this.#spots)
      else updateChecksums(before, this.#bytes, this.#spots)
    }
    this.#spots = spotsOf(this.#bytes)
  }

  /** OF 1.3.5 §5.12: the new outermost tag is empty. */
  pushVlan(): void {
    const tag = Buffer.from([tpid >> 8, tpid & 0xff, 0, 0])
    this.#bytes = Buffer.concat([this.#bytes.subarray(0, 12), tag, this.#bytes.subarray(12)])
    this.#spots = spotsOf(this.#bytes)
  }

  popVlan(): void {
    if (!this.#spots.has('tag')) throw new Error('the frame has no VLAN tag to pop')
    this.#bytes = Buffer.concat([this.#bytes.subarray(0, 12), this.#bytes.subarray(16)])
    this.#spots = spotsOf(this.#bytes)
  }

  #read({ at, bits, shift = 0 }: Spot): bigint {
    const size = Math.ceil((bits + shift) / 8)
    const whole = BigInt(`0x${this.#bytes.toString('hex', at, at + size)}`)
    return (whole >> BigInt(shift)) & ((1n << BigInt(bits)) - 1n)
  }

  #write({ at, bits, shift = 0 }: Spot, value: bigint): void {
    const size = Math.ceil((bits + shift) / 8)
    const mask = ((1n << BigInt(bits)) - 1n) << BigInt(shift)
    const whole = BigInt(`0x${this.#bytes.toString('hex', at, at + size)}`)
    const changed = (whole & ~mask) | ((value << BigInt(shift)) & mask)
    this.#bytes.write(changed.toString(16).padStart(2 * size, '0'), at, 'hex')
  }
}

type Spots = Map<string, Spot>

function spotsOf(bytes: Buffer): ReadonlyMap<string, Spot> {
  const spots: Spots = new Map([
    ['ethDst', { at: 0, bits: 48 }],
    ['ethSrc', { at: 6, bits: 48 }],
  ])
  const isTagged = bytes.length >= 18 && bytes.readUInt16BE(12) === tpid
  if (isTagged) spots.set('tag', { at: 14, bits: 16 }).set('vlanPcp', { at: 14, bits: 3, shift: 5 })
  const at = isTagged ? 16 : 12
  spots.set('ethType', { at, bits: 16 })
  const type = bytes.readUInt16BE(at)
  if (type === 0x0800) ipv4Spots(bytes, at + 2, spots)
  else if (type === 0x86dd) ipv6Spots(bytes, at + 2, spots)
  else if (type === 0x0806) arpSpots(bytes, at + 2, spots)
  return spots
}

function arpSpots(bytes: Buffer, at: number, spots: Spots): void {
  // Ethernet and IPv4 only; of the operation, Open vSwitch looks at 8 bits.
  if (bytes.length < at + 28 || bytes.toString('hex', at, at + 6) !== '000108000604') return
  if (bytes[at + 6] === 0) spots.set('arpOp', { at: at + 6, bits: 16 })
  spots.set('arpSha', { at: at + 8, bits: 48 }).set('arpSpa', { at: at + 14, bits: 32 })
  spots.set('arpTha', { at: at + 18, bits: 48 }).set('arpTpa', { at: at + 24, bits: 32 })
}

function ipv4Spots(bytes: Buffer, at: number, spots: Spots): void {
  if (bytes.length < at + 20) return
  const headerSize = (bytes[at]! & 0xf) * 4
  const end = at + bytes.readUInt16BE(at + 2)
  if (headerSize < 20 || end > bytes.length || at + headerSize > end) return
  spots.set('ipv4Header', { at, bits: 8 * headerSize })
  spots.set('ipDscp', { at: at + 1, bits: 6, shift: 2 }).set('ipEcn', { at: at + 1, bits: 2 })
  spots.set('nwTtl', { at: at + 8, bits: 8 }).set('ipProto', { at: at + 9, bits: 8 })
  spots.set('ipv4Src', { at: at + 12, bits: 32 }).set('ipv4Dst', { at: at + 16, bits: 32 })
  const fragment = bytes.readUInt16BE(at + 6)
  const isLater = (fragment & 0x1fff) !== 0
  if (isLater || (fragment & 0x2000) !== 0) spots.set('fragment', { at, bits: 0, shift: isLater ? 3 : 1 })
  else transportSpots(bytes.subarray(0, end), at + headerSize, bytes[at + 9]!, spots)
}

/** Headers that may stand between IPv6 and the transport: hop-by-hop, routing, destination options. */
const extensions = [0, 43, 60]
const fragmentHeader = 44

function ipv6Spots(bytes: Buffer, at: number, spots: Spots): void {
  if (bytes.length < at + 40) return
  const end = at + 40 + bytes.readUInt16BE(at + 4)
  if (end > bytes.length) return
  spots.set('nwTtl', { at: at + 7, bits: 8 }).set('ipv6Flabel', { at: at + 1, bits: 20 })
  spots.set('ipv6Src', { at: at + 8, bits: 128 }).set('ipv6Dst', { at: at + 24, bits: 128 })
  let header = at + 6
  let next = at + 40
  while (extensions.includes(bytes[header]!) && next + 8 <= end) {
    header = next
    next += 8 * (1 + bytes[next + 1]!)
  }
  const isFragment = bytes[header] === fragmentHeader && next + 8 <= end
  if (isFragment) {
    const isLater = (bytes.readUInt16BE(next + 2) & 0xfff8) !== 0
    spots.set('fragment', { at, bits: 0, shift: isLater ? 3 : 1 })
    header = next
  }
  spots.set('ipProto', { at: header, bits: 8 })
  if (!isFragment) transportSpots(bytes.subarray(0, end), next, bytes[header]!, spots)
}

function transportSpots(bytes: Buffer, at: number, protocol: number, spots: Spots): void {
  const set = (name: string, offset: number, bits: number) => spots.set(name, { at: at + offset, bits })
  const has = (size: number) => bytes.length >= at + size
  if (protocol === 6 && has(20)) set('tcpSrc', 0, 16) && set('tcpDst', 2, 16) && set('tcpFlags', 12, 12)
  if (protocol === 17 && has(8)) set('udpSrc', 0, 16) && set('udpDst', 2, 16)
  if (protocol === 1 && has(8)) set('icmpv4Type', 0, 8) && set('icmpv4Code', 1, 8)
  if (protocol === icmpv6Protocol && has(8)) {
    set('icmpv6Type', 0, 8) && set('icmpv6Code', 1, 8)
    if ((bytes[at] === 135 || bytes[at] === 136) && bytes[at + 1] === 0 && has(24)) ndSpots(bytes, at, spots)
  }
  spots.set('transport', { at, bits: 8 * (bytes.length - at) })
}

function ndSpots(bytes: Buffer, at: number, spots: Spots): void {
  const options: [number, Spot][] = []
  for (let option = at + 24; option + 2 <= bytes.length; option += 8 * bytes[option + 1]!) {
    const size = 8 * bytes[option + 1]!
    if (size === 0 || option + size > bytes.length) return // Open vSwitch then shows no target either
    if (size === 8 && bytes[option]! <= 2) options.push([option, { at: option + 2, bits: 48 }])
  }
  spots.set('ndReserved', { at: at + 4, bits: 32 }).set('ndTarget', { at: at + 8, bits: 128 })
  for (const [option, spot] of options) spots.set(bytes[option] === 1 ? 'ndSll' : 'ndTll', spot)
  const first = options[0]
  if (first !== undefined) spots.set('ndOptionsType', { at: first[0], bits: 8 })
}

/**
 * Changes each checksum by what changed in the bytes that it covers (RFC 1624), so that a wrong one stays wrong by as
 * much: a switch does not mend packets.
 */
function updateChecksums(before: Buffer, after: Buffer, spots: ReadonlyMap<string, Spot>): void {
  const header = spots.get('ipv4Header')
  const transport = spots.get('transport')
  const protocol = spots.get('ipProto')
  if (header !== undefined) updateChecksum(before, after, header.at + 10, [header])
  const offset = checksumOffsets.get(protocol === undefined ? -1 : after[protocol.at]!)
  if (transport === undefined || offset === undefined || transport.bits / 8 < offset + 2) return
  const at = transport.at + offset
  const isUdp = after[protocol!.at] === 17
  if (isUdp && after.readUInt16BE(at) === 0) return // the sender computed none
  const addresses = ['ipv4Src', 'ipv4Dst', 'ipv6Src', 'ipv6Dst'].flatMap((name) => spots.get(name) ?? [])
  const isIcmpv4 = after[protocol!.at] === 1
  updateChecksum(before, after, at, isIcmpv4 ? [transport] : [transport, ...addresses])
  if (isUdp && after.readUInt16BE(at) === 0) after.writeUInt16BE(0xffff, at)
}

/** The exception: where Open vSwitch writes a field of neighbour discovery, it sums up the packet anew. */
function recomputeIcmpv6(bytes: Buffer, spots: ReadonlyMap<string, Spot>): void {
  const { at, bits } = spots.get('transport')!
  const addresses = spots.get('ipv6Src')!.at
  bytes.writeUInt16BE(0, at + 2)
  const pseudo = sumOfWords(bytes.subarray(addresses, addresses + 32)) + bits / 8 + icmpv6Protocol
  const sum = (pseudo + sumOfWords(bytes.subarray(at, at + bits / 8))) % 0xffff
  bytes.writeUInt16BE(0xffff - sum, at + 2)
}

/** Where ICMP, TCP, UDP and ICMPv6 have their checksums. */
const checksumOffsets: ReadonlyMap<number, number> = new Map([
  [1, 2],
  [6, 16],
  [17, 6],
  [icmpv6Protocol, 2],
])

function updateChecksum(before: Buffer, after: Buffer, at: number, covered: readonly Spot[]): void {
  const sumOf = (bytes: Buffer) =>
    covered.reduce((sum, spot) => sum + sumOfWords(bytes.subarray(spot.at, spot.at + spot.bits / 8)), 0)
  const difference = sumOf(after) - sumOf(before)
  if (difference === 0) return
  let sum = (0xffff - before.readUInt16BE(at) + difference) % 0xffff
  if (sum < 0) sum += 0xffff
  after.writeUInt16BE(0xffff - sum, at)
}

function sumOfWords(bytes: Buffer): number {
  let sum = 0
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0)
  return sum
}
