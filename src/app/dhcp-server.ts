/**
 * As whom the cloud answers DHCP on a subnet (docs/decisions/0004-dhcp-server.md): an address of the subnet's, and the MAC
 * address behind it. It knows neither leases nor flows.
 */

import { macText } from '../wire/address.ts'
import { bytesOf } from './reach.ts'
import type { Port, Subnet } from './view.ts'

/** The DHCP server of a subnet. */
export interface DhcpServer {
  readonly ip: string
  readonly mac: string
  /** Whether the address is DHCP's alone; the gateway's is somebody's who answers for it. */
  readonly isOwn: boolean
}

/** The owner of the ports that stand for a DHCP server. */
const dhcpOwner = 'network:dhcp'

/** Whether a port stands for a DHCP server. */
export const isDhcpPort = ({ deviceOwner }: Port): boolean => deviceOwner === dhcpOwner

/** The addresses of ports that stand for a server without an agent behind it on some node. */
export const ownDhcpAddresses = (ports: readonly Port[]): string[] =>
  ports
    .filter((port) => isDhcpPort(port) && port.chassis === undefined)
    .flatMap(({ addresses }) => addresses.map(({ ip }) => ip))

/**
 * The server of a subnet: at its `dhcp_ip`, else at the address of a DHCP port there, else at its gateway's.
 * `ports` are the DHCP ports of its network. Undefined if it has none of these.
 */
export function dhcpServerOf(subnet: Subnet, ports: readonly Port[]): DhcpServer | undefined {
  const own = subnet.dhcpIp ?? addressIn(subnet, ports)
  const ip = own ?? subnet.gatewayIp
  if (ip === undefined || ip.includes(':') !== subnet.cidr.includes(':')) return undefined
  const holder = ports.find(({ addresses }) => addresses.some((address) => address.ip === ip))
  return { ip, mac: holder?.macs[0] ?? derivedMac(ip), isOwn: own !== undefined }
}

function addressIn(subnet: Subnet, ports: readonly Port[]): string | undefined {
  const addresses = ports.flatMap((port) => port.addresses)
  return addresses.find((address) => address.subnet?.id === subnet.id)?.ip
}

/** The MAC address of a server that no port stands for: locally administered, the address's last four bytes at its end. */
const derivedMac = (ip: string) =>
  macText(Buffer.concat([Buffer.from([0x02, 0xdf]), bytesOf(ip)!.subarray(-4)]))
