/**
 * The fields that many northbound tables have, and what a table's declaration consists of. The tables
 * themselves are `tables.ts` and `feature-tables.ts` (dragonflow.md 5.2).
 */

import type { z } from 'zod'
import {
  filledText,
  integer,
  ip,
  list,
  network,
  object,
  optional,
  required,
  text,
  uniqueKey,
} from './values.ts'

/** A field's reference to a row of `table`. */
export interface Reference {
  readonly table: string
  /** Set for a DNS row: the two rows have the same id and must have the same topic. */
  readonly isOwner?: true
}

/** What is wrong with a row whose fields are well each by itself. */
export interface Fault {
  readonly field: string
  readonly reason: string
}

/** A table as data. */
export interface TableShape {
  readonly fields: Readonly<z.ZodRawShape>
  /** The fields that name a row without which this one does not count. */
  readonly refersTo: Readonly<Record<string, Reference>>
  /** What the fields must be together; undefined if they are. */
  readonly fault?: (row: Readonly<Record<string, unknown>>) => Fault | undefined
}

export const id = required(filledText)
export const unique_key = required(uniqueKey)
export const version = optional(integer)
export const topic = required(text)
export const name = optional(text)
export const reference = required(filledText)
export const references = list(required(filledText))
export const maybeReference = optional(filledText)
export const route = object({ destination: required(network), nexthop: required(ip) })
