/** UDP (RFC 768) behind an IP header that was checked. It knows no application. */

import { checksumOf, sum } from '../wire/checksum.ts'
import { setWord, wordAt } from '../wire/word.ts'
import { pseudoHeaderSum } from './ip.ts'
import type { Unparsed } from './reasons.ts'

/** Size of the header in bytes. */
export const udpSize = 8

/**
 * Checks the UDP header at `offset` of a packet whose IP header is at `ip` and whose IP payload ends at `end`; gives the
 * offset where the UDP payload ends, else why it is not understood. Bytes between there and `end` are no error.
 */
export function readUdp(
  frame: Uint8Array,
  family: 4 | 6,
  ip: number,
  offset: number,
  end: number,
): number | Unparsed {
  if (end - offset < udpSize) return 'length'
  const length = wordAt(frame, offset + 4)
  if (length < udpSize || length > end - offset) return 'length'
  if (wordAt(frame, offset) === 0) return 'source'
  if (wordAt(frame, offset + 2) === 0) return 'destination'
  const isUnsummed = frame[offset + 6] === 0 && frame[offset + 7] === 0
  // "No checksum" is allowed on IPv4 (RFC 768) and forbidden on IPv6 (RFC 8200 §8.1).
  if (isUnsummed) return family === 4 ? offset + length : 'checksum'
  const total = sum(frame, offset, offset + length, pseudoHeaderSum(frame, ip, family, length))
  return checksumOf(total) === 0 ? offset + length : 'checksum'
}

/**
 * Writes at `at` the UDP header of the answer to the one at `offset`, ports swapped; `size` counts its bytes with the
 * payload, which is already there.
 */
export function writeAnsweringUdp(
  reply: Buffer,
  at: number,
  size: number,
  frame: Uint8Array,
  offset: number,
  pseudoHeader: number,
): void {
  setWord(reply, at, wordAt(frame, offset + 2))
  setWord(reply, at + 2, wordAt(frame, offset))
  writeUdp(reply, at, size, pseudoHeader)
}

/** Writes the UDP header at `at` behind its ports, which are already there, as is the payload. */
export function writeUdp(reply: Buffer, at: number, size: number, pseudoHeader: number): void {
  setWord(reply, at + 4, size)
  setWord(reply, at + 6, 0)
  setWord(reply, at + 6, checksumOf(sum(reply, at, at + size, pseudoHeader)) || 0xffff) // 0 would mean "no checksum"
}
