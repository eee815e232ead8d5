/**
 * The Internet checksum (RFC 1071): ones' complement sums of 16-bit words, in pieces that may be added up in any
 * order as long as each begins at an even distance from the start. It knows no header.
 */

/**
 * Adds the bytes from `start` to `end` to a running sum (begin with 0); an odd last byte counts as the upper half of
 * its word, so only the last piece may have an odd size. The sum stays exact for up to 64 KiB of bytes a piece.
 */
export function sum(bytes: Uint8Array, start: number, end: number, initial = 0): number {
  let total = initial
  let at = start
  for (; at + 1 < end; at += 2) total += (bytes[at]! << 8) | bytes[at + 1]!
  if (at < end) total += bytes[at]! << 8
  return fold(total)
}

/** Folds a running sum of less than 2^32 into 16 bits (with end-around carry). */
export function fold(total: number): number {
  let folded = total
  while (folded > 0xffff) folded = (folded & 0xffff) + (folded >>> 16)
  return folded
}

/** The checksum of a running sum: its complement, 0 to 0xffff. UDP sends 0 as 0xffff; that is the caller's to do. */
export function checksumOf(total: number): number {
  return ~fold(total) & 0xffff
}

/** The checksum of one piece of bytes. */
export function checksum(bytes: Uint8Array, start = 0, end = bytes.length): number {
  return checksumOf(sum(bytes, start, end))
}

/** The sum after the 16-bit word `before` became `after` (RFC 1624, equation 3). */
export function replaced(total: number, before: number, after: number): number {
  return fold(total + (~before & 0xffff) + after)
}
