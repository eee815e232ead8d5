/**
 * Who answers `df-dns`: the controller that runs here, through its control socket, or the dns application over a view
 * that is made straight from the northbound store, in which every port counts as plugged in.
 */

import { connect } from 'node:net'
import { join } from 'node:path'
import type { App } from '../app/app.ts'
import { dns } from '../app/dns/dns.ts'
import type { CheckedRow } from '../app/dns/inspect.ts'
import type { View } from '../app/view.ts'
import type { Config, controllerSections } from '../config/index.ts'
import { viewOf } from '../controller/topology.ts'
import { localPortOf } from '../controller/view-port.ts'
import { ConfigError } from '../errors.ts'
import { createLogger } from '../log.ts'
import { createMetrics } from '../metrics.ts'
import { type Northbound, northboundOf, openNbDriver } from '../nb/index.ts'
import { systemClock } from '../openflow/index.ts'

/** The configuration of the controller and of the dns application. */
export type DnsConfig = Config<typeof controllerSections & Record<'df_dns_app', typeof dns.options>>['values']

/** Who answers. */
export interface Source {
  /** Whether a controller, and with it a switch, runs here. */
  readonly isLive: boolean
  /** Who it is, for people. */
  readonly about: string
  /** Rows about names that do not count at all. */
  readonly rejected: readonly CheckedRow[]
  ask(inspection: string, request: object): Promise<unknown>
}

/** The controller, if one runs here and `isOffline` does not forbid it; else the store. Throws `ConfigError`. */
export async function sourceOf(config: DnsConfig, isOffline: boolean): Promise<Source> {
  const path = socketOf(config)
  if (!isOffline && (await isListening(path)))
    return {
      ...{ isLive: true, about: `asking the controller at ${path}`, rejected: [] },
      ask: (inspection, request) => askController(config, { method: `dns.${inspection}`, ...request }),
    }
  const { app, view, rejected } = await offline(config)
  const about = isOffline
    ? 'reading the northbound store'
    : `no controller answers at ${path}: reading the northbound store`
  return {
    isLive: false,
    about,
    rejected,
    ask: async (inspection, request) => app.inspect![inspection]!(request as never, view),
  }
}

/** One question to the controller. Throws `ConfigError` with its words if it cannot answer, or with the remedy. */
export async function askController(config: DnsConfig, request: object): Promise<unknown> {
  const path = socketOf(config)
  const line = await new Promise<string>((resolve, reject) => {
    let text = ''
    const socket = connect(path, () => socket.write(`${JSON.stringify(request)}\n`))
    socket.setEncoding('utf8').setTimeout(10_000, () => socket.destroy(new Error('no answer for 10 s')))
    socket.on('data', (chunk: string) => {
      text += chunk
      if (text.endsWith('\n')) socket.end()
    })
    socket.on('error', (error) => reject(unreachable(path, error)))
    socket.on('close', () => resolve(text))
  })
  const answer = JSON.parse(line || '{"error": "it closed the connection"}') as { error?: string }
  if (typeof answer.error === 'string') throw new ConfigError(answer.error)
  return answer
}

function unreachable(path: string, error: NodeJS.ErrnoException): ConfigError {
  if (error.code === 'EACCES')
    return new ConfigError(`${path}: you may not ask the controller: run this as the user that it runs as`)
  if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED')
    return new ConfigError(
      `${path}: no controller runs here: start it, or name its df.conf with --config-file`,
    )
  return new ConfigError(`${path}: the controller does not answer`, error)
}

const socketOf = ({ DEFAULT }: DnsConfig) => join(DEFAULT.run_dir, 'control.sock')

/** Whether somebody listens there. One who may not be asked is there. */
function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'EACCES'))
  })
}

async function offline(config: DnsConfig): Promise<{ app: App; view: View; rejected: CheckedRow[] }> {
  const driver = await openNbDriver(config.df)
  try {
    const nb = northboundOf(await driver.list())
    const view = viewOf({ nb, switchPorts: [], host: config.DEFAULT.host, patchPorts: new Map() })
    const everywhere = Array.from(view.ports.values(), (port) => localPortOf(port, 0))
    const host = {
      ...{ log: createLogger('error'), metrics: createMetrics(), now: systemClock.now },
      common: {
        dnsDomain: config.DEFAULT.dns_domain,
        leaseSeconds: config.DEFAULT.dhcp_lease_duration,
        localIp: '',
        tunnelTypes: [],
      },
    }
    const app = dns.factory(config.df_dns_app, host)
    return { app, view: { ...view, localPorts: everywhere }, rejected: rejectedNames(nb) }
  } finally {
    await driver.close()
  }
}

const rejectedNames = ({ rejected }: Northbound): CheckedRow[] =>
  rejected
    .filter(({ table }) => table === 'domainname' || table === 'dnsname')
    .map(({ table, id, field, reason }) => ({
      row: `${table}/${id}`,
      reason: field === undefined ? reason : `${field} ${reason}`,
    }))
