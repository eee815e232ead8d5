/** 16-bit words in network byte order, read and written without the checks of a Buffer's own methods. */

/** The word at an offset that lies inside the bytes. */
export const wordAt = (bytes: Uint8Array, at: number): number => (bytes[at]! << 8) | bytes[at + 1]!

/** Writes the lower 16 bits of a number. */
export function setWord(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 8
  bytes[at + 1] = value
}
