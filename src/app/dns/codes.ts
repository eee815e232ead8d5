/** The numbers of DNS that this application knows, with the RFC that gives them. It knows no message. */

/** Record types (RFC 1035 §3.2.2, RFC 3596 §2.1, RFC 4034 §5, RFC 6891 §6.1.1). */
export const types = { a: 1, ns: 2, soa: 6, ptr: 12, aaaa: 28, opt: 41, ds: 43, any: 255 } as const

/** The type as people write it; `TYPE65534` for those without a name here (RFC 3597 §5). */
export function typeText(type: number): string {
  const known = Object.entries(types).find(([, number]) => number === type)
  return known ? known[0].toUpperCase() : `TYPE${type}`
}

/** Types that ask for something else than records of a name: transfers, TKEY, TSIG and the like (RFC 6895 §3.1). */
export const metaTypes = { first: 128, last: 254 } as const

/** The class of the Internet (RFC 1035 §3.2.4). */
export const internet = 1

/** Response codes (RFC 1035 §4.1.1, RFC 6891 §9); those above 15 need an OPT record. */
export const rcodes = { NOERROR: 0, FORMERR: 1, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5, BADVERS: 16 } as const

export type Rcode = keyof typeof rcodes

/** Bits of the header's second word (RFC 1035 §4.1.1). */
export const flags = { qr: 0x8000, opcode: 0x7800, aa: 0x0400, rd: 0x0100, ra: 0x0080 } as const

/** EDNS (RFC 6891) and its cookies (RFC 7873). */
export const edns = {
  /** What our replies advertise, and the largest we send (DNS flag day 2020); bytes. */
  udpSize: 1232,
  /** The largest reply without EDNS; bytes (RFC 1035 §4.2.1). */
  plainSize: 512,
  optSize: 11,
  doBit: 0x8000,
  nsidCode: 3, // RFC 5001 §2.1
  cookieCode: 10,
  errorCode: 15, // RFC 8914 §2
  clientCookieSize: 8,
} as const

/** Extended DNS errors (RFC 8914 §4). */
export const extendedErrors = { notAuthoritative: 20 } as const

/** The fixed header of a message; bytes. */
export const headerSize = 12
