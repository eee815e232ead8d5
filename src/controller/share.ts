/**
 * Structural sharing: a new value that keeps every part of an old one that is equal to it, so that `===` answers
 * whether something changed. It knows plain objects, arrays and maps of immutable data without cycles.
 */

/** `next`, with each equal part replaced by the part of `previous`; `previous` itself if all is equal. */
export function share<T>(previous: unknown, next: T): T {
  if (Object.is(previous, next)) return next
  if (typeof previous !== 'object' || typeof next !== 'object' || previous === null || next === null)
    return next
  if (Array.isArray(next)) return Array.isArray(previous) ? (shareArray(previous, next) as T) : next
  if (next instanceof Map) return previous instanceof Map ? (shareMap(previous, next) as T) : next
  return shareObject(previous as Record<string, unknown>, next as Record<string, unknown>) as T
}

function shareArray(previous: readonly unknown[], next: readonly unknown[]): readonly unknown[] {
  const shared = next.map((item, index) => share(previous[index], item))
  return shared.length === previous.length && shared.every((item, index) => item === previous[index])
    ? previous
    : shared
}

function shareMap(previous: ReadonlyMap<unknown, unknown>, next: ReadonlyMap<unknown, unknown>) {
  const shared = new Map<unknown, unknown>()
  let isEqual = previous.size === next.size
  for (const [key, value] of next) {
    const kept = share(previous.get(key), value)
    if (kept !== previous.get(key) || !previous.has(key)) isEqual = false
    shared.set(key, kept)
  }
  return isEqual ? previous : shared
}

function shareObject(previous: Record<string, unknown>, next: Record<string, unknown>) {
  const keys = Object.keys(next)
  const shared: Record<string, unknown> = {}
  let isEqual = keys.length === Object.keys(previous).length
  for (const key of keys) {
    shared[key] = share(previous[key], next[key])
    if (shared[key] !== previous[key] || !Object.hasOwn(previous, key)) isEqual = false
  }
  return isEqual ? previous : shared
}
