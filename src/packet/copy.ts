/** Copies of bytes, mostly of a few, which is what a reply is made of. It knows no format. */

/** Up to here a loop is quicker; bytes. */
const loopLimit = 40

/**
 * Copies the bytes of `from` between `start` and `end` to `at` in `into`; gives the offset behind them. Few bytes go in
 * a loop, because `Buffer.copy` makes a view of its source first (Node 20.20, 16 bytes: 55 ns against 145 ns).
 */
export function copyBytes(into: Buffer, at: number, from: Buffer, start: number, end: number): number {
  const size = end - start
  if (size > loopLimit) from.copy(into, at, start, end)
  else for (let i = 0; i < size; i++) into[at + i] = from[start + i]!
  return at + size
}
