import { describe, expect, test } from 'vitest'
import type { AppHost, Application } from '../../src/app/app.ts'
import { chosenApplications, startApplications } from '../../src/controller/apps.ts'
import { ConfigError } from '../../src/errors.ts'
import { type Logger, silentLogger } from '../../src/log.ts'
import { createMetrics } from '../../src/metrics.ts'
import { appOf } from '../support/apps.ts'

const applicationOf = (name: string, factory: Application['factory'] = () => appOf(name)): Application => ({
  name,
  section: `df_${name}_app`,
  options: {},
  factory,
})

const available = ['classifier', 'portsec', 'l2', 'dns'].map((name) => applicationOf(name))
const catalogue = {
  applications: available,
  builtIn: ['portbinding'],
  notPorted: ['aging', 'dnat', 'trunk', 'sfc'],
}
const chosen = (names: string[], log: Logger = silentLogger) =>
  chosenApplications(names, catalogue, log).map(({ name }) => name)

describe('apps_list', () => {
  test.each([
    ['is a set: the order is ours', ['dns', 'l2', 'classifier'], ['classifier', 'l2', 'dns']],
    ['may name one twice', ['dns', 'dns'], ['dns']],
    ['may be empty', [], []],
    ['may name what is built in', ['portbinding', 'dns'], ['dns']],
    ['may name what is not ported', ['dnat', 'trunk', 'dns'], ['dns']],
  ])('%s', (_name, names, expected) => {
    expect(chosen(names)).toEqual(expected)
  })

  test('gives one warning for each name that is not ported, and none for the others', () => {
    const warned: unknown[] = []
    const log = { ...silentLogger, warn: (fields: unknown) => void warned.push(fields) } as unknown as Logger
    chosen(['portbinding', 'dnat', 'dns', 'sfc'], log)
    expect(warned).toEqual([{ app: 'dnat' }, { app: 'sfc' }])
  })

  test.each([
    ['clasifier', 'apps_list: there is no application "clasifier"; did you mean classifier?'],
    ['trunck', 'apps_list: there is no application "trunck"; did you mean trunk?'],
    ['dsn', 'apps_list: there is no application "dsn"; known are classifier, portsec, l2, dns, portbinding'],
    ['./my-app.js', /there is no application "\.\/my-app\.js"; known are/],
  ])('%s is an error that helps', (name, message) => {
    expect(() => chosen(['l2', name])).toThrow(message)
    expect(() => chosen(['l2', name])).toThrow(ConfigError)
  })
})

test('each application is made with the options of its section and its own log', () => {
  const made: unknown[] = []
  const log = { ...silentLogger, child: (fields: unknown) => fields } as unknown as Logger
  const application = applicationOf('dns', (options, host) => {
    made.push(options, host.log)
    return appOf('dns')
  })
  const host = { log, metrics: createMetrics(), now: () => 0 } as unknown as AppHost
  const apps = startApplications([application], (section) => ({ from: section }), host)
  expect(apps.map(({ name }) => name)).toEqual(['dns'])
  expect(made).toEqual([{ from: 'df_dns_app' }, { app: 'dns' }])
})
