/**
 * Digests of texts under a secret of the process: whoever may choose texts cannot make two of one digest. It knows nothing
 * of what the texts say.
 */

import { hash, randomBytes } from 'node:crypto'

const secret = randomBytes(16).toString('hex')

/**
 * SHA-1 of the secret and a text: 20 bytes, as a string of a character a byte. (As a buffer it would take three times as
 * long, and 20 bytes outside V8's heap until all of that is collected.)
 */
export const secretDigest = (text: string): string => hash('sha1', secret + text, 'binary')
