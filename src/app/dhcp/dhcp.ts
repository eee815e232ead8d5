/**
 * The application dhcp: tells the ports of this node their addresses, routes, resolvers and names. It joins its protocols
 * to the host, and sees that no port asks too much; it knows no protocol.
 */

import { isIP } from 'node:net'
import { type OptionTable, type OptionValues, option } from '../../config/index.ts'
import { ConfigError } from '../../errors.ts'
import { type App, type AppHost, type Application, flowsIn, type Punt, type Verdict } from '../app.ts'
import { defaultDomainOf } from '../host-name.ts'
import { createTokenBuckets } from '../token-bucket.ts'
import type { LocalPort, View } from '../view.ts'
import { bypassRow, userdata } from './flows.ts'
import { createIpv4Service } from './ipv4.ts'
import { forever, type LeaseRules } from './lease.ts'
import { createIpv6Service } from './v6/ipv6.ts'

const options = {
  df_dns_servers: option.list(
    [],
    "The resolvers of subnets that name none; without them, it is the DHCP server's own address, where local names are answered.",
  ),
  df_default_network_device_mtu: option.integer(
    { min: 576, max: 65_535, default: 1460, unit: 'bytes' },
    'The MTU of networks whose row says none.',
  ),
  df_dhcp_max_rate_per_sec: option.integer(
    { min: 0, max: 10_000, default: 10, unit: 'packets a second' },
    'How many packets of one port are answered; what is more is dropped, and a second later all is well. 0 for any number.',
  ),
  df_dhcp_block_time_in_sec: option.integer(
    { min: 0, default: 0, unit: 'seconds' },
    'Has no effect: a port that asked too much is not punished (Dragonflow blocks it for so long).',
  ),
  df_add_link_local_route: option.boolean(
    true,
    'Tell ports that 169.254.169.254, the address of the metadata service, is on their link.',
  ),
} satisfies OptionTable

/** Addresses and all that a host must know; section `[df_dhcp_app]`. */
export const dhcp: Application<typeof options> = {
  name: userdata,
  section: 'df_dhcp_app',
  options,
  factory: createDhcp,
}

type Values = OptionValues<typeof options>

function createDhcp(values: Values, host: AppHost): App {
  const rules = rulesOf(values, host)
  const ipv4 = createIpv4Service(rules, host)
  const ipv6 = createIpv6Service(rules, userdata, host)
  const perSecond = values.df_dhcp_max_rate_per_sec
  const isWithin = limitOf(perSecond)
  const isBearable = limitOf(bearable * perSecond)
  const services = [ipv4, ipv6]
  const problems = (view: View) => services.flatMap((service) => service.problems(view))
  let last: View | undefined
  host.metrics.reading(
    'df_dhcp_problems',
    'What rows of this node and its ports say and DHCP cannot tell anybody',
    () => (last ? problems(last).length : 0),
  )

  function* units(view: View) {
    last = view
    for (const service of services) yield* service.units(view)
  }

  const packetIn = (punt: Punt, view: View): Verdict => {
    const { port, atMs } = punt
    if (isWithin(port, atMs)) return ipv6.decide(punt, view) ?? ipv4.decide(punt, view)
    return isBearable(port, atMs) ? overload : flood
  }

  return {
    name: dhcp.name,
    onFailure: 'drop',
    units,
    flows: (view) => [...flowsIn(units(view))],
    packetIn,
    bypass: (port) => [bypassRow(port)],
    beacons: ipv6.beacons,
    inspect: { check: (_, view) => ({ problems: problems(view) }) },
  }
}

/** A port that asks too much is answered again as soon as it asks less. */
const overload: Verdict = { kind: 'drop', why: 'overload' }
/** So many times as much as it may is a flood, which the switch drops for a second: the controller is everybody's. */
const bearable = 10
const flood: Verdict = { kind: 'drop', why: 'flood', bypassSeconds: 1 }

/** What a port may ask for; 0 is no limit. */
const limitOf = (perSecond: number) => (perSecond > 0 ? createTokenBuckets<LocalPort>(perSecond) : () => true)

function rulesOf(values: Values, { common: { dnsDomain, leaseSeconds } }: AppHost): LeaseRules {
  const stranger = values.df_dns_servers.find((ip) => isIP(ip) === 0)
  if (stranger !== undefined)
    throw new ConfigError(`[df_dhcp_app] df_dns_servers: '${stranger}' is not an IP address`)
  if (leaseSeconds === 0)
    throw new ConfigError(
      '[DEFAULT] dhcp_lease_duration: 0 seconds are no lease: use 60 or more, or -1 for ever',
    )
  return {
    dnsServers: values.df_dns_servers,
    defaultDomain: defaultDomainOf(dnsDomain),
    defaultMtu: values.df_default_network_device_mtu,
    leaseSeconds: leaseSeconds < 0 ? forever : leaseSeconds,
    hasLinkLocalRoute: values.df_add_link_local_route,
  }
}
