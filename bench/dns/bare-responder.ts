/**
 * A process of its own: listens at the Unix socket it is given, speaks as little OpenFlow 1.3 as a switch takes, and
 * answers every query with one fixed A record. Everything stands at fixed offsets, and all answers of a chunk leave in
 * one write.
 */

import { createServer, type Socket } from 'node:net'

const address = Buffer.from([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 30, 0, 4, 10, 0, 0, 12])
const types = { hello: 0, echoRequest: 2, featuresReply: 6, experimenter: 4 } as const
const headers = 42 // Ethernet, IPv4, UDP
const replySize = 24 + 16

const hello = Buffer.from('0400000800000001', 'hex')
const setPacketInFormat = Buffer.from('04040014000000020000232000000010' + '00000002', 'hex')
const featuresRequest = Buffer.from('0405000800000003', 'hex')

createServer(serve).listen(process.argv[2])

function serve(socket: Socket): void {
  let rest: Buffer = Buffer.alloc(0)
  socket.write(Buffer.concat([hello, setPacketInFormat, featuresRequest]))
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const out = Buffer.allocUnsafeSlow(bytes.length * 2 + 256)
    let size = 0
    let at = 0
    while (at + 8 <= bytes.length) {
      const length = bytes.readUInt16BE(at + 2)
      if (at + length > bytes.length) break
      if (bytes[at + 1] === types.experimenter) size = answer(bytes, at, at + length, out, size)
      else if (bytes[at + 1] === types.echoRequest) size = echo(bytes, at, at + length, out, size)
      at += length
    }
    rest = bytes.subarray(at)
    if (size > 0) socket.write(out.subarray(0, size))
  })
}

function echo(bytes: Buffer, at: number, end: number, out: Buffer, size: number): number {
  bytes.copy(out, size, at, end)
  out[size + 1] = 3
  return size + end - at
}

/** NXT_PACKET_IN2: the first property is the packet, and the port it came from stands in the metadata. */
function answer(bytes: Buffer, at: number, end: number, out: Buffer, size: number): number {
  const packet = at + 20
  const packetSize = bytes.readUInt16BE(at + 18) - 4
  const question = packetSize - headers - (bytes[packet + headers + 11] === 1 ? 11 : 0)
  const message = question + address.length
  const total = replySize + headers + message
  out.writeUInt32BE(((4 << 24) | (13 << 16) | total) >>> 0, size)
  out.writeUInt32BE(0, size + 4)
  out.writeUInt32BE(0xffffffff, size + 8)
  out.writeUInt32BE(0xfffffffd, size + 12)
  out.writeUInt32BE(16 << 16, size + 16)
  out.writeUInt32BE(0, size + 20)
  out.writeUInt32BE(16, size + 24)
  out.writeUInt32BE(1, size + 28) // the client is plugged in first
  out.writeUInt32BE(0, size + 32)
  out.writeUInt32BE(0, size + 36)
  const frame = size + replySize
  bytes.copy(out, frame, packet, packet + headers + question)
  for (let i = 0; i < 6; i++) {
    out[frame + i] = bytes[packet + 6 + i]!
    out[frame + 6 + i] = bytes[packet + i]!
  }
  for (let i = 0; i < 4; i++) {
    out[frame + 26 + i] = bytes[packet + 30 + i]!
    out[frame + 30 + i] = bytes[packet + 26 + i]!
  }
  word(out, frame + 16, 28 + message)
  out[frame + 22] = 64
  word(out, frame + 24, 0)
  word(out, frame + 24, checksum(out, frame + 14, frame + 34, 0))
  out[frame + 34] = bytes[packet + 36]!
  out[frame + 35] = bytes[packet + 37]!
  out[frame + 36] = bytes[packet + 34]!
  out[frame + 37] = bytes[packet + 35]!
  word(out, frame + 38, 8 + message)
  word(out, frame + 40, 0)
  word(out, frame + 44, 0x8580)
  word(out, frame + 48, 1)
  word(out, frame + 52, 0)
  for (let i = 0; i < address.length; i++) out[frame + headers + question + i] = address[i]!
  const pseudo = sum(out, frame + 26, frame + 34, 17 + 8 + message)
  word(out, frame + 40, checksum(out, frame + 34, frame + headers + message, pseudo) || 0xffff)
  return end > at ? size + total : size
}

function word(out: Buffer, at: number, value: number): void {
  out[at] = value >> 8
  out[at + 1] = value
}

function sum(bytes: Buffer, from: number, to: number, initial: number): number {
  let total = initial
  let at = from
  for (; at + 1 < to; at += 2) total += (bytes[at]! << 8) | bytes[at + 1]!
  return at < to ? total + (bytes[at]! << 8) : total
}

function checksum(bytes: Buffer, from: number, to: number, initial: number): number {
  let total = sum(bytes, from, to, initial)
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16)
  return ~total & 0xffff
}
