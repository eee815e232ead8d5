import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest'
import { fileThatSets, loadConfig, option } from '../../src/config/index.ts'
import { ConfigError } from '../../src/errors.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'df-config-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

function written(texts: readonly string[]): string[] {
  return texts.map((text, index) => {
    const path = join(folder, `${index}.conf`)
    writeFileSync(path, text)
    return path
  })
}

const sections = {
  DEFAULT: {
    host: option.string({ compute: () => 'node-1', shown: 'the name' }, ''),
    dns_domain: option.string('openstacklocal', ''),
    both: option.string('neither', ''),
  },
  df: {
    text: option.string('t', ''),
    both: option.string('neither', ''),
    flag: option.boolean(true, ''),
    number: option.integer({ default: 5, min: 1, max: 511, unit: 'packets' }, ''),
    items: option.list(['p', `\${host}-q`], ''),
    mode: option.choice(['slow', 'fast'], 'slow', '', { warp: 'the warp drive is not built yet' }),
  },
}

const load = (...texts: string[]) => loadConfig({ files: written(texts), sections })
const refusal = (...texts: string[]): string => {
  try {
    load(...texts)
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError)
    return (error as Error).message.replaceAll(`${folder}/`, '')
  }
  throw new Error('nothing was refused')
}

interface Vector {
  readonly name: string
  readonly files: readonly string[]
  readonly values?: unknown
}
const vectors: Vector[] = JSON.parse(
  readFileSync(join(import.meta.dirname, '../vectors/config/oslo.json'), 'utf8'),
)

describe('as oslo.config', () => {
  test.each(vectors)('$name', ({ files, values }) => {
    if (values === undefined) expect(() => load(...files)).toThrow(ConfigError)
    else expect(load(...files).values).toEqual(values)
  })
})

describe('refused in one line', () => {
  test.each([
    ['[df]\nnumber = 512', "0.conf:2: [df] number = '512': expected a whole number from 1 to 511 (packets)"],
    ['[df]\nnumber =', "0.conf:2: [df] number = '': expected a whole number from 1 to 511 (packets)"],
    [
      '[df]\n\nflag = maybe',
      "0.conf:3: [df] flag = 'maybe': expected true or false (also yes/no, on/off, 1/0)",
    ],
    [
      '[df]\nflag = constructor',
      "0.conf:2: [df] flag = 'constructor': expected true or false (also yes/no, on/off, 1/0)",
    ],
    ['[df]\nmode = a\n b', "0.conf:2: [df] mode = 'a\\nb': expected slow or fast"],
    ['[df]\nmode = warp', "0.conf:2: [df] mode = 'warp': the warp drive is not built yet"],
    [
      '[df]\ntext = a$nothing',
      `0.conf:2: [df] text = 'a$nothing': there is no option nothing; write $$ for a dollar sign, or \${name}text`,
    ],
    ['[df]\ntext = $text', "0.conf:2: [df] text = '$text': $text refers back to itself; write a value"],
    ['text = a', '0.conf:1: option text stands before the first section; write [DEFAULT] above it'],
    ['[df]\ntext', "0.conf:2: 'text' is no option; write name = value, or # before a comment"],
    ['[df] # x', "0.conf:1: '[df] # x' is no section; write [name] and nothing else on the line"],
    ['[df]\n text = a', "0.conf:2: 'text = a' is indented but continues no option; remove the indentation"],
  ])('%j', (text, message) => {
    expect(refusal(text)).toBe(message)
  })

  test('names the file that the wrong value stands in', () => {
    expect(refusal('[df]\nnumber = 7', '[df]\nnumber = x')).toMatch(/^1\.conf:2: /)
  })

  test('a wrong value that a later file overrides is not refused', () => {
    expect(load('[df]\nnumber = x', '[df]\nnumber = 7').values.df.number).toBe(7)
  })
})

describe('files', () => {
  test.each([
    ['missing.conf', () => {}, 'no such file'],
    ['folder.conf', (path: string) => mkdirSync(path), 'is a directory'],
    [
      'binary.conf',
      (path: string) => writeFileSync(path, Buffer.from([0x5b, 0xff, 0x5d])),
      'is not UTF-8 text',
    ],
  ])('%s', (name, prepare, why) => {
    const path = join(folder, name)
    prepare(path)
    expect(() => loadConfig({ files: [path], sections })).toThrow(
      new ConfigError(`configuration file ${path}: ${why}; check --config-file`),
    )
  })

  test('none at all gives the defaults', () => {
    expect(load().values).toEqual({
      DEFAULT: { host: 'node-1', dns_domain: 'openstacklocal', both: 'neither' },
      df: { text: 't', both: 'neither', flag: true, number: 5, items: ['p', 'node-1-q'], mode: 'slow' },
    })
  })

  test('a byte order mark does not count', () => {
    expect(load('\ufeff[df]\ntext = a').values.df.text).toBe('a')
  })
})

test('a reference finds the options of others, which oslo.config would have registered', () => {
  const neutron = '[DEFAULT]\nstate_path = /var/lib/neutron\n[df]\ntext = $state_path/x\n'
  expect(load(neutron).values.df.text).toBe('/var/lib/neutron/x')
})

test('a reference to a default is the text that a file would say', () => {
  const own = {
    df: {
      listen: option.hostPort({ host: '::1', port: 1 }, ''),
      flag: option.boolean(true, ''),
      text: option.string('$listen $flag', ''),
    },
  }
  expect(loadConfig({ files: [], sections: own }).values.df.text).toBe('[::1]:1 true')
})

describe('warnings', () => {
  test.each<[string, string[]]>([
    ['[df]\nnumbr = 7', ['0.conf:2: [df] numbr is not an option here and is ignored; did you mean number?']],
    ['[df]\nitmes = 7', ['0.conf:2: [df] itmes is not an option here and is ignored; did you mean items?']],
    ['[df]\nText = 7', ['0.conf:2: [df] Text is not an option here and is ignored; did you mean text?']],
    ['[df]\npub_sub_driver = x', ['0.conf:2: [df] pub_sub_driver is not an option here and is ignored']],
    ['[DF]\npub_sub_driver = x', ['0.conf:2: [df] pub_sub_driver is not an option here and is ignored']],
    ['[DEFAULT]\nbind_port = 9696', []],
    [
      '[DEFAULT]\ndns-domian = x',
      ['0.conf:2: [DEFAULT] dns-domian is not an option here and is ignored; did you mean dns_domain?'],
    ],
    ['[ml2]\nnumbr = 7', []],
  ])('%j', (text, expected) => {
    expect(load(text).warnings.map((line) => line.replace(`${folder}/`, ''))).toEqual(expected)
  })
})

test('values are typed as they are declared', () => {
  const { DEFAULT, df } = load().values
  expectTypeOf(DEFAULT.host).toEqualTypeOf<string>()
  expectTypeOf(df.flag).toEqualTypeOf<boolean>()
  expectTypeOf(df.number).toEqualTypeOf<number>()
  expectTypeOf(df.items).toEqualTypeOf<readonly string[]>()
  expectTypeOf(df.mode).toEqualTypeOf<'slow' | 'fast'>()
})

describe('the file that sets an option', () => {
  test('is the last one that names it', () => {
    const files = written(['[df]\ntext = a\nflag = no\n', '[df]\ntext = b\n', '[other]\ntext = c\n'])
    expect(fileThatSets(files, 'df', 'flag')).toBe(files[0])
    expect(fileThatSets(files, 'df', 'text')).toBe(files[1])
    expect(fileThatSets(files, 'df', 'number')).toBeUndefined()
  })
})
