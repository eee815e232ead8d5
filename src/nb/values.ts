/**
 * The kinds of values that northbound fields hold: how each is read from JSON, in which canonical form it is
 * kept, and what a person is told when it is wrong. It knows no table. Forms: dragonflow.md 5.1; IPv6 text:
 * RFC 5952.
 */

import { z } from 'zod'
import { ipv4Bytes, ipv4Text, ipv6Bytes, ipv6Text, macBytes, macText } from '../wire/address.ts'

/**
 * A kind of value: `read` gives its canonical form, or undefined if it is not one; `expected` says what one
 * is.
 */
export interface Kind<T> {
  readonly expected: string
  read(value: unknown): T | undefined
}

/**
 * The highest unique_key that a row may have; 0xffffffff is the controller's own (the self-check's source).
 */
export const maxUniqueKey = 0xfffffffe

const isText = (value: unknown): value is string => typeof value === 'string'

export const text: Kind<string> = {
  expected: 'text',
  read: (value) => (isText(value) ? value : undefined),
}

export const filledText: Kind<string> = {
  expected: 'text of at least one character',
  read: (value) => (isText(value) && value !== '' ? value : undefined),
}

export const flag: Kind<boolean> = {
  expected: 'true or false',
  read: (value) => (typeof value === 'boolean' ? value : undefined),
}

export const seconds: Kind<number> = {
  expected: 'a number of seconds',
  read: (value) => (typeof value === 'number' && Number.isFinite(value) ? value : undefined),
}

export const integer: Kind<number> = {
  expected: 'a whole number',
  read: (value) => (Number.isSafeInteger(value) ? Number(value) : undefined),
}

/** A whole number from `min` to `max`. */
export function whole(min: number, max: number): Kind<number> {
  return {
    expected: `a whole number from ${min} to ${max}`,
    read: (value) =>
      Number.isInteger(value) && between(value as number, min, max) ? Number(value) : undefined,
  }
}

/** What tells a row apart in the switch's registers. */
export const uniqueKey = whole(1, maxUniqueKey)

export const decimal: Kind<number> = {
  expected: 'a number',
  read: (value) => (typeof value === 'number' && Number.isFinite(value) ? value : undefined),
}

/** One of these words or numbers. */
export function choice<const T extends string | number>(...words: readonly T[]): Kind<T> {
  return { expected: words.join(' or '), read: (value) => words.find((word) => word === value) }
}

const portNumber = whole(0, 65535)

/** The first and the last of a range of TCP or UDP ports. */
export const portRange: Kind<readonly [first: number, last: number]> = {
  expected: 'a range of ports, as [80, 90]',
  read: (value) => {
    const [first, last] = Array.isArray(value) && value.length === 2 ? value.map(portNumber.read) : []
    return first !== undefined && last !== undefined && first <= last ? [first, last] : undefined
  },
}

export const ip: Kind<string> = {
  expected: 'an IP address',
  read: (value) => {
    const bytes = isText(value) ? bytesOf(value) : undefined
    return bytes && textOf(bytes)
  },
}

/** `address/length` with the host bits kept (a router port's `10.0.0.1/24`). */
export const interfaceAddress: Kind<string> = {
  expected: 'an address with its prefix length, as 10.0.0.1/24',
  read: (value) => {
    const prefix = isText(value) ? prefixOf(value) : undefined
    return prefix && `${textOf(prefix.bytes)}/${prefix.length}`
  },
}

/** A network; host bits are cleared. */
export const network: Kind<string> = {
  expected: 'a network, as 10.0.0.0/24',
  read: (value) => {
    const prefix = isText(value) ? prefixOf(value) : undefined
    return prefix && `${textOf(prefix.bytes.map(masked(prefix.length)))}/${prefix.length}`
  },
}

/** An address, or a network as an allowed address pair may name one. */
export const ipOrNetwork: Kind<string> = {
  expected: 'an IP address or a network',
  read: (value) => ip.read(value) ?? network.read(value),
}

export const mac: Kind<string> = {
  expected: 'a MAC address, as fa:16:3e:00:00:02',
  read: (value) => {
    const bytes = isText(value) ? unlessThrown(() => macBytes(value)) : undefined
    return bytes && macText(bytes)
  },
}

const isLabel = (text: string) => /^(?!-)[a-z0-9-]{1,63}(?<!-)$/i.test(text)
const withoutDot = (text: string) => (text.endsWith('.') ? text.slice(0, -1) : text)
/** Labels of letters, digits and inner hyphens; 63 characters a label, 253 in all. */
const isName = (text: string) => text.length <= 253 && text.split('.').every(isLabel)

/**
 * A domain of host names (letters, digits, inner hyphens; 63 a label, 253 in all), kept without the trailing
 * dot.
 */
export const domain: Kind<string> = {
  expected: 'a domain name (labels of letters, digits and inner hyphens)',
  read: (value) => {
    if (!isText(value)) return undefined
    const name = withoutDot(value)
    return isName(name) ? name : undefined
  },
}

/** A host's name, as `domain`; its trailing dot is kept, because it says that the name is a full one. */
export const hostName: Kind<string> = {
  expected: 'a host name (labels of letters, digits and inner hyphens)',
  read: (value) => (isText(value) && isName(withoutDot(value)) ? value : undefined),
}

const optionTexts = z.record(z.string().regex(/^\d+$/), z.string())

/** DHCP options: numbers in decimal to text. */
export const dhcpOptions: Kind<Readonly<Record<string, string>>> = {
  expected: 'DHCP option numbers with their values, as {"66": "10.0.0.250"}',
  read: (value) => {
    const options = optionTexts.safeParse(value)
    return options.success ? options.data : undefined
  },
}

/** A field that a row must have. */
export function required<T>(kind: Kind<T>) {
  return z
    .unknown()
    .optional()
    .transform((value, context): T => {
      const found = value === null || value === undefined ? undefined : kind.read(value)
      if (found !== undefined) return found
      context.addIssue({ code: 'custom', message: wrong(value, kind.expected) })
      return z.NEVER
    })
}

/** A field that may be missing or null, and then is undefined. */
export function optional<T>(kind: Kind<T>) {
  return z
    .unknown()
    .optional()
    .transform((value, context): T | undefined => {
      const found = value === null || value === undefined ? undefined : kind.read(value)
      if (found === undefined && value !== null && value !== undefined)
        context.addIssue({ code: 'custom', message: wrong(value, kind.expected) })
      return found
    })
}

/** A list; missing or null is the empty one. */
export function list<S extends z.ZodType>(item: S) {
  return z.preprocess((value) => value ?? [], z.array(item, { error: ({ input }) => wrong(input, 'a list') }))
}

/** A nested object: the item of a list, or with `maybe` a field that may be missing. */
export function object<S extends z.ZodRawShape>(shape: S) {
  return z.object(shape, { error: ({ input }) => wrong(input, 'an object') })
}

/** A nested object in which `missing` names a field that the others make necessary. */
export function objectWith<S extends z.ZodRawShape>(
  shape: S,
  missing: (value: z.output<z.ZodObject<S>>) => string | undefined,
) {
  return object(shape).superRefine((value, context) => {
    const field = missing(value)
    if (field !== undefined) context.addIssue({ code: 'custom', path: [field], message: 'is missing' })
  })
}

/** What may be missing or null, and then is undefined. */
export function maybe<S extends z.ZodType>(schema: S) {
  return z.preprocess((value) => value ?? undefined, schema.optional())
}

function wrong(value: unknown, expected: string): string {
  if (value === undefined || value === null) return 'is missing'
  const shown = JSON.stringify(value)
  return `is ${shown.length > 60 ? `${shown.slice(0, 57)}...` : shown}, not ${expected}`
}

/** The 4 or 16 bytes of an address, without zone; undefined if it is none. */
function bytesOf(value: string): Uint8Array | undefined {
  return unlessThrown(() => (value.includes(':') ? ipv6Bytes(value) : ipv4Bytes(value)))
}

function textOf(bytes: Uint8Array): string {
  return bytes.length === 16 ? ipv6Text(bytes) : ipv4Text(bytes)
}

function prefixOf(value: string): { bytes: Uint8Array; length: number } | undefined {
  const [, address = '', digits = ''] = /^([^/]+)\/(\d{1,3})$/.exec(value) ?? []
  const bytes = bytesOf(address)
  const length = Number(digits)
  return bytes && between(length, 0, bytes.length * 8) ? { bytes, length } : undefined
}

/** Clears the bits beyond the first `length`. */
function masked(length: number): (byte: number, index: number) => number {
  return (byte, index) => byte & (0xff00 >> Math.min(Math.max(length - index * 8, 0), 8))
}

function unlessThrown<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

function between(value: number, min: number, max: number): boolean {
  return value >= min && value <= max
}
