import { describe, expect, test } from 'vitest'
import { Exit, exitCodeOf, programOf, textTable } from '../../src/cli/output.ts'
import { BugError, ConfigError, NorthboundError } from '../../src/errors.ts'
import { ran } from '../support/io.ts'

test('a table has columns, no lines, no colours and no blanks at the end', () => {
  expect(
    textTable(
      ['id', 'name'],
      [
        ['port-1', 'web'],
        ['p', ''],
      ],
    ),
  ).toBe('ID      NAME\nport-1  web\np\n')
  expect(textTable(['id'], [])).toBe('ID\n')
})

test('foreign text stays in its cell', () => {
  expect(textTable(['name'], [['a\nb\u001b[31m\u0085']])).toBe('NAME\na\\x0ab\\x1b[31m\\x85\n')
})

describe('the exit code', () => {
  const command =
    (action: () => Promise<void>) => (argv: readonly string[], io: Parameters<typeof exitCodeOf>[2]) =>
      exitCodeOf(programOf('df-x', io).argument('[word]').option('--flag').action(action), argv, io)
  const fails = (error: unknown) => command(() => Promise.reject(error))

  test.each<[string, ReturnType<typeof command>, string[], number, string[]]>([
    ['of what went well', command(() => Promise.resolve()), [], 0, []],
    ['of what found something', fails(new Exit(1)), [], 1, []],
    ['of what a person got wrong', fails(new ConfigError('use this')), [], 2, ['df-x: use this']],
    [
      'of a store that fails',
      fails(new NorthboundError('it fails', new Error('EIO\nx'))),
      [],
      2,
      ['df-x: it fails: EIO\\x0ax'],
    ],
    [
      'of an unknown option',
      command(() => Promise.resolve()),
      ['--flog'],
      2,
      [expect.stringContaining("df-x: unknown option '--flog'")],
    ],
    [
      'of too many words',
      command(() => Promise.resolve()),
      ['a', 'b'],
      2,
      [expect.stringContaining('df-x: too many arguments')],
    ],
    ['of --help', command(() => Promise.resolve()), ['--help'], 0, []],
  ])('%s', async (_, run, argv, code, err) => {
    expect(await ran(run, argv)).toMatchObject({ code, err })
  })

  test('of a bug is none: it is thrown', async () => {
    await expect(ran(fails(new BugError('oops')), [])).rejects.toThrow('oops')
    await expect(ran(fails(new TypeError('oops')), [])).rejects.toThrow('oops')
  })
})
