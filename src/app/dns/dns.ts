/**
 * The dns application: answers the queries of local ports for names of their own tenant and subnets, and lets every
 * other packet go on untouched. It joins the pure parts (flows, decision) to the host; it holds no row.
 */

import { type OptionTable, type OptionValues, option } from '../../config/index.ts'
import { ConfigError } from '../../errors.ts'
import {
  type App,
  type AppHost,
  type Application,
  flowsIn,
  type Punt,
  selfCheckPort,
  type Verdict,
} from '../app.ts'
import { defaultDomainOf } from '../host-name.ts'
import { tables } from '../pipeline.ts'
import type { LocalPort, View } from '../view.ts'
import { createCounters } from './counters.ts'
import { createDecider, type Judgement, nothingRead } from './decision.ts'
import { bypassRow, createFlows, groupsOfDns, leaseRows, userdata } from './flows.ts'
import { inspectionsOf } from './inspect.ts'
import { createOverload } from './overload.ts'
import { probeFrame } from './probe.ts'

const ttlLimit = 0x7fff_ffff // RFC 2181 §8
const seconds = (fallback: number) => ({ min: 0, max: ttlLimit, default: fallback, unit: 'seconds' })

const options = {
  df_dns_scope: option.choice(
    ['subnet', 'network', 'router'],
    'subnet',
    "Whose names a port finds, always of its own tenant: ports with an address in one of the asker's subnets, in any " +
      'subnet of its network, or in the networks that a router of the tenant joins to it, too.',
  ),
  df_dns_intercept: option.choice(
    ['external', 'advertised', 'off'],
    'external',
    'Which queries are looked at: those to servers outside the networks that the asker reaches (and to addresses that ' +
      'their subnets announce and no port has), those only to servers that its own subnets announce, or none.',
  ),
  df_dns_ttl: option.integer(seconds(30), 'TTL of answers whose domain row says none.'),
  df_dns_negative_ttl: option.integer(
    seconds(5),
    'How long others may remember that a name or a type of it does not exist.',
  ),
  df_dns_default_hostnames: option.boolean(
    true,
    'Give ports without a dnsname row the name host-<address>, with "-" for "." and ":".',
  ),
  df_dns_short_names: option.boolean(true, 'Answer the name of a port also without its domain.'),
  df_dns_max_rate_per_port: option.integer(
    { min: 0, max: 1_000_000, default: 1000, unit: 'packets a second' },
    'How many packets of one port are looked at; more go on unseen. 0 for any number.',
  ),
  df_dns_bypass_seconds: option.integer(
    { min: 1, max: 3600, default: 5, unit: 'seconds' },
    'How long a port that sends more goes on unseen, its queries for local names too.',
  ),
  df_dns_shadow: option.boolean(
    false,
    'Decide and count, but answer nothing: every packet goes on. To see what would be answered.',
  ),
  df_dns_nsid: option.string(
    '',
    'What tells this server from others, for those who ask for it (NSID); empty: nothing.',
  ),
} satisfies OptionTable

/** Local names for virtual machines; section `[df_dns_app]`. */
export const dns: Application<typeof options> = {
  name: userdata,
  section: 'df_dns_app',
  options,
  factory: createDns,
}

type Values = OptionValues<typeof options>

function createDns(values: Values, host: AppHost): App {
  const isShadow = values.df_dns_shadow
  const count = createCounters(host.metrics, isShadow)
  const admit = admission(values, host)
  const rules = {
    scope: values.df_dns_scope,
    dnsDomain: defaultDomainOf(host.common.dnsDomain),
    ttlSeconds: values.df_dns_ttl,
    hasDefaultHostnames: values.df_dns_default_hostnames,
    hasShortNames: values.df_dns_short_names,
    negativeTtlSeconds: values.df_dns_negative_ttl,
    nsid: nsidOf(values.df_dns_nsid),
  }
  const decider = createDecider(rules)
  const { decide, foresee, names } = decider
  const packetIn = (punt: Punt, view: View): Verdict => {
    const { port, atMs, room } = punt
    if (port.key === selfCheckPort.key) return decide(punt, view)
    const judgement = admit(port, atMs) ?? decide(punt, view, undefined, room)
    count(port, judgement)
    return isShadow && judgement.kind !== 'pass' ? shadowed : judgement
  }
  const common = {
    name: dns.name,
    packetIn,
    foresee,
    onFailure: 'pass',
    inspect: inspectionsOf(decider),
  } as const
  if (values.df_dns_intercept === 'off') return { ...common, flows: () => [] }
  const flowsFor = createFlows(values.df_dns_intercept)
  const units = (view: View) =>
    flowsFor(
      view,
      view.localPorts.filter((port) => names(view).scopeOf(port)),
    )
  return {
    ...common,
    units,
    flows: (view) => flowsIn(units(view)),
    groups: groupsOfDns,
    bypass: (port) => [bypassRow(port)],
    lease: { rows: leaseRows(), probe: { tableId: tables.dns.id, frame: probeFrame } },
  }
}

const shadowed: Verdict = { kind: 'pass', why: 'shadow' }

/** Makes the function that says what becomes of a packet of a port that sends too many, and of others nothing. */
function admission(
  { df_dns_max_rate_per_port: packetsPerSecond, df_dns_bypass_seconds: bypassSeconds }: Values,
  { log, metrics, now }: AppHost,
): (port: LocalPort, atMs: number) => Judgement | undefined {
  const overload = createOverload({ packetsPerSecond, bypassSeconds }, now)
  metrics.reading(
    'df_dns_bypassed_ports',
    'Ports whose queries go past the controller at the moment, because they send too many',
    () => overload.bypassedPorts,
  )
  const over: Judgement = { kind: 'pass', why: 'overload', ...nothingRead, rcode: undefined }
  const begins: Judgement = { ...over, bypassSeconds }
  return (port, atMs) => {
    const admission = overload.admit(port, atMs)
    if (admission === 'within') return undefined
    if (admission === 'over') return over
    log.warn(
      { port: port.id, network: port.networkId, topic: port.topic, packetsPerSecond, bypassSeconds },
      'a port sends too many queries; they go on unseen for a while',
    )
    return begins
  }
}

const nsidSizeLimit = 64

function nsidOf(text: string): string {
  if (Buffer.byteLength(text) <= nsidSizeLimit) return text
  throw new ConfigError(`[df_dns_app] df_dns_nsid has more than ${nsidSizeLimit} bytes: use a shorter one`)
}
