/** How long to wait before the next attempt. Pure: chance is a parameter. */

export interface BackoffLimits {
  readonly minMs: number
  readonly maxMs: number
}

/**
 * Milliseconds to wait after the given number of failures in a row (1 is the first): doubled each time up to the maximum,
 * then shortened by up to a half, so that the controllers of a rack do not come back at one stroke.
 */
export function backoffMs(failures: number, { minMs, maxMs }: BackoffLimits, random: () => number): number {
  const full = Math.min(maxMs, minMs * 2 ** Math.max(0, failures - 1))
  return full * (1 - random() / 2)
}
