/** Ids of the lab's things: made from their keys, so that the same file gives the same rows and flows each time. */

import { createHash } from 'node:crypto'

/** A name-based UUID (RFC 9562 §5.5): the same kind and key give the same id in every lab. */
export function uuidOf(kind: string, key: string): string {
  const hash = createHash('sha1').update(Buffer.from(idSpace, 'hex')).update(`${kind}:${key}`).digest()
  hash[6] = (hash[6]! & 0x0f) | 0x50
  hash[8] = (hash[8]! & 0x3f) | 0x80
  return hash.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

/** A project id as Keystone makes them: 32 hexadecimal digits. */
export const topicOf = (tenant: string) => uuidOf('tenant', tenant).replaceAll('-', '')

/** OpenStack's prefix and three bytes of the key's hash. */
export const macOf = (key: string) => `fa:16:3e:${uuidOf('mac', key).slice(0, 6).match(/../g)!.join(':')}`

/** The name of a link's end: a prefix and what distinguishes it, within 15 characters (IFNAMSIZ). */
export const deviceOf = (prefix: string, kind: string, key: string) =>
  `${prefix}${uuidOf(kind, key).slice(0, 11)}`

/** The name space of the lab's UUIDs: one of our own, made once. */
const idSpace = 'b4f3f0d2c1a94e5f8d6a7c3b2e1f0a95'
