/**
 * The action `learn` from the text that `ovs-ofctl` takes (lib/learn.c of Open vSwitch). It knows no other action.
 */

import { CodecError } from '../wire/codec.ts'
import type { Action } from './actions.ts'
import type { Learn, LearnSpec } from './learn.ts'
import { toInt } from './match.ts'
import { fieldOf } from './oxm.ts'
import { bitsFrom, fieldNamed, subfieldFrom } from './parse-field.ts'
import { bigFrom, intFrom, sidesOf, type Word, words } from './scan.ts'
import type { Place } from './subfield.ts'

const flagBits = { send_flow_rem: 1, delete_learned: 2 } as const
const writeResult = 4

type Settings = { -readonly [K in keyof Learn]?: Learn[K] }

// biome-ignore format: one setting a line
const settings: Readonly<Record<string, (text: string) => Settings>> = {
  table:            (text) => ({ tableId: intFrom(text, 8) }),
  priority:         (text) => ({ priority: intFrom(text, 16) }),
  idle_timeout:     (text) => ({ idleTimeout: intFrom(text, 16) }),
  hard_timeout:     (text) => ({ hardTimeout: intFrom(text, 16) }),
  fin_idle_timeout: (text) => ({ finIdleTimeout: intFrom(text, 16) }),
  fin_hard_timeout: (text) => ({ finHardTimeout: intFrom(text, 16) }),
  cookie:           (text) => ({ cookie: bigFrom(text, 64) }),
  limit:            (text) => ({ limit: intFrom(text, 32) }),
  result_dst:       (text) => ({ result: bitFrom(text) }),
}

function bitFrom(text: string): Place {
  const { bits, ...place } = subfieldFrom(text)
  if (bits !== 1) throw new CodecError(`${text} is not one bit`)
  return place
}

const usual = {
  ...{ tableId: 1, priority: 0x8000, idleTimeout: 0, hardTimeout: 0, finIdleTimeout: 0, finHardTimeout: 0 },
  ...{ cookie: 0n, flags: 0 },
}

/** The action of what stands in the brackets of `learn(…)`. Throws `CodecError`. */
export function parseLearn(text: string): Action {
  const given: Settings = {}
  const specs: LearnSpec[] = []
  let flags = 0
  for (const word of words(text)) {
    if (Object.hasOwn(settings, word.key)) Object.assign(given, settings[word.key]!(word.value))
    else if (Object.hasOwn(flagBits, word.key)) flags |= flagBits[word.key as keyof typeof flagBits]
    else specs.push(specFrom(word))
  }
  const { limit, result, ...rest } = given
  const learn = { ...usual, ...rest, flags: flags | (result === undefined ? 0 : writeResult), specs }
  if (limit === undefined && result === undefined) return { kind: 'learn', ...learn }
  return { kind: 'learnLimited', ...learn, limit: limit ?? 0, ...(result === undefined ? {} : { result }) }
}

function specFrom({ key, value }: Word): LearnSpec {
  if (key === 'output') {
    const { bits, ...from } = subfieldFrom(value)
    return { kind: 'output', bits, from }
  }
  if (key === 'load') {
    const [from, to] = sidesOf(value)
    return specOf('load', from, to)
  }
  return specOf('match', value, key)
}

/** A number goes into the bits; other bits must be as many. Without either the same bits are copied. */
function specOf(kind: 'match' | 'load', source: string, target: string): LearnSpec {
  const { bits, ...to } = subfieldFrom(target)
  const whole = fieldNamed(target)
  const immediate =
    kind === 'match' && whole !== undefined ? valueFrom(whole, source) : numberFrom(source, bits)
  if (immediate !== undefined) return { kind, bits, value: immediate, to }
  const { bits: count, ...from } = source === '' ? { bits, ...to } : subfieldFrom(source)
  if (count !== bits) throw new CodecError(`${count} bits do not fit ${bits}`)
  return { kind, bits, from, to }
}

const numberFrom = (text: string, bits: number): bigint | undefined =>
  /^\d/.test(text) ? bigFrom(text, bits) : undefined

/** The value of a whole field; nothing if the text is none, but perhaps a field. */
function valueFrom(name: Parameters<typeof bitsFrom>[0], text: string): bigint | undefined {
  if (text === '') return undefined
  try {
    const { value, mask } = bitsFrom(name, text)
    if (mask !== undefined && /^[^+-]/.test(text) && text.includes('/')) throw new CodecError('takes no mask')
    return BigInt.asUintN(fieldOf(name).bits, toInt(name, value))
  } catch (error) {
    if (fieldNamed(text.replace(/\[.*/, '')) !== undefined || /^[A-Z]+_/.test(text)) return undefined
    throw error
  }
}
