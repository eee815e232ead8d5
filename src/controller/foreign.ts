/**
 * Applications from outside: finds the files and packages that `apps_list` names, looks whether what they export is an
 * application, gives their tables numbers, and makes of each one an application like those built in, behind a fence. It
 * knows the contract in `app/foreign.ts` and nobody who keeps it.
 */

import { existsSync } from 'node:fs'
import { isAbsolute, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { App, AppHost, Application } from '../app/app.ts'
import { allotTables, type Extension, extensionPoints } from '../app/extension.ts'
import { foreignFlow, puntsOf } from '../app/extension-flow.ts'
import type { ForeignApp, ForeignApplication, ForeignHost } from '../app/foreign.ts'
import type { OptionTable } from '../config/index.ts'
import { ConfigError, reasonOf } from '../errors.ts'
import type { Flow } from '../openflow/index.ts'
import { fenced, fenceMetrics } from './fence.ts'
import { withinTime } from './time-limit.ts'

/** What an entry of `apps_list` led to. */
export interface Found {
  /** As it stands in `apps_list`. */
  readonly entry: string
  readonly application: ForeignApplication
}

const factoryMs = 5000

/**
 * Loads what those entries of `apps_list` name that are paths (from `directory` on) or packages installed where this
 * program is. An entry that is neither is left out: it is an unknown name. Throws `ConfigError` with the entry's name for
 * what cannot be loaded or is no application.
 */
export async function findApplications(entries: readonly string[], directory: string): Promise<Found[]> {
  const found: Found[] = []
  for (const entry of new Set(entries)) {
    const module = await moduleOf(entry, directory)
    if (module === undefined) continue
    const { application } = module
    const fault = faultOf(application)
    if (fault !== undefined) throw new ConfigError(`apps_list: ${entry}: ${fault} (docs/writing-an-app.md)`)
    found.push({ entry, application: application as ForeignApplication })
  }
  return found
}

/**
 * The applications as the host takes them, with tables of their own. Throws `ConfigError` for a name that is taken, by
 * one of `takenNames` or by another of them, and for a table that is.
 */
export function hostedApplications(
  found: readonly Found[],
  takenNames: readonly string[],
): Map<string, Application> {
  const owners = new Map(takenNames.map((name) => [name, 'Dragonflow']))
  for (const { entry, application } of found) {
    const owner = owners.get(application.name)
    if (owner !== undefined)
      throw new ConfigError(
        `apps_list: ${entry}: the name ${application.name} is a name of ${owner}; rename the application`,
      )
    owners.set(application.name, entry)
  }
  const extensions = allotTables(found.map(({ application }) => application))
  return new Map(found.map((each, index) => [each.entry, hosted(each, extensions[index]!)]))
}

function hosted({ entry, application }: Found, extension: Extension): Application {
  return {
    name: application.name,
    section: `df_${application.name}_app`,
    options: application.options,
    factory: (options, host) => made(entry, application, extension, options, host),
  }
}

function made(
  entry: string,
  application: ForeignApplication,
  extension: Extension,
  options: Readonly<Record<string, unknown>>,
  host: AppHost,
): App {
  const refuse = (why: string) => new ConfigError(`apps_list: ${entry}: its factory ${why}`)
  const checked = new WeakSet<Flow>()
  const lent: ForeignHost = {
    ...host,
    flow(table, priority, match, steps) {
      const flow = foreignFlow(extension, table, priority, match, steps)
      checked.add(flow)
      return flow
    },
  }
  let app: ForeignApp
  try {
    app = withinTime(factoryMs, () => application.factory(options, lent))
  } catch (error) {
    throw refuse(`failed: ${reasonOf(error)}`)
  }
  const fault = faultOfApp(app, puntsOf(extension).length > 0)
  if (fault !== undefined) throw refuse(`made no application: ${fault}`)
  const { now, log, metrics } = host
  return fenced({ app, extension, checked, now, log, metrics: fenceMetrics(metrics) })
}

/** What the file or the package exports; undefined if there is no such package. */
async function moduleOf(entry: string, directory: string): Promise<Record<string, unknown> | undefined> {
  const isPath = isAbsolute(entry) || /^\.\.?\//.test(entry)
  if (!isPath && !/^(@[\w.-]+\/)?[\w-][\w.-]*(\/[\w.-]+)*$/.test(entry)) return undefined
  const path = resolve(directory, entry)
  if (isPath && !existsSync(path)) throw new ConfigError(`apps_list: ${entry}: there is no file ${path}`)
  try {
    return (await import(isPath ? pathToFileURL(path).href : entry)) as Record<string, unknown>
  } catch (error) {
    if (!isPath && isMissing(error, entry)) return undefined
    throw new ConfigError(`apps_list: ${entry}: cannot be loaded: ${reasonOf(error)}`)
  }
}

function isMissing(error: unknown, name: string): boolean {
  const { code, message } = error as NodeJS.ErrnoException
  return code === 'ERR_MODULE_NOT_FOUND' && message.includes(`'${name}'`)
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Why that is no application, in words that follow "it"; undefined if it is one. */
function faultOf(value: unknown): string | undefined {
  if (!isObject(value)) return 'exports no object named application'
  const { name, tables, options, factory } = value
  if (typeof name !== 'string' || !/^[a-z][a-z0-9_]*$/.test(name))
    return `the application's name is ${JSON.stringify(name)}; use lower case letters, digits and _`
  if (typeof factory !== 'function') return `the application ${name} has no factory`
  if (!isObject(tables)) return `the application ${name} has no tables; write tables: {} for none`
  if (!isObject(options)) return `the application ${name} has no options; write options: {} for none`
  for (const [table, declared] of Object.entries(tables)) {
    const fault = faultOfTable(declared)
    if (fault !== undefined) return `table ${table} ${fault}`
  }
  return faultOfOptions(options)
}

function faultOfTable(declared: unknown): string | undefined {
  const points = Object.entries(extensionPoints)
  const point = isObject(declared) ? points.find(([name]) => name === declared.after) : undefined
  if (!isObject(declared) || point === undefined)
    return `has no valid after; use ${points.map(([name]) => name).join(' or ')}`
  const { canPunt } = declared
  if (canPunt !== undefined && typeof canPunt !== 'boolean') return 'has a canPunt that is not true or false'
  return canPunt && !point[1].canPunt ? `cannot punt after ${point[0]}; only after services` : undefined
}

function faultOfOptions(options: Readonly<Record<string, unknown>>): string | undefined {
  const bad = Object.entries(options as OptionTable).find(
    ([, declared]) =>
      !isObject(declared) || typeof declared.parse !== 'function' || typeof declared.format !== 'function',
  )
  return bad && `option ${bad[0]} is not made by option.string, option.integer and the like`
}

function faultOfApp(app: unknown, canPunt: boolean): string | undefined {
  if (!isObject(app)) return 'it returned no object'
  if (app instanceof Promise) {
    app.catch(() => {})
    return 'it returned a promise; it has to return at once'
  }
  const { flows, packetIn, onFailure } = app
  if (typeof flows !== 'function') return 'flows is not a function'
  if (canPunt && typeof packetIn !== 'function')
    return 'packetIn is not a function, but a table is declared with canPunt'
  if (onFailure !== 'pass' && onFailure !== 'drop') return "onFailure is neither 'pass' nor 'drop'"
  return undefined
}
