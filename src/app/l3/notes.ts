/** What l3(60) and l3Lookup(65) write into the register `note`, for the tables behind them and for the controller. */

import type { Complaint } from '../../packet/index.ts'

/** Bits: what is known of a packet while it is routed. */
export const marks = {
  /** It does not fit the network that it goes to. */
  tooBig: 1,
  /** Its MAC address and port are found already. */
  found: 2,
} as const

/** Whole values: why a packet is sent up. */
const numbers: Record<Complaint | 'own' | 'solicited', number> = {
  own: 16,
  hop_limit: 17,
  no_route: 18,
  no_host: 19,
  no_port: 20,
  no_protocol: 21,
  too_big: 22,
  beyond_scope: 23,
  solicited: 24,
}

export type Note = keyof typeof numbers

/** The number of a note. */
export const numberOf = (note: Note): number => numbers[note]

/** The note with that number. */
export const noteOf = (number: number): Note | undefined =>
  (Object.keys(numbers) as Note[]).find((note) => numbers[note] === number)
