/**
 * What the controller writes into the cookie of every flow (OF 1.3.5 §5.2), so that after a restart it can tell its own
 * rows, and which application each belongs to, from the switch alone. It knows no application by name.
 *
 *     63            48 47    40 39    32 31                             0
 *    | magic "DF"     | kind   | zero   | owner: FNV-1a of the app's name |
 *
 * The owner's part is a hash and not a number in a list, so that a changed `apps_list` changes no cookie.
 */

/** `desired` rows are compared with what the applications want; `timed` rows come and go by their timeouts. */
export type CookieKind = 'desired' | 'timed'

const magic = 0x4446n
const kinds = { desired: 1n, timed: 2n } as const satisfies Record<CookieKind, bigint>
const kindMask = 0xffff_ff00_0000_0000n

/** The cookie of a flow of that kind that belongs to the application of that name. */
export function cookieOf(kind: CookieKind, owner: string): bigint {
  return kindCookie(kind) | BigInt(hashOf(owner))
}

/** The kind that a cookie states; undefined if the cookie is not one of ours. */
export function kindOf(cookie: bigint): CookieKind | undefined {
  if ((cookie & kindMask) === kindCookie('desired')) return 'desired'
  if ((cookie & kindMask) === kindCookie('timed')) return 'timed'
  return undefined
}

/** A cookie and a mask that together select every row of one kind (OF 1.3.5 §6.4). */
export function everyCookie(kind: CookieKind): { readonly cookie: bigint; readonly cookieMask: bigint } {
  return { cookie: kindCookie(kind), cookieMask: kindMask }
}

function kindCookie(kind: CookieKind): bigint {
  return (magic << 48n) | (kinds[kind] << 40n)
}

/** FNV-1a, 32 bits, of the name's UTF-8 bytes. */
function hashOf(name: string): number {
  let hash = 0x811c_9dc5
  for (const byte of Buffer.from(name)) hash = Math.imul(hash ^ byte, 0x0100_0193)
  return hash >>> 0
}
