/** What is wrong with a frame that answers another one, judged without the source's own parser: nothing, if undefined. */

import { decode } from 'dns-packet'
import { plainSum } from './odd-packets.ts'

const words = (...values: number[]) =>
  Buffer.from(values.flatMap((value) => [(value >> 8) & 255, value & 255]))

/** The first fault of `reply` as the answer to the DNS query in `frame` (both untagged, no options or extensions). */
export function faultOf(frame: Buffer, reply: Buffer): string | undefined {
  const is = (label: string, isRight: boolean) => (isRight ? undefined : label)
  const isIpv6 = frame.readUInt16BE(12) === 0x86dd
  const udp = isIpv6 ? 54 : 34
  const [from, to, size] = isIpv6 ? [22, 38, 16] : [26, 30, 4]
  const equal = (a: Buffer, b: Buffer) => a.equals(b)
  const slice = (bytes: Buffer, at: number, length: number) => bytes.subarray(at, at + length)
  const checks = [
    () => is('sizes', reply.length >= udp + 20 && reply.length <= udp + 8 + 1232),
    () =>
      is(
        'MAC addresses',
        equal(slice(reply, 0, 6), slice(frame, 6, 6)) && equal(slice(reply, 6, 6), slice(frame, 0, 6)),
      ),
    () => is('EtherType', equal(slice(reply, 12, 2), slice(frame, 12, 2))),
    () =>
      is(
        'IP addresses',
        equal(slice(reply, from, size), slice(frame, to, size)) &&
          equal(slice(reply, to, size), slice(frame, from, size)),
      ),
    () =>
      isIpv6
        ? is(
            'IPv6 header',
            reply[14] === 0x60 &&
              reply[20] === 17 &&
              reply[21] === 64 &&
              reply.readUInt16BE(18) === reply.length - 54,
          )
        : undefined,
    () =>
      isIpv6
        ? undefined
        : is(
            'IPv4 header',
            reply[14] === 0x45 &&
              reply[22] === 64 &&
              reply[23] === 17 &&
              reply.readUInt16BE(16) === reply.length - 14,
          ),
    () => (isIpv6 ? undefined : is('IPv4 fragment', (reply.readUInt16BE(20) & 0xbfff) === 0)),
    () => (isIpv6 ? undefined : is('IPv4 checksum', plainSum(reply.subarray(14, 34)) === 0xffff)),
    () =>
      is(
        'ports',
        reply.readUInt16BE(udp) === frame.readUInt16BE(udp + 2) &&
          reply.readUInt16BE(udp + 2) === frame.readUInt16BE(udp),
      ),
    () => is('UDP length', reply.readUInt16BE(udp + 4) === reply.length - udp),
    () => is('no UDP checksum', reply.readUInt16BE(udp + 6) !== 0),
    () =>
      is(
        'UDP checksum',
        plainSum(slice(reply, from, 2 * size), words(17, reply.length - udp), reply.subarray(udp)) === 0xffff,
      ),
    () => messageFaultOf(slice(frame, udp + 8, frame.readUInt16BE(udp + 4) - 8), reply.subarray(udp + 8)),
  ]
  for (const check of checks) {
    const fault = check()
    if (fault !== undefined) return fault
  }
  return undefined
}

const headerSize = 12

function messageFaultOf(query: Buffer, reply: Buffer): string | undefined {
  if (reply.readUInt16BE(0) !== query.readUInt16BE(0)) return 'id'
  const [asked, answered] = [query.readUInt16BE(2), reply.readUInt16BE(2)]
  if ((asked & 0x8000) !== 0) return 'a response was answered'
  if ((answered & 0x8000) === 0) return 'QR'
  if (reply.length === headerSize) return refusalFaultOf(asked, answered, reply)
  if ((answered & 0x7800) !== 0) return 'opcode'
  if ((answered & 0x0100) !== (asked & 0x0100)) return 'RD'
  if ((answered & 0x0270) !== 0) return 'TC, Z, AD or CD'
  const questionCount = query.readUInt16BE(4)
  let at = 12
  while (questionCount > 0 && query[at] !== 0) at += query[at]! + 1
  const questionEnd = questionCount > 0 ? at + 5 : at
  if (!reply.subarray(12, questionEnd).equals(query.subarray(12, questionEnd))) return 'question'
  if (reply.readUInt16BE(4) !== questionCount) return 'QDCOUNT'
  const hasOpt = query.readUInt16BE(10) === 1
  if (reply.readUInt16BE(10) !== (hasOpt ? 1 : 0)) return 'OPT'
  const advertised = hasOpt ? query.readUInt16BE(questionEnd + 3) : 512
  if (reply.length > Math.min(1232, Math.max(512, advertised))) return 'larger than the asker takes'
  decode(reply)
  if (decode.bytes !== reply.length) return 'bytes left over'
  return undefined
}

/** A header alone answers what is no query: opcode and RD of the query, no other flag, an error, and no section. */
function refusalFaultOf(asked: number, answered: number, reply: Buffer): string | undefined {
  const copied = (asked & 0x7800) === 0 ? 0x7900 : 0x7800 // RD means something in queries only
  if ((answered & 0x7900) !== (asked & copied)) return 'opcode or RD of a refusal'
  if ((answered & 0x06f0) !== 0) return 'AA, TC, RA, Z, AD or CD of a refusal'
  if (![1, 4, 5].includes(answered & 15)) return 'rcode of a refusal'
  return reply.subarray(4).every((byte) => byte === 0) ? undefined : 'sections of a refusal'
}
