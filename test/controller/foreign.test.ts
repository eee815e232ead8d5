import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AppHost } from '../../src/app/app.ts'
import type { ForeignApplication } from '../../src/app/foreign.ts'
import { type Found, findApplications, hostedApplications } from '../../src/controller/foreign.ts'
import { ConfigError } from '../../src/errors.ts'
import { silentLogger } from '../../src/log.ts'
import { createMetrics } from '../../src/metrics.ts'
import { formatFlow } from '../../src/openflow/index.ts'
import { twoTenants } from '../support/view.ts'

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'df-foreign-'))
  mkdirSync(join(directory, 'apps'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const good = `export const application = {
  name: 'mine', tables: { mine: { after: 'services' } }, options: {},
  factory: (options, { flow }) => ({ onFailure: 'pass', flows: () => [flow('mine', 1, {}, [])] }),
}`

let files = 0
/** Each file has a name of its own: a module is read once in the life of a process. */
function fileOf(text: string): string {
  files += 1
  writeFileSync(join(directory, 'apps', `${files}.mjs`), text)
  return `./apps/${files}.mjs`
}

describe('apps_list', () => {
  test('finds a path from the directory of the configuration on, an absolute one, and one named twice once', async () => {
    const entry = fileOf(good)
    const absolute = join(directory, 'apps', `${files}.mjs`)
    const found = await findApplications([entry, absolute, entry], directory)
    expect(found.map(({ entry: each, application }) => [each, application.name])).toEqual([
      [entry, 'mine'],
      [absolute, 'mine'],
    ])
  })

  test.each([['classifire'], ['no-such-package'], ['@no/such'], ['not a name']])(
    'leaves %s to others',
    async (entry) => {
      expect(await findApplications([entry], directory)).toEqual([])
    },
  )

  test('finds a package; one that is no application says so', async () => {
    await expect(findApplications(['yaml'], directory)).rejects.toThrow(
      'apps_list: yaml: exports no object named application (docs/writing-an-app.md)',
    )
  })

  test('names a file that is not there', async () => {
    await expect(findApplications(['./apps/none.js'], directory)).rejects.toThrow(
      `apps_list: ./apps/none.js: there is no file ${join(directory, 'apps/none.js')}`,
    )
  })

  test.each([
    ['no JavaScript', 'export const application = {', 'cannot be loaded: '],
    ['that throws', "throw new Error('at once')", 'cannot be loaded: at once'],
    ['that misses a package', "import 'no-such-package'", 'cannot be loaded: Cannot find package'],
    ['without the export', 'export const app = {}', 'exports no object named application'],
    ['with another thing', 'export const application = []', 'exports no object named application'],
    [
      'without a name',
      'export const application = {}',
      "the application's name is undefined; use lower case",
    ],
    [
      'with a bad name',
      "export const application = { name: 'My-App' }",
      'the application\'s name is "My-App"; use lower case',
    ],
    ['without a factory', "export const application = { name: 'a' }", 'the application a has no factory'],
    [
      'without tables',
      good.replace(/tables: .*options/, 'options'),
      'the application mine has no tables; write tables: {} for none',
    ],
    [
      'without options',
      good.replace('options: {},', ''),
      'the application mine has no options; write options: {} for none',
    ],
    [
      'at a table that lends nothing',
      good.replace('services', 'arp'),
      'table mine has no valid after; use services or',
    ],
    ['at a property of every object', good.replace('services', 'toString'), 'table mine has no valid after'],
    [
      'with a table without a place',
      good.replace("{ after: 'services' }", '{}'),
      'table mine has no valid after',
    ],
    [
      'with a canPunt that is no boolean',
      good.replace("'services'", "'services', canPunt: 1"),
      'table mine has a canPunt that is not true or false',
    ],
    [
      'that wants packets where nobody knows whose they are',
      good.replace("'services'", "'ingressConntrack', canPunt: true"),
      'table mine cannot punt after ingressConntrack; only after services',
    ],
    [
      'with a home-made option',
      good.replace('options: {}', 'options: { x: 3 }'),
      'option x is not made by option.string',
    ],
  ])('names a file %s', async (_name, text, message) => {
    const entry = fileOf(text)
    const finding = findApplications([entry], directory)
    await expect(finding).rejects.toThrow(`apps_list: ${entry}: ${message}`)
    await expect(finding).rejects.toThrow(ConfigError)
  })
})

const applicationOf = (name: string, more: Partial<ForeignApplication> = {}): ForeignApplication => ({
  name,
  tables: { [name]: { after: 'services' } },
  options: {},
  factory: (_options, { flow }) => ({ onFailure: 'pass', flows: () => [flow(name, 1, {}, [])] }),
  ...more,
})
const foundOf = (name: string, more: Partial<ForeignApplication> = {}): Found => ({
  entry: `./${name}.js`,
  application: applicationOf(name, more),
})
const hostOf = (): AppHost => ({
  log: silentLogger,
  metrics: createMetrics(),
  common: { dnsDomain: '', leaseSeconds: 86_400, localIp: '', tunnelTypes: [] },
  now: () => 0,
})

describe('an application from outside', () => {
  test('has a section, and tables after those of the applications before it', () => {
    const hosted = [...hostedApplications([foundOf('one'), foundOf('two')], ['dns']).values()]
    expect(hosted.map(({ name, section }) => [name, section])).toEqual([
      ['one', 'df_one_app'],
      ['two', 'df_two_app'],
    ])
    const flows = hosted.map((each) => [...each.factory({}, hostOf()).flows(twoTenants())].map(formatFlow))
    expect(flows).toEqual([
      ['table=201, priority=0 actions=resubmit(,55)', 'table=201, priority=1 actions=drop'],
      ['table=202, priority=0 actions=resubmit(,55)', 'table=202, priority=1 actions=drop'],
    ])
  })

  test.each([
    ['built in', [foundOf('dns')], './dns.js: the name dns is a name of Dragonflow; rename the application'],
    [
      'of another one',
      [foundOf('one'), { ...foundOf('one'), entry: './copy.js' }],
      './copy.js: the name one is a name of ./one.js',
    ],
  ])('may not have a name that is %s', (_name, found, message) => {
    expect(() => hostedApplications(found, ['dns', 'sg'])).toThrow(`apps_list: ${message}`)
  })

  const failing = () => {
    throw new Error('df_one_size is odd')
  }
  test.each<[string, unknown, string]>([
    ['throws', failing, 'failed: df_one_size is odd'],
    ['returns nothing', () => {}, 'made no application: it returned no object'],
    ['returns a promise', async () => failing(), 'made no application: it returned a promise'],
    ['makes no flows', () => ({ onFailure: 'pass' }), 'made no application: flows is not a function'],
    [
      'says nothing of failures',
      () => ({ flows: () => [] }),
      "made no application: onFailure is neither 'pass' nor 'drop'",
    ],
  ])('whose factory %s is an error that names it', (_name, factory, message) => {
    const [hosted] = [...hostedApplications([foundOf('one', { factory: factory as never })], []).values()]
    const make = () => hosted!.factory({}, hostOf())
    expect(make).toThrow(`apps_list: ./one.js: its factory ${message}`)
    expect(make).toThrow(ConfigError)
  })

  test('that declares canPunt needs a packetIn', () => {
    const tables = { one: { after: 'services', canPunt: true } } as const
    const [hosted] = [...hostedApplications([foundOf('one', { tables })], []).values()]
    expect(() => hosted!.factory({}, hostOf())).toThrow('packetIn is not a function, but a table is declared')
  })
})
