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
  #isChanged = false

  constructor(frame: Uint8Array) {
    this.#bytes = Buffer.from(frame)
    this.#spots = spotsOf(this.#bytes)
  }

  /** The frame as it leaves: with its checksums computed again if a field was set. */
  get frame(): Buffer {
    const frame = Buffer.from(this.#bytes)
    if (this.#isChanged) fixChecksums(frame, this.#spots)
    return frame
  }

  copy(): Packet {
    const copy = new Packet(this.#bytes)
    copy.#isChanged = this.#isChanged
    return copy
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

  /** Throws if the frame has no such field: the switch would have refused the flow. */
  set(field: string, value: bigint): void {
    const tag = this.#spots.get('tag')
    if (field === 'vlanVid' && tag !== undefined)
      this.#write(tag, (this.#read(tag) & ~0xfffn) | (value & 0xfffn))
    else {
      const spot = this.#spots.get(field)
      if (spot === undefined) throw new Error(`the frame has no ${field} to set`)
      this.#write(spot, value)
    }
    this.#spots = spotsOf(this.#bytes)
    this.#isChanged = true
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
  if (bytes.length < at + 28 || bytes.readUInt32BE(at) !== 0x0001_0800) return
  spots.set('arpOp', { at: at + 6, bits: 16 })
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

function fixChecksums(frame: Buffer, spots: ReadonlyMap<string, Spot>): void {
  const header = spots.get('ipv4Header')
  if (header !== undefined) writeChecksum(frame, header, 10, 0)
  const transport = spots.get('transport')
  const protocol = spots.get('ipProto')
  const source = spots.get('ipv6Src') ?? spots.get('ipv4Src')
  if (transport === undefined || protocol === undefined || source === undefined) return
  const number = frame[protocol.at]!
  const at = new Map([
    [1, 2],
    [6, 16],
    [17, 6],
    [icmpv6Protocol, 2],
  ]).get(number)
  if (at === undefined || transport.bits < 64) return
  if (number === 17 && frame.readUInt16BE(transport.at + at) === 0) return
  const addresses = frame.subarray(source.at, source.at + source.bits / 4)
  const pseudo = number === 1 ? 0 : sumOf(addresses) + number + transport.bits / 8
  writeChecksum(frame, transport, at, pseudo)
  if (number === 17 && frame.readUInt16BE(transport.at + at) === 0)
    frame.writeUInt16BE(0xffff, transport.at + at)
}

function writeChecksum(frame: Buffer, { at, bits }: Spot, offset: number, start: number): void {
  frame.writeUInt16BE(0, at + offset)
  let sum = start + sumOf(frame.subarray(at, at + bits / 8))
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x1_0000)
  frame.writeUInt16BE(0xffff - sum, at + offset)
}

function sumOf(bytes: Buffer): number {
  let sum = 0
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0)
  return sum
}
