/** Digests by which a row is known to say what it said before, without its text. */

import { secretDigest } from '../wire/secret-digest.ts'
import type { RawChange } from './driver.ts'

const size = 6

/** 48 bits of what a row says, or of what is wrong with it: two rows of one digest would let a change go by unseen. */
export function digestOf({ problem = '', value = '' }: Pick<RawChange, 'problem' | 'value'>): number {
  const bytes = secretDigest(`${problem}\n${value}`)
  let digest = 0
  for (let at = 0; at < size; at += 1) digest = digest * 256 + bytes.charCodeAt(at)
  return digest
}
