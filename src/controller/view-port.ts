/**
 * A port of the view. There are more of them than of anything else, so one is no copy of its row: it reads the row when
 * it is asked, and takes 48 bytes where a copy with its addresses takes 240. It knows no other part of a view.
 */

import { isDeepStrictEqual } from 'node:util'
import { isWithin, reachOf } from '../app/reach.ts'
import type { Address, AddressPair, DhcpParams, LocalPort, Network, Port, Subnet } from '../app/view.ts'
import type { DnsName, LogicalPort } from '../nb/index.ts'

/** A port of these rows with its name; its addresses find their subnets among those of its network. */
export function portOf(
  row: LogicalPort | undefined,
  dns: DnsName | undefined,
  network: Network | undefined,
): Port | undefined {
  return row && new RowPort(row, dns?.dns_name, subnetsAt(row, network?.subnets ?? []))
}

/** The port with all that it says written out, for the few that packets ask for it. */
export function localPortOf(port: Port, ofport: number): LocalPort {
  return {
    id: port.id,
    key: port.key,
    topic: port.topic,
    networkId: port.networkId,
    name: port.name,
    dnsName: port.dnsName,
    macs: port.macs,
    addresses: port.addresses,
    allowedAddressPairs: port.allowedAddressPairs,
    isPortSecurityEnabled: port.isPortSecurityEnabled,
    isEnabled: port.isEnabled,
    deviceOwner: port.deviceOwner,
    chassis: port.chassis,
    vtepAddress: port.vtepAddress,
    securityGroups: port.securityGroups,
    dhcp: port.dhcp,
    ofport,
  }
}

/** Whether two ports say the same; their rows may differ in what no view shows. */
export const isSamePort = (one: Port, other: Port): boolean =>
  isDeepStrictEqual(localPortOf(one, 0), localPortOf(other, 0))

class RowPort implements Port {
  readonly dnsName: string | undefined
  readonly #row: LogicalPort
  /** Of each address. */
  readonly #subnets: readonly (Subnet | undefined)[]

  constructor(row: LogicalPort, dnsName: string | undefined, subnets: readonly (Subnet | undefined)[]) {
    this.#row = row
    this.dnsName = dnsName
    this.#subnets = subnets
  }

  get id(): string {
    return this.#row.id
  }

  get key(): number {
    return this.#row.unique_key
  }

  get topic(): string {
    return this.#row.topic
  }

  get networkId(): string {
    return this.#row.lswitch
  }

  get name(): string {
    return this.#row.name ?? ''
  }

  get macs(): readonly string[] {
    return this.#row.macs
  }

  get addresses(): readonly Address[] {
    return this.#row.ips.map((ip, index) => ({ ip, subnet: this.#subnets[index] }))
  }

  get allowedAddressPairs(): readonly AddressPair[] {
    return this.#row.allowed_address_pairs.map((pair) => ({ ip: pair.ip_address, mac: pair.mac_address }))
  }

  get isPortSecurityEnabled(): boolean {
    return this.#row.port_security_enabled ?? true
  }

  get isEnabled(): boolean {
    return this.#row.enabled ?? true
  }

  get deviceOwner(): string {
    return this.#row.device_owner ?? ''
  }

  get chassis(): string | undefined {
    const { binding } = this.#row
    return binding?.type === 'chassis' ? binding.chassis : undefined
  }

  get vtepAddress(): string | undefined {
    const { binding } = this.#row
    return binding?.type === 'vtep' ? binding.vtep_address : undefined
  }

  get securityGroups(): readonly string[] {
    return this.#row.security_groups
  }

  get dhcp(): DhcpParams | undefined {
    const params = this.#row.dhcp_params
    return params && { options: optionsOf(params.opts ?? {}), siaddr: params.siaddr }
  }
}

const optionsOf = (options: Readonly<Record<string, string>>): ReadonlyMap<number, string> =>
  new Map(Object.entries(options).map(([number, text]) => [Number(number), text]))

/**
 * The subnet that a row names for each of its addresses, if it is one of the network's and holds the address. A port with an
 * address in each of them, as most are, has the network's own list.
 */
function subnetsAt(row: LogicalPort, subnets: readonly Subnet[]): readonly (Subnet | undefined)[] {
  const found = row.ips.map((ip, index) => {
    const named = subnets.find(({ id }) => id === row.subnets[index])
    return named && isWithin(reachOf(ip)!, [reachOf(named.cidr)!]) ? named : undefined
  })
  const isAll = found.length === subnets.length && found.every((subnet, index) => subnet === subnets[index])
  return isAll ? subnets : found
}
