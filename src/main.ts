#!/usr/bin/env node
/**
 * `df-local-controller`: arguments, configuration, rooms, signals. The only file that knows everybody; what is decided
 * here is who is given what, and with which code the process ends: 0 after SIGTERM or SIGINT, 2 for a mistake that a
 * person can mend, which is told in one line.
 */

import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { App } from './app/app.ts'
import { applications, builtIn, notPorted } from './app/index.ts'
import { type Config, controllerSections, fileThatSets, loadConfig, type Sections } from './config/index.ts'
import { type Catalogue, chosenApplications, namesOf, startApplications } from './controller/apps.ts'
import { listenForControl } from './controller/control.ts'
import { type Controller, startController } from './controller/controller.ts'
import { findApplications, hostedApplications } from './controller/foreign.ts'
import { listenForHealth } from './controller/health.ts'
import { ConfigError, NorthboundError, reasonOf } from './errors.ts'
import { createLogger, type Logger } from './log.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { openNbDriver } from './nb/index.ts'
import { systemClock } from './openflow/index.ts'
import { connectOvsdb } from './ovsdb/index.ts'

const usage = `Usage: df-local-controller [--config-file FILE]...

The Dragonflow local controller of one compute node.

  --config-file FILE  a configuration file; may be given more than once, later ones override earlier ones
  --version           print the version and exit
  --help              print this and exit
`

type Values = Config<typeof controllerSections>['values']

async function run(args: readonly string[]): Promise<void> {
  const order = orderOf(args)
  if (order.kind === 'print') {
    process.stdout.write(order.text)
    return
  }
  const stopped = signalled()
  const catalogue = await catalogueOf(order.files)
  const declared = [...catalogue.applications, ...catalogue.foreign.values()]
  const ofApplications = declared.map(({ section, options }) => [section, options])
  const sections: Sections & typeof controllerSections = {
    ...Object.fromEntries(ofApplications),
    ...controllerSections,
  }
  const { values, warnings } = loadConfig({ files: order.files, sections })
  const { DEFAULT, df } = values
  const log = createLogger(DEFAULT.log_level)
  for (const warning of warnings) log.warn(warning)
  const metrics = createMetrics()
  const chosen = chosenApplications(df.apps_list, catalogue, log)
  const common = { dnsDomain: DEFAULT.dns_domain }
  const apps = startApplications(chosen, (section) => values[section]!, {
    log,
    metrics,
    common,
    now: systemClock.now,
  })
  log.info({ host: DEFAULT.host, apps: apps.map(({ name }) => name) }, 'starting')
  const closers: (() => Promise<void>)[] = []
  const closeAll = async () => {
    for (const close of closers.toReversed()) await close()
  }
  try {
    await start(values, apps, { log, metrics, closers })
  } catch (error) {
    await closeAll()
    throw error
  }
  log.info({ signal: await stopped }, 'stopping')
  await closeAll()
  log.info('stopped')
}

/** Every application that there is, with those from outside that the files name. Throws `ConfigError`. */
async function catalogueOf(files: readonly string[]): Promise<Required<Catalogue>> {
  const own: Catalogue = { applications, builtIn, notPorted }
  const taken = namesOf(own)
  const { df } = loadConfig({ files, sections: controllerSections }).values
  const entries = df.apps_list.filter((name) => !taken.includes(name))
  const directory = dirname(resolve(fileThatSets(files, 'df', 'apps_list') ?? '.'))
  const found = await findApplications(entries, directory)
  return { ...own, foreign: hostedApplications(found, taken) }
}

/** Starts everything; `closers` is told how to end what has been started so far. */
async function start(
  { DEFAULT, df, df_openflow }: Values,
  apps: readonly App[],
  { log, metrics, closers }: { log: Logger; metrics: Metrics; closers: (() => Promise<void>)[] },
): Promise<void> {
  let controller: Controller | undefined
  const status = () => controller?.status() ?? { ready: false, reasons: ['starting'], pid: process.pid }
  const control = await listenForControl(join(DEFAULT.run_dir, 'control.sock'), { status })
  closers.push(control.close)
  const health = await listenForHealth(df.metrics_listen, { metrics, reasons: () => status().reasons })
  closers.push(health.close)
  const store = await openNbDriver(df)
  closers.push(() => store.close())
  const ovsdb = connectOvsdb({ target: df.ovsdb_connection, bridge: df.integration_bridge, log })
  closers.push(async () => ovsdb.close())
  controller = await startController({
    host: DEFAULT.host,
    apps,
    northbound: store.watch(),
    ovsdb,
    settings: {
      controllerTarget: df_openflow.listen,
      failMode: 'secure',
      protocols: ['OpenFlow13'],
      disableInBand: true,
      controllerQueueSize: df_openflow.controller_queue_size,
      maxBackoffMs: 1000,
      inactivityProbeMs: df_openflow.inactivity_probe,
    },
    clock: systemClock,
    log,
    metrics,
  })
  closers.push(controller.stop)
}

type Order =
  | { readonly kind: 'print'; readonly text: string }
  | { readonly kind: 'run'; readonly files: readonly string[] }

/** What the arguments ask for. Throws `ConfigError`. */
function orderOf(args: readonly string[]): Order {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        'config-file': { type: 'string', multiple: true, default: [] },
        version: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
    if (values.help) return { kind: 'print', text: usage }
    if (values.version) return { kind: 'print', text: `${versionOfPackage()}\n` }
    return { kind: 'run', files: values['config-file'] }
  } catch (error) {
    throw new ConfigError(`${reasonOf(error).split('. ')[0]}; see df-local-controller --help`)
  }
}

function versionOfPackage(): string {
  const text = readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

/** Resolves with the name of the signal that asks for the end. A second one ends the process at once. */
function signalled(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, resolve)
  })
}

run(process.argv.slice(2)).then(
  () => process.exit(0),
  (error: unknown) => {
    if (!(error instanceof ConfigError || error instanceof NorthboundError)) throw error
    process.stderr.write(`df-local-controller: ${reasonOf(error).replaceAll('\n', ' ')}\n`)
    process.exit(2)
  },
)
