/**
 * An option as data: its default, what its value must be, and how text becomes a value. It knows no file and no section;
 * the type of a loaded value follows from the declaration. The rules are oslo.config's (`oslo_config/types.py`), except
 * that an empty number is refused instead of being None.
 */

import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** What an option is worth when no file names it: a value, or how to find it out on this machine. */
export type Default<Value> = Value | { readonly compute: () => Value; readonly shown: string }

/** One option. Texts in a default are interpolated as those of a file are. */
export interface Option<Value> {
  readonly default: Default<Value>
  readonly help: string
  /** What a value must be, in words that follow "expected": `a whole number from 1 to 512`. */
  readonly expects: string
  /** The value that a text stands for; undefined if it stands for none. */
  readonly parse: (text: string) => Value | undefined
  /** The text that stands for a value. A method, so that one table can hold options of different types. */
  format(value: Value): string
  /** Whether a running process takes over a changed value; if not, the change waits for a restart. */
  readonly isReloadable: boolean
  /** What to say instead of `expects` about values that are wrong for a reason of their own. */
  readonly refusals?: Readonly<Record<string, string>>
}

/** Options by their names as they stand in the file. */
export type OptionTable = Readonly<Record<string, Option<unknown>>>

/** The type of an option's value. */
export type ValueOf<O> = O extends Option<infer Value> ? Value : never

/** What a table's options are worth. */
export type OptionValues<Table extends OptionTable> = { readonly [Name in keyof Table]: ValueOf<Table[Name]> }

/** Where the metrics are served: a host and a TCP port. */
export interface HostPort {
  /** An address or a name; IPv6 without its brackets. */
  readonly host: string
  readonly port: number
}

/** The kinds of options there are. Each function declares one option. */
export const option = { string, boolean, integer, list, choice, choices, address, endpoint, hostPort }

/** The same option, looked at only when the process starts. */
export function fixed<Value>(declared: Option<Value>): Option<Value> {
  return { ...declared, isReloadable: false }
}

/** The default as a file would say it, with its references, on this machine. */
export function defaultTextOf(declared: Option<unknown>): string {
  const { default: fallback } = declared
  return declared.format(isComputed(fallback) ? fallback.compute() : fallback)
}

/** Whether a default has to be found out on the machine. */
export function isComputed<Value>(
  fallback: Default<Value>,
): fallback is Extract<Default<Value>, { compute: () => Value }> {
  return typeof fallback === 'object' && fallback !== null && 'compute' in fallback
}

/** What holds for most options. */
const common = { format: String, isReloadable: true } as const

/** Any text. */
function string(fallback: Default<string>, help: string): Option<string> {
  return { ...common, default: fallback, help, expects: 'a text', parse: (text) => text }
}

const booleans: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  on: true,
  '1': true,
  false: false,
  no: false,
  off: false,
  '0': false,
}

/** True or false, in any of oslo.config's eight spellings and any case. */
function boolean(fallback: boolean, help: string): Option<boolean> {
  const parse = (text: string) => {
    const word = text.toLowerCase()
    return Object.hasOwn(booleans, word) ? booleans[word] : undefined
  }
  return { ...common, default: fallback, help, expects: 'true or false (also yes/no, on/off, 1/0)', parse }
}

interface IntegerLimits {
  readonly default: number
  readonly min?: number
  readonly max?: number
  /** In the plural: `seconds`. */
  readonly unit?: string
}

/** A whole number within limits, both inclusive. */
function integer(limits: IntegerLimits, help: string): Option<number> {
  const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER, unit } = limits
  const parse = (text: string) => {
    const digits = text.trim()
    if (!/^[+-]?\d+(_\d+)*$/.test(digits)) return undefined
    const value = Number(digits.replaceAll('_', ''))
    return value >= min && value <= max ? value : undefined
  }
  const expects = rangeOf(limits) + (unit ? ` (${unit})` : '')
  return { ...common, default: limits.default, help, expects, parse }
}

function rangeOf({ min, max }: IntegerLimits): string {
  if (min === undefined) return max === undefined ? 'a whole number' : `a whole number up to ${max}`
  return max === undefined ? `a whole number from ${min} up` : `a whole number from ${min} to ${max}`
}

/** Texts, separated by commas. Blanks around an item do not count; a trailing comma adds no item. */
function list(fallback: readonly string[], help: string): Option<readonly string[]> {
  const parse = (text: string) => {
    const items = text.trim().replace(/,+$/, '')
    return items === '' ? [] : items.split(',').map((item) => item.trim())
  }
  const format = (items: readonly string[]) => items.join(',')
  return { ...common, default: fallback, help, expects: 'a list, separated by commas', parse, format }
}

/** One word of several; `refusals` says what is wrong with a word that people may well write. */
function choice<const Word extends string>(
  words: readonly Word[],
  fallback: NoInfer<Word>,
  help: string,
  refusals: Readonly<Record<string, string>> = {},
): Option<Word> {
  const parse = (text: string) => words.find((word) => word === text)
  const expects = words.join(words.length > 2 ? ', ' : ' or ')
  return { ...common, default: fallback, help, expects, parse, refusals }
}

/** Several words of several, in the order given; one that stands twice is refused. */
function choices<const Word extends string>(
  words: readonly Word[],
  fallback: readonly NoInfer<Word>[],
  help: string,
): Option<readonly Word[]> {
  const { parse: itemsOf, format } = list([], '')
  const parse = (text: string) => {
    const items = itemsOf(text)!
    const isRight =
      new Set(items).size === items.length && items.every((item) => words.some((word) => word === item))
    return isRight ? (items as Word[]) : undefined
  }
  const expects = `a list of ${words.join(', ')}, each at most once`
  return { ...common, default: fallback, help, expects, parse, format }
}

/** An IP address in canonical form, or nothing. */
function address(help: string): Option<string> {
  const parse = (text: string) => {
    if (text === '') return ''
    return isIP(text) === 0 || text.includes('%') ? undefined : ipaddr.parse(text).toString()
  }
  return { ...common, default: '', help, expects: 'an IP address', parse }
}

/** `unix:<absolute path>` or `tcp:<host>:<port>`, as Open vSwitch writes them (ovsdb(7), "Connection Methods"). */
function endpoint(fallback: string, help: string): Option<string> {
  const parse = (text: string) => {
    if (/^unix:\/./.test(text)) return text
    return text.startsWith('tcp:') && hostPortOf(text.slice(4)) ? text : undefined
  }
  return { ...common, default: fallback, help, expects: 'unix:<absolute path> or tcp:<host>:<port>', parse }
}

/** A host and a TCP port, `127.0.0.1:9476` or `[::1]:9476`; port 0 lets the system choose. */
function hostPort(fallback: HostPort, help: string): Option<HostPort> {
  const expects = '<host>:<port> or [<IPv6 address>]:<port>'
  return { ...common, default: fallback, help, expects, parse: hostPortOf, format: textOfHostPort }
}

function hostPortOf(text: string): HostPort | undefined {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]*)\]|([^:\s[\]]+)):(\d{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  if (digits === undefined || port > 65535) return undefined
  if (bracketed !== undefined) return isIP(bracketed) === 6 ? { host: bracketed, port } : undefined
  return { host: plain as string, port }
}

function textOfHostPort({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
