/**
 * Parts that begin with their own length, in a list (OpenFlow 1.3.5 §7.3.5). It knows no message.
 */

import { type Codec, CodecError } from '../wire/codec.ts'

/** A part that begins with its own length in 16 bits. */
export const sized = <T>(codec: Codec<T>): Codec<T> => ({
  read(r) {
    const part = r.part(r.u16() - 2)
    const value = codec.read(part)
    part.finish()
    return value
  },
  write(w, value) {
    const start = w.size
    w.u16(0)
    codec.write(w, value)
    w.setU16(start, w.size - start)
  },
})

/** A part with a number before its length (`type`, `length`). */
export const typed = <T>(codecOf: (type: number) => Codec<T> | undefined, typeOf: (value: T) => number) => {
  const codecFor = (type: number): Codec<T> => {
    const codec = codecOf(type)
    if (codec === undefined) throw new CodecError(`type ${type} is not known`)
    return codec
  }
  const part: Codec<T> = {
    read(r) {
      const type = r.u16()
      const body = r.part(r.u16() - 4)
      const value = codecFor(type).read(body)
      body.finish()
      return value
    },
    write(w, value) {
      const start = w.size
      w.u16(typeOf(value))
      w.u16(0)
      codecFor(typeOf(value)).write(w, value)
      w.setU16(start + 2, w.size - start)
    },
  }
  return part
}
