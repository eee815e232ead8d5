/**
 * `df-local-controller`: arguments, configuration, rooms, signals. The only file that knows everybody; what is decided
 * here is who is given what, and what SIGHUP changes.
 */

import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { isDeepStrictEqual, parseArgs } from 'node:util'
import type { App, AppHost, Application } from './app/app.ts'
import { applications, builtIn, notPorted } from './app/index.ts'
import {
  type Config,
  type ConfigSource,
  configFilesOf,
  controllerSections,
  createReload,
  fileThatSets,
  loadConfig,
  type Sections,
  sampleOf,
} from './config/index.ts'
import { type Catalogue, chosenApplications, namesOf, startApplications } from './controller/apps.ts'
import { listenForControl, type Method } from './controller/control.ts'
import { type Controller, startController } from './controller/controller.ts'
import { findApplications, hostedApplications } from './controller/foreign.ts'
import { listenForHealth } from './controller/health.ts'
import { createNotifier } from './controller/notify.ts'
import { type ChassisWish, createRegistration } from './controller/registration.ts'
import { supervise } from './controller/supervision.ts'
import { exposeProcess } from './controller/vitals.ts'
import { ConfigError, reasonOf } from './errors.ts'
import { collectGarbage, stayAsSmall } from './heap.ts'
import { createLogger, type RootLogger } from './log.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { openNbDriver } from './nb/index.ts'
import { systemClock } from './openflow/index.ts'
import { connectOvsdb } from './ovsdb/index.ts'

const usage = `Usage: df-local-controller [--config-file FILE]... [--config-dir DIR]...

The Dragonflow local controller of one compute node. SIGHUP makes it read its configuration again.

  --config-file FILE  a configuration file; without one, /etc/dragonflow/df.conf if it exists
  --config-dir DIR    every *.conf of a directory, in the order of their names
                      Both may be repeated; later ones override earlier ones.
  --sample-config     print a configuration file with every option, commented out, and exit
  --version           print the version and exit
  --help              print this and exit
`

type AllSections = Sections & typeof controllerSections
type Values = Config<AllSections>['values']

/** Resolves after SIGTERM or SIGINT. Throws `ConfigError` and `NorthboundError` for what a person can mend. */
export async function run(args: readonly string[]): Promise<void> {
  const order = orderOf(args)
  if (order.kind === 'print') {
    process.stdout.write(order.text)
    return
  }
  const stopped = signalled()
  const onHangup = hangups()
  const catalogue = await catalogueOf(configFilesOf(order.sources))
  const sections = sectionsOf(catalogue)
  if (order.kind === 'sample') {
    process.stdout.write(sampleOf(sections))
    return
  }
  const read = () => loadConfig({ files: configFilesOf(order.sources), sections })
  const { values, warnings } = read()
  const log = createLogger(values.DEFAULT.log_level)
  for (const warning of warnings) log.warn(warning)
  const metrics = createMetrics()
  const chosen = chosenApplications(values.df.apps_list, catalogue, log)
  const makeApps = (applications: readonly Application[], from: Values) => {
    const host = { log, metrics, common: commonOf(from), now: systemClock.now }
    return startApplications(applications, (section) => from[section]!, host)
  }
  let apps = makeApps(chosen, values)
  log.info({ host: values.DEFAULT.host, apps: apps.map(({ name }) => name) }, 'starting')
  const closers: (() => Promise<void>)[] = []
  const closeAll = async () => {
    for (const close of closers.toReversed()) await close()
  }
  try {
    const controller = await start(values, apps, { log, metrics, closers })
    const reasons = () => controller.status().reasons
    const notifier = createNotifier(process.env, { clock: systemClock, log })
    const supervision = supervise(notifier, { reasons, provenAt: controller.provenAt }, systemClock)
    closers.push(async () => supervision.stopping())
    const apply = async (next: Values, before: Values) => {
      const stale = staleApplications(chosen, next, before)
      const made = makeApps(stale, next)
      const renewed = apps.map((app) => made.find(({ name }) => name === app.name) ?? app)
      await controller.setApps(renewed)
      apps = renewed
      if (next.DEFAULT.log_level !== before.DEFAULT.log_level) log.setLevel(next.DEFAULT.log_level)
    }
    const reload = createReload({ sections, values, read, apply, log })
    onHangup(() => supervision.reload(reload))
  } catch (error) {
    await closeAll()
    throw error
  }
  log.info({ signal: await stopped }, 'stopping')
  await closeAll()
  log.info('stopped')
}

/** What the configuration says for all applications. */
const commonOf = ({ DEFAULT, df }: Values): AppHost['common'] => ({
  dnsDomain: DEFAULT.dns_domain,
  leaseSeconds: DEFAULT.dhcp_lease_duration,
  localIp: df.local_ip,
  tunnelTypes: df.tunnel_types,
})

/** The applications that changed options concern. */
function staleApplications(
  chosen: readonly Application[],
  next: Values,
  before: Values,
): readonly Application[] {
  if (!isDeepStrictEqual(commonOf(next), commonOf(before))) return chosen
  return chosen.filter(({ section }) => next[section] !== before[section])
}

/** The options of the controller and of every application that there is. */
function sectionsOf({ applications: own, foreign }: Required<Catalogue>): AllSections {
  const ofApplications = [...own, ...foreign.values()].map(({ section, options }) => [section, options])
  return { ...controllerSections, ...Object.fromEntries(ofApplications) }
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
  { log, metrics, closers }: { log: RootLogger; metrics: Metrics; closers: (() => Promise<void>)[] },
): Promise<Controller> {
  let controller: Controller | undefined
  const status = () => controller?.status() ?? { ready: false, reasons: ['starting'], pid: process.pid }
  const control = await listenForControl(join(DEFAULT.run_dir, 'control.sock'), {
    status,
    metrics: async () => ({ text: await metrics.text() }),
    log_level: ({ level }) => logLevel(log, level),
    ...inspectionsOf(apps, () => controller),
  })
  closers.push(control.close)
  const endProcessWatch = exposeProcess(metrics)
  closers.push(async () => endProcessWatch())
  const health = await listenForHealth(df.metrics_listen, { metrics, reasons: () => status().reasons })
  closers.push(health.close)
  const store = await openNbDriver(df)
  closers.push(() => store.close())
  const ovsdb = connectOvsdb({ target: df.ovsdb_connection, bridge: df.integration_bridge, log })
  closers.push(async () => ovsdb.close())
  const wish = chassisWish(df, apps)
  controller = await startController({
    host: DEFAULT.host,
    apps,
    northbound: store.watch(),
    registration: wish && createRegistration({ host: DEFAULT.host, wish, store, clock: systemClock, log }),
    ovsdb,
    settings: {
      controllerTarget: df_openflow.listen,
      failMode: 'secure',
      protocols: ['OpenFlow13'],
      disableInBand: true,
      controllerQueueSize: df_openflow.controller_queue_size,
      controllerRateLimit: df_openflow.controller_rate_limit,
      controllerBurstLimit: df_openflow.controller_burst_limit,
      maxBackoffMs: 1000,
      inactivityProbeMs: df_openflow.inactivity_probe,
    },
    clock: systemClock,
    log,
    metrics,
    async settle() {
      await collectGarbage()
      stayAsSmall()
    },
  })
  closers.push(controller.stop)
  return controller
}

/** What the row of this node shall say; nothing without an address, and no tunnels if no application asks for them. */
function chassisWish(
  { local_ip: ip, external_host_ip }: Values['df'],
  apps: readonly App[],
): ChassisWish | undefined {
  if (ip === '') return undefined
  const tunnel_types = apps.flatMap(({ tunnels }) => tunnels?.types ?? [])
  return { ip, tunnel_types, ...(external_host_ip !== '' && { external_host_ip }) }
}

/** Changes how much is written until the next start or until the option changes, and tells it. Throws `ConfigError`. */
function logLevel(log: RootLogger, asked: unknown): { readonly level: string } {
  if (asked !== undefined) {
    const { parse, expects } = controllerSections.DEFAULT.log_level
    const level = parse(String(asked))
    if (level === undefined) throw new ConfigError(`level '${asked}': expected ${expects}`)
    log.setLevel(level)
  }
  return { level: log.level }
}

/** What people may ask the applications, as methods of the control socket. */
function inspectionsOf(
  apps: readonly App[],
  controller: () => Controller | undefined,
): Readonly<Record<string, Method>> {
  const asked = (app: string, inspection: string): Method => {
    return (request) => {
      const asking = controller()
      if (asking === undefined) throw new ConfigError('the controller is starting: try again in a second')
      return asking.inspect(app, inspection, request)
    }
  }
  const names = apps.flatMap(({ name, inspect = {} }) =>
    Object.keys(inspect).map((one) => [name, one] as const),
  )
  return Object.fromEntries(names.map(([app, one]) => [`${app}.${one}`, asked(app, one)]))
}

type Order =
  | { readonly kind: 'print'; readonly text: string }
  | { readonly kind: 'sample' | 'run'; readonly sources: readonly ConfigSource[] }

/** What the arguments ask for. Throws `ConfigError`. */
function orderOf(args: readonly string[]): Order {
  try {
    const { values, tokens } = parseArgs({
      args: [...args],
      tokens: true,
      options: {
        'config-file': { type: 'string', multiple: true },
        'config-dir': { type: 'string', multiple: true },
        'sample-config': { type: 'boolean' },
        version: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
    if (values.help) return { kind: 'print', text: usage }
    if (values.version) return { kind: 'print', text: `${versionOfPackage()}\n` }
    const kinds: Readonly<Record<string, ConfigSource['kind']>> = {
      'config-file': 'file',
      'config-dir': 'directory',
    }
    const sources = tokens.flatMap((token): ConfigSource[] => {
      const kind = token.kind === 'option' ? kinds[token.name] : undefined
      return kind === undefined ? [] : [{ kind, path: (token as { value: string }).value }]
    })
    return { kind: values['sample-config'] ? 'sample' : 'run', sources }
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

/**
 * Keeps SIGHUP from ending the process. The function that it returns has every one answered from then on, and at once if
 * there was one before.
 */
function hangups(): (answer: () => void) => void {
  let isWaiting = false
  let answer = () => {
    isWaiting = true
  }
  process.on('SIGHUP', () => answer())
  return (next) => {
    answer = next
    if (isWaiting) next()
  }
}
