/**
 * Short digests of texts, as strings of a character a byte and as the words that large tables hold of them. Guests choose
 * addresses: whoever made two flows look the same would keep one of them out of the switch. Who does not know the secret of
 * the process can only wait for chance, which lets two of 100,000 digests of 8 bytes be equal in one of 3.7 billion
 * processes.
 */

import { secretDigest } from '../wire/secret-digest.ts'

/** A digest of so many bytes, at most 20. */
export const digestOf = (text: string, size: number): string => secretDigest(text).slice(0, size)

/** Four bytes of a digest from `at` on, the first one lowest; what is behind its end is 0. */
export const digestWord = (digest: string, at: number): number =>
  digest.charCodeAt(at) |
  (digest.charCodeAt(at + 1) << 8) |
  (digest.charCodeAt(at + 2) << 16) |
  (digest.charCodeAt(at + 3) << 24)

/** The digest of 8 bytes that has these words. */
export const digestFrom = (low: number, high: number): string =>
  String.fromCharCode(
    low & 0xff,
    (low >>> 8) & 0xff,
    (low >>> 16) & 0xff,
    low >>> 24,
    high & 0xff,
    (high >>> 8) & 0xff,
    (high >>> 16) & 0xff,
    high >>> 24,
  )
