import { describe, expect, test } from 'vitest'
import { TimeLimitError, withinTime } from '../../src/controller/time-limit.ts'

describe('a limited call', () => {
  test('returns what it returns', () => {
    expect(withinTime(1000, () => 'done')).toBe('done')
    expect(withinTime(1000, () => undefined)).toBeUndefined()
  })

  test('throws what it throws', () => {
    const error = new Error('its own')
    const failing = () => {
      throw error
    }
    expect(() => withinTime(1000, failing)).toThrow(error)
  })

  test.each([
    [
      'an endless loop',
      () => {
        for (;;);
      },
    ],
    [
      'an endless loop that catches everything',
      () => {
        for (;;)
          try {
            for (;;);
          } catch {}
      },
    ],
    ['an endless regular expression', () => /^(a+)+$/.test(`${'a'.repeat(50)}b`)],
  ])('ends %s', (_name, call) => {
    expect(() => withinTime(20, call)).toThrow(TimeLimitError)
    expect(withinTime(1000, () => 'the next one')).toBe('the next one')
  })

  test('may hold another one, which ends alone', () => {
    const outer = () => {
      expect(() =>
        withinTime(20, () => {
          for (;;);
        }),
      ).toThrow('took more than 20 ms and was ended')
      return 'outer'
    }
    expect(withinTime(5000, outer)).toBe('outer')
  })
})
