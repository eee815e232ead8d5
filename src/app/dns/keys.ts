/**
 * From a name in a message to its key, the string that names are found by. Making the string and its hash costs more than
 * all the rest of a lookup, and what is asked is mostly asked again: so the keys of late names are kept, in a table of
 * fixed size that is looked up by the bytes themselves. It knows no names that exist.
 */

/** The key (`domain-name.ts`) of the name in wire form between `start` and `end`. */
export type KeyReader = (bytes: Buffer, start: number, end: number) => string

/** Makes the string each time. The sizes of labels are below 'A'. */
export const readKey: KeyReader = (bytes, start, end) => bytes.toString('latin1', start, end).toLowerCase()

const size = 4096
const caseBit = 0x20

/** Makes a reader that remembers. Whatever names are asked, it keeps at most 4,096 keys of at most 255 bytes. */
export function createKeyReader(): KeyReader {
  const kept: string[] = new Array(size).fill('')
  return (bytes, start, end) => {
    let hash = end - start
    for (let at = start; at < end; at++) hash = Math.imul(hash ^ lowerCase(bytes[at]!), 0x0100_0193) // FNV-1a
    const place = (hash ^ (hash >>> 16)) & (size - 1)
    const key = kept[place]!
    if (isKeyOf(key, bytes, start, end)) return key
    const made = readKey(bytes, start, end)
    kept[place] = made
    return made
  }
}

function isKeyOf(key: string, bytes: Buffer, start: number, end: number): boolean {
  if (key.length !== end - start) return false
  for (let i = 0; i < key.length; i++) if (key.charCodeAt(i) !== lowerCase(bytes[start + i]!)) return false
  return true
}

/** Of ASCII; other bytes stay, and so are never taken for what `readKey` makes of them. */
const lowerCase = (byte: number): number => (byte >= 0x41 && byte <= 0x5a ? byte | caseBit : byte)
