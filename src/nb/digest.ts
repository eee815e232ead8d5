/** Digests by which a row is known to say what it said before, without its text. */

import { hash, randomBytes } from 'node:crypto'
import type { RawChange } from './driver.ts'

/** Kept from those who write rows: two texts of one digest would let a change go by unseen. */
const secret = randomBytes(8).toString('hex')

/** 48 bits of what a row says, or of what is wrong with it. */
export const digestOf = ({ problem = '', value = '' }: Pick<RawChange, 'problem' | 'value'>): number =>
  hash('sha1', `${secret}${problem}\n${value}`, 'buffer').readUIntBE(0, 6)
