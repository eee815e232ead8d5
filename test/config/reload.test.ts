import { beforeEach, describe, expect, test } from 'vitest'
import { type Config, createReload, fixed, option } from '../../src/config/index.ts'
import { changesOf } from '../../src/config/reload.ts'
import { ConfigError } from '../../src/errors.ts'

const sections = {
  DEFAULT: { host: fixed(option.string('', '')), level: option.string('', '') },
  df: { items: option.list([], ''), bridge: fixed(option.list([], '')) },
}
type Values = Config<typeof sections>['values']

const running: Values = {
  DEFAULT: { host: 'a', level: 'info' },
  df: { items: ['x'], bridge: ['br-int'] },
}
const changed = (DEFAULT: Partial<Values['DEFAULT']>, df: Partial<Values['df']> = {}): Values => ({
  DEFAULT: { ...running.DEFAULT, ...DEFAULT },
  df: { ...running.df, items: ['x'], ...df },
})

describe('changes', () => {
  test('none: every section is the same object', () => {
    const { values, applied, waiting } = changesOf(sections, running, changed({}))
    expect([applied, waiting]).toEqual([[], []])
    expect(values.DEFAULT).toBe(running.DEFAULT)
    expect(values.df).toBe(running.df)
  })

  test('what is reloadable is taken over, what is not keeps its value', () => {
    const found = changed({ host: 'b', level: 'debug' }, { bridge: ['br-lab'] })
    const { values, applied, waiting } = changesOf(sections, running, found)
    expect(values).toEqual(changed({ level: 'debug' }))
    expect([applied, waiting]).toEqual([['[DEFAULT] level'], ['[DEFAULT] host', '[df] bridge']])
    expect(values.df).toBe(running.df)
  })
})

describe('reload', () => {
  let found: Values | Error
  let warnings: string[]
  let applied: Values[]
  let lines: [level: string, fields: object, text: string][]
  let failure: Error | undefined
  let reload: () => Promise<void>

  beforeEach(() => {
    ;[found, warnings, applied, lines, failure] = [running, [], [], [], undefined]
    const line =
      (level: string) =>
      (...args: unknown[]) => {
        const [fields, text] = args.length === 1 ? [{}, args[0]] : args
        lines.push([level, fields as object, text as string])
      }
    reload = createReload({
      sections,
      values: running,
      read: () => {
        if (found instanceof Error) throw found
        return { values: found, warnings }
      },
      apply: async (values) => {
        await new Promise(setImmediate)
        if (failure) throw failure
        applied.push(values)
        found = running
      },
      log: { info: line('info'), warn: line('warn'), error: line('error') },
    })
  })

  test('of an unchanged file applies nothing', async () => {
    await reload()
    expect(applied).toEqual([])
    expect(lines).toEqual([['info', { applied: [] }, 'configuration taken over']])
  })

  test('applies what can be, and names the rest in one line, every time', async () => {
    found = changed({ host: 'b', level: 'debug' }, { bridge: [] })
    const waiting =
      'changed, but only looked at when the process starts: [DEFAULT] host, [df] bridge; restart to apply'
    await reload()
    expect(applied).toEqual([changed({ level: 'debug' })])
    expect(lines).toEqual([
      ['warn', {}, waiting],
      ['info', { applied: ['[DEFAULT] level'] }, 'configuration taken over'],
    ])
    lines.length = 0
    found = changed({ host: 'b', level: 'debug' }, { bridge: [] })
    await reload()
    expect(applied).toHaveLength(1)
    expect(lines).toEqual([
      ['warn', {}, waiting],
      ['info', { applied: [] }, 'configuration taken over'],
    ])
  })

  test('tells of probable mistakes', async () => {
    warnings = ['df.conf:2: [df] itmes is not an option here and is ignored; did you mean items?']
    await reload()
    expect(lines[0]).toEqual(['warn', {}, warnings[0]])
  })

  test('of a broken file is one line', async () => {
    found = new ConfigError('df.conf:1: no')
    await reload()
    expect(applied).toEqual([])
    const kept = 'configuration not taken over; everything stays as it is'
    expect(lines).toEqual([['error', { reason: 'df.conf:1: no' }, kept]])
  })

  test.each([
    ['a mistake', new ConfigError('dns_domain: no'), {}],
    ['a fault', new TypeError('x is undefined'), { err: expect.any(TypeError) }],
  ])('that cannot be applied changes nothing: %s', async (_name, error, fields) => {
    found = changed({ level: 'debug' })
    failure = error
    await reload()
    expect(lines).toEqual([
      ['error', { reason: error.message, ...fields }, expect.stringMatching(/not taken over/)],
    ])
    failure = undefined
    found = changed({ level: 'debug' })
    await reload()
    expect(applied).toEqual([changed({ level: 'debug' })])
  })

  test('is one after the other: the second reads what the first has left', async () => {
    found = changed({ level: 'debug' })
    await Promise.all([reload(), reload()])
    expect(applied).toEqual([changed({ level: 'debug' }), running])
  })
})
