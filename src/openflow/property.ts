/**
 * Properties: optional parts of a message or action, each with a type and a length, padded to a multiple of 8 bytes
 * (lib/ofp-prop.c of Open vSwitch). It knows no message.
 */

import { type Codec, CodecError, type ValueOf, within } from '../wire/codec.ts'

/** A row of a table of properties: its number, its body, and what it is when it is not there. */
export interface Property<T> {
  readonly type: number
  readonly body: Codec<T>
  /** What is read when the property is absent; that value is not written, unless `isAlwaysWritten`. */
  readonly absent?: T
  readonly isAlwaysWritten?: boolean
}

// biome-ignore lint/suspicious/noExplicitAny: the value type of each property is inferred from it, never used as any
type Table = Record<string, Property<any>>

/** The value of a table of properties: those with a value for absence are always there when read. */
export type PropertiesOf<P extends Table> = {
  readonly [K in keyof P as P[K] extends { absent: unknown } ? K : never]: ValueOf<P[K]['body']>
} & {
  readonly [K in keyof P as P[K] extends { absent: unknown } ? never : K]?: ValueOf<P[K]['body']>
}

/** A property without a body: it is there or it is not. */
export const flag: Codec<boolean> = { read: () => true, write: () => undefined }

const isAbsent = (row: Property<unknown>, part: unknown): boolean =>
  'absent' in row && (part === row.absent || (part instanceof Uint8Array && part.length === 0))

/** Properties to the end of what is left, written in the order of the table; unknown ones are skipped. */
export function properties<const P extends Table>(table: P): Codec<PropertiesOf<P>> {
  const rows = Object.entries(table)
  const byType = new Map(rows.map(([name, row]) => [row.type, { name, row }]))
  const absent = Object.fromEntries(
    rows.flatMap(([name, row]) => ('absent' in row ? [[name, row.absent]] : [])),
  )
  return {
    read(r) {
      const value: Record<string, unknown> = { ...absent }
      while (r.size > 0) {
        const type = r.u16()
        const length = r.u16()
        const known = byType.get(type)
        try {
          const body = r.part(length - 4)
          if (known !== undefined) {
            value[known.name] = known.row.body.read(body)
            body.finish()
          }
        } catch (error) {
          throw within(known?.name ?? `property ${type}`, error)
        }
        r.skip(Math.min(-length & 7, r.size))
      }
      return value as PropertiesOf<P>
    },
    write(w, value) {
      for (const [name, row] of rows) {
        const part = (value as Record<string, unknown>)[name]
        if (part === undefined || (isAbsent(row, part) && row.isAlwaysWritten !== true)) continue
        const start = w.size
        w.u16(row.type)
        w.u16(0)
        try {
          row.body.write(w, part)
        } catch (error) {
          throw within(name, error)
        }
        if (w.size - start > 0xffff) throw new CodecError(`${name} has more than 65531 bytes`)
        w.setU16(start + 2, w.size - start)
        w.zeros(-(w.size - start) & 7)
      }
    },
  }
}
