/**
 * The pieces of the text that `ovs-ofctl` takes: keys with values, numbers, ports (lib/ofp-parse.c of Open vSwitch). It
 * knows neither fields nor actions.
 */

import { CodecError, within } from '../wire/codec.ts'
import { ports } from './show.ts'

/** A key, and what follows it: after `=` or `:`, or in brackets; nothing is ''. */
export interface Word {
  readonly key: string
  readonly value: string
}

const gap = ', \t\r\n'
const keyEnd = `:=(${gap}`

/** The words of a text, which commas or spaces divide; what stands in brackets stays together. */
export function words(text: string): Word[] {
  const all: Word[] = []
  let at = 0
  while (at < text.length) {
    if (gap.includes(text[at]!)) {
      at++
      continue
    }
    const end = endOf(text, at, keyEnd)
    const key = text.slice(at, end)
    const sign = text[end] ?? ','
    if (gap.includes(sign)) {
      all.push({ key, value: '' })
      at = end
    } else {
      const [value, after] = sign === '(' ? bracketed(text, end) : plain(text, end + 1)
      all.push({ key, value })
      at = after
    }
  }
  return all
}

function endOf(text: string, from: number, ends: string): number {
  let at = from
  while (at < text.length && !ends.includes(text[at]!)) at++
  return at
}

/** Up to the next gap outside of brackets. */
function plain(text: string, from: number): [string, number] {
  let at = from
  while (at < text.length && !gap.includes(text[at]!)) at = text[at] === '(' ? closing(text, at) + 1 : at + 1
  return [text.slice(from, at), at]
}

/** What stands in the brackets; in `(x)->y` also what follows them: `x)->y`. */
function bracketed(text: string, open: number): [string, number] {
  const close = closing(text, open)
  if (!text.startsWith('->', close + 1)) return [text.slice(open + 1, close), close + 1]
  const end = endOf(text, close, gap)
  return [text.slice(open + 1, end), end]
}

function closing(text: string, open: number): number {
  let depth = 0
  for (let at = open; at < text.length; at++) {
    if (text[at] === '(') depth++
    if (text[at] === ')' && --depth === 0) return at
  }
  throw new CodecError(`'${text.slice(open)}' has no closing bracket`)
}

/** A whole number, decimal or after `0x` hexadecimal, of at most so many bits. Throws `CodecError`. */
export function bigFrom(text: string, bits: number): bigint {
  if (!/^(0x[0-9a-f]+|0|[1-9]\d*)$/i.test(text)) throw new CodecError(`'${text}' is not a number`)
  const value = BigInt(text)
  if (value >> BigInt(bits) !== 0n) throw new CodecError(`${text} does not fit ${bits} bits`)
  return value
}

/** As `bigFrom`, of up to 32 bits. */
export const intFrom = (text: string, bits: number): number => Number(bigFrom(text, bits))

const portNumbers = new Map<string, number>(
  Object.entries(ports).map(([name, port]) => [name === 'inPort' ? 'in_port' : name, port]),
)

/** A port: its number, or the name of a reserved one in upper or lower case. Throws `CodecError`. */
export function portFrom(text: string): number {
  const named = portNumbers.get(text.toLowerCase())
  if (named !== undefined) return named
  const port = intFrom(text, 32)
  if (port >= 0xff00 && port < 0xffffff00) throw new CodecError(`${text} is not a port`)
  return port
}

/** Bytes as pairs of digits, with or without dots between. Throws `CodecError`. */
export function hexFrom(text: string): Buffer {
  if (!/^(([0-9a-f]{2}[. ]?)*)$/i.test(text))
    throw new CodecError(`'${text}' is not pairs of hexadecimal digits`)
  return Buffer.from(text.replace(/[. ]/g, ''), 'hex')
}

/** The two sides of `a->b`. Throws `CodecError`. */
export function sidesOf(text: string): [string, string] {
  const at = text.indexOf('->')
  if (at === -1) throw new CodecError(`'${text}' has no ->`)
  return [text.slice(0, at), text.slice(at + 2)]
}

/** The value, and the mask if there is one, of `value/mask`. */
export function halvesOf(text: string): [string, string | undefined] {
  const at = text.indexOf('/')
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}

/** The reader of each key: what it makes of the value. */
export type Readers<T> = Readonly<Record<string, (value: string) => T>>

/** What a key's reader makes of its value. Throws `CodecError`, with the key before its path, also for an unknown key. */
export function readWord<T>(readers: Readers<T>, { key, value }: Word): T {
  const reader = Object.hasOwn(readers, key) ? readers[key] : undefined
  if (reader === undefined) throw new CodecError(`'${key}' is not known`)
  try {
    return reader(value)
  } catch (error) {
    throw within(key, error)
  }
}

/** What the readers make of all words of a text, joined into one object. */
export const readWords = <T extends object>(readers: Readers<Partial<T>>, text: string): Partial<T> =>
  Object.assign({}, ...words(text).map((word) => readWord(readers, word)))
