/**
 * From a name in a message to its key, the string that names are found by. Making the string and its hash costs more than
 * all the rest of a lookup, and what is asked is mostly asked again: so the keys of names asked lately are kept, in a table of
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
  const hashes = new Int32Array(size)
  return (bytes, start, end) => {
    let hash = end - start
    for (let at = start; at < end; at++) hash = Math.imul(hash ^ lowerCase(bytes[at]!), 0x0100_0193) // FNV-1a
    const place = (hash ^ (hash >>> 16)) & (size - 1)
    const isSeen = hashes[place] === hash
    if (isSeen && isKeyOf(kept[place]!, bytes, start, end)) return kept[place]!
    const key = readKey(bytes, start, end)
    // Kept from the second time on: a name that is asked once is garbage at once, and costs the collector nothing.
    kept[place] = isSeen ? key : ''
    hashes[place] = hash
    return key
  }
}

function isKeyOf(key: string, bytes: Buffer, start: number, end: number): boolean {
  if (key.length !== end - start) return false
  for (let i = 0; i < key.length; i++) if (key.charCodeAt(i) !== lowerCase(bytes[start + i]!)) return false
  return true
}

/** Of ASCII; other bytes stay, and so are never taken for what `readKey` makes of them. */
const lowerCase = (byte: number): number => (byte >= 0x41 && byte <= 0x5a ? byte | caseBit : byte)
