import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { applications } from '../../src/app/index.ts'
import {
  controllerSections,
  fixed,
  loadConfig,
  option,
  type Sections,
  sampleOf,
} from '../../src/config/index.ts'

const fixture = {
  DEFAULT: {
    host: fixed(option.string({ compute: () => 'node-1', shown: 'the name of this machine' }, 'Who.')),
    domain: option.string('', 'Empty.'),
  },
  empty: {},
  df: {
    text: option.string(
      'a # b; c = d',
      'A text whose help is so long that it needs more than one line, which is broken between two words and not inside of one.',
    ),
    quotes: option.string('"a"', 'A pair of quotes.'),
    quote: option.string("'", 'One quote.'),
    apostrophe: option.string("it's", 'Quotes inside.'),
    blanks: option.string('  a ', 'Blanks at both ends.'),
    reference: option.string(`\${df.text} on $host, $$5`, 'References.'),
    flag: option.boolean(true, 'Yes or no.'),
    number: option.integer({ default: 5, min: 1, max: 511, unit: 'packets' }, 'How many.'),
    items: option.list(['p', '$host'], 'Some.'),
    none: option.list([], 'None.'),
    mode: option.choice(['slow', 'fast', 'warp'], 'slow', 'How fast.'),
    listen: option.hostPort({ host: '::1', port: 9476 }, 'Where.'),
  },
} satisfies Sections

const uncommented = (text: string) => text.replaceAll(/^#(?! )/gm, '')

function load(text: string, sections: Sections) {
  const folder = mkdtempSync(join(tmpdir(), 'df-sample-'))
  const file = join(folder, 'df.conf')
  try {
    writeFileSync(file, text)
    return loadConfig({ files: [file], sections })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const ofEverybody: Sections = {
  ...controllerSections,
  ...Object.fromEntries(applications.map(({ section, options }) => [section, options])),
}

describe.each([
  ['the fixture', fixture],
  ['the controller and its applications', ofEverybody],
])('%s', (_name, sections: Sections) => {
  const defaults = loadConfig({ files: [], sections })

  test('is the defaults as it is printed', () => {
    expect(load(sampleOf(sections), sections)).toEqual(defaults)
  })

  test('is the defaults with every option uncommented', () => {
    expect(load(uncommented(sampleOf(sections)), sections)).toEqual(defaults)
  })

  test('names every option once', () => {
    const names = [...sampleOf(sections).matchAll(/^#(\w+) =/gm)].map((match) => match[1])
    expect(names).toEqual(Object.values(sections).flatMap((table) => Object.keys(table)))
  })

  test('keeps within 80 columns, values and long words apart', () => {
    const lines = sampleOf(sections).split('\n')
    expect(lines.filter((line) => line.length > 80 && /^# \S+ /.test(line))).toEqual([])
  })
})

test('real oslo.config reads the same from it', () => {
  const path = join(import.meta.dirname, '../vectors/config/sample.json')
  const { sample, values } = JSON.parse(readFileSync(path, 'utf8')) as { sample: string; values: unknown }
  expect(uncommented(sampleOf(fixture))).toBe(sample)
  const own = load(sample, fixture).values as Record<string, Record<string, unknown>>
  expect({ ...own, df: { ...own.df, listen: '[::1]:9476' }, empty: undefined }).toEqual(values)
})

test('an option as it is printed', () => {
  const { df } = fixture
  expect(sampleOf({ df: { text: df.text, number: df.number } })).toBe(`[df]

# A text whose help is so long that it needs more than one line, which is
# broken between two words and not inside of one.
# Type: a text
# A change is taken over at SIGHUP.
#text = a # b; c = d

# How many.
# Type: a whole number from 1 to 511 (packets)
# A change is taken over at SIGHUP.
#number = 5
`)
  expect(sampleOf({ DEFAULT: fixture.DEFAULT })).toBe(`[DEFAULT]

# Who.
# Type: a text
# Default: the name of this machine
# A change needs a restart.
#host = node-1

# Empty.
# Type: a text
# A change is taken over at SIGHUP.
#domain =
`)
})
