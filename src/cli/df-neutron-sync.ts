#!/usr/bin/env node
/**
 * `df-neutron-sync`: keeps the northbound store what Neutron says (docs/neutron.md). It reads the command line and the
 * configuration and joins the rooms; what is read and written, src/neutron knows. Exit code: 0, 2 for what a person must
 * mend, which is told in one line.
 */

import {
  type ConfigSource,
  configFilesOf,
  controllerSections,
  loadConfig,
  sampleOf,
} from '../config/index.ts'
import { listenForHealth } from '../controller/health.ts'
import { NorthboundError, reasonOf } from '../errors.ts'
import { growSlowly } from '../heap.ts'
import { createLogger, type Logger } from '../log.ts'
import { createMetrics } from '../metrics.ts'
import { feedTable, type NbDriver, openNbDriver } from '../nb/index.ts'
import {
  createFeed,
  createSync,
  identityOf,
  listen,
  neutronApi,
  type Outcome,
  openHttp,
  syncMetrics,
  syncOptions,
} from '../neutron/index.ts'
import { newsBetween, newsLine } from './df-db-watch.ts'
import { exitCodeOf, type Io, interruption, programOf, runIfMain } from './output.ts'

interface Options {
  readonly once?: boolean
  readonly dryRun?: boolean
  readonly acceptEmpty?: boolean
  readonly sampleConfig?: boolean
}

const sections = { ...controllerSections, df_neutron_sync: syncOptions }
type Values = ReturnType<typeof loadConfig<typeof sections>>['values']

/** How long `--once` waits for a feed that is at work, in ms: the time of a process that is just ending. */
const patienceMs = 12_000

/** The first pause before a request to Neutron is repeated, in ms. */
const retryPauseMs = 500

/**
 * Runs the command on the arguments after its name; resolves to the exit code. Without `--once` and `--dry-run` it works
 * until `ended` resolves.
 */
export function run(argv: readonly string[], io: Io, ended = interruption): Promise<number> {
  const sources: ConfigSource[] = []
  const source = (kind: ConfigSource['kind']) => (path: string) => {
    sources.push({ kind, path })
  }
  const program = programOf('df-neutron-sync', io)
    .description('keeps the northbound store what Neutron says: networks, subnets, ports, and their names')
    .option('--config-file <file>', 'a configuration file (may be repeated)', source('file'))
    .option(
      '--config-dir <directory>',
      'a directory of such files, *.conf (may be repeated)',
      source('directory'),
    )
    .option('--once', 'read and write once, and end')
    .option('--dry-run', 'read once, print what would be written and removed, and change nothing')
    .option('--accept-empty', 'believe a Neutron that has no network at all')
    .option('--sample-config', 'print a configuration file with every option, commented out')
    .action(async (options: Options) => {
      if (options.sampleConfig) return io.out(sampleOf({ df_neutron_sync: syncOptions }))
      growSlowly()
      const { values, warnings } = loadConfig({ files: configFilesOf(sources), sections })
      const log = createLogger(values.DEFAULT.log_level)
      for (const warning of warnings) log.warn(warning)
      await feeding(values, options, log, io, ended)
    })
  return exitCodeOf(program, argv, io)
}

/** Opens what the feed needs, lets it work, and closes it. */
async function feeding(
  values: Values,
  options: Options,
  log: Logger,
  io: Io,
  ended: () => Promise<void>,
): Promise<void> {
  const { df, df_neutron_sync: config } = values
  const registry = createMetrics()
  const metrics = syncMetrics(registry)
  const http = openHttp({ cafile: config.cafile, timeoutMs: config.timeout * 1000 })
  const region = config.region_name
  try {
    const identity = identityOf(config, http, () => performance.now())
    const api = neutronApi(http, identity, {
      pageSize: config.page_size,
      pauseMs: retryPauseMs,
      answered: metrics.answered,
    })
    const driver = await openNbDriver(df, { createMissing: !options.dryRun })
    try {
      const isDry = options.dryRun ?? false
      const feed = createFeed(api, driver, { region, isDry, acceptsEmpty: options.acceptEmpty ?? false })
      if (isDry) return printed(await feed.round(), io)
      if (options.once) return printed(await alone(driver, region, () => feed.round()), io)
      const sync = createSync({ feed, driver, region, intervalMs: config.interval * 1000, log, metrics })
      const health = await listenForHealth(config.metrics_listen, {
        metrics: registry,
        reasons: sync.reasons,
      })
      const stop = new AbortController()
      void ended().then(() => stop.abort())
      const listener = {
        hint: sync.hint,
        listening: () => {
          log.info('listening to notifications')
          sync.readAll()
        },
        deaf: (error: Error) => log.warn({ reason: reasonOf(error) }, 'not listening to notifications'),
      }
      const work = [
        sync.run(stop.signal),
        ...(config.transport_url === '' ? [] : [listen(config, listener, stop.signal)]),
      ]
      try {
        await Promise.all(work)
      } finally {
        stop.abort()
        await Promise.allSettled(work)
        await health.close()
      }
    } finally {
      await driver.close()
    }
  } finally {
    http.close()
  }
}

/** Runs `work` while no other feed of the region does. */
async function alone<T>(driver: NbDriver, region: string, work: () => Promise<T>): Promise<T> {
  const hold = await driver
    .hold(feedTable, `lease/${region || 'all'}`, AbortSignal.timeout(patienceMs))
    .catch((error: Error) => {
      if (error.name !== 'TimeoutError' && error.name !== 'AbortError') throw error
      throw new NorthboundError('another df-neutron-sync feeds this region: stop it first, or use --dry-run')
    })
  try {
    return await work()
  } finally {
    await hold.release()
  }
}

/** A line for each row, and for what cannot be kept. */
function printed({ changes: { writes, removals, problems } }: Outcome, io: Io): void {
  for (const { before, ...row } of writes) {
    const [news] = newsBetween(before === undefined ? undefined : { ...row, value: before }, row)
    if (news) io.out(newsLine(news))
  }
  for (const { before, ...row } of removals)
    io.out(
      newsBetween({ ...row, value: before }, { ...row, value: undefined })
        .map(newsLine)
        .join(''),
    )
  for (const { text } of problems) io.err(`df-neutron-sync: ${text}`)
  io.err(`df-neutron-sync: ${writes.length} rows to write, ${removals.length} to remove`)
}

await runIfMain(import.meta.filename, run)
