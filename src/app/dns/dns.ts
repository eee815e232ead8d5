/**
 * The dns application: answers the queries of local ports for names of their own tenant and subnets, and lets every
 * other packet go on untouched. It joins the pure parts (flows, decision) to the host; it holds no row.
 */

import { type OptionTable, type OptionValues, option } from '../../config/index.ts'
import { ConfigError } from '../../errors.ts'
import { type App, type AppHost, type Application, type Punt, selfCheckPort, type Verdict } from '../app.ts'
import { tables } from '../pipeline.ts'
import type { View } from '../view.ts'
import { createCounters } from './counters.ts'
import { createDecider } from './decision.ts'
import { isHostName } from './domain-name.ts'
import { createFlows, groupsOfDns, leaseRows, userdata } from './flows.ts'
import { inspectionsOf } from './inspect.ts'
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

function createDns(values: OptionValues<typeof options>, host: AppHost): App {
  const count = createCounters(host.metrics)
  const rules = {
    scope: values.df_dns_scope,
    dnsDomain: dnsDomainOf(host),
    ttlSeconds: values.df_dns_ttl,
    hasDefaultHostnames: values.df_dns_default_hostnames,
    hasShortNames: values.df_dns_short_names,
    negativeTtlSeconds: values.df_dns_negative_ttl,
    nsid: nsidOf(values.df_dns_nsid),
  }
  const decider = createDecider(rules)
  const { decide, names } = decider
  const packetIn = (punt: Punt, view: View): Verdict => {
    const verdict = decide(punt.frame, punt.port, view)
    if (punt.port.key !== selfCheckPort.key) count(punt.port, verdict)
    return verdict
  }
  const common = { name: dns.name, packetIn, onFailure: 'pass', inspect: inspectionsOf(decider) } as const
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
    flows: (view) => [...units(view)].flat(),
    groups: groupsOfDns,
    lease: { rows: leaseRows(), probe: { tableId: tables.dns.id, frame: probeFrame } },
  }
}

const nsidSizeLimit = 64

function nsidOf(text: string): string {
  if (Buffer.byteLength(text) <= nsidSizeLimit) return text
  throw new ConfigError(`[df_dns_app] df_dns_nsid has more than ${nsidSizeLimit} bytes: use a shorter one`)
}

/** `[DEFAULT] dns_domain` without the dot that Neutron puts at its end; empty means none. */
function dnsDomainOf({ common: { dnsDomain } }: AppHost): string | undefined {
  const name = dnsDomain.replace(/\.$/, '')
  if (name === '') return undefined
  if (isHostName(name)) return name
  throw new ConfigError(
    `[DEFAULT] dns_domain: '${dnsDomain}' is not a domain name: use labels of letters, digits and hyphens`,
  )
}
