/**
 * What Neutron calls DHCP options for IPv4 (`extra_dhcp_opts`): the names by which its agent hands them to dnsmasq, or
 * plain numbers. It knows no value.
 */

// biome-ignore format: a list of words
const numbers: Readonly<Record<string, number>> = {
  netmask: 1, 'time-offset': 2, router: 3, 'dns-server': 6, 'log-server': 7, 'lpr-server': 9, hostname: 12,
  'boot-file-size': 13, 'domain-name': 15, 'swap-server': 16, 'root-path': 17, 'extension-path': 18,
  'ip-forward-enable': 19, 'non-local-source-routing': 20, 'policy-filter': 21, 'max-datagram-reassembly': 22,
  'default-ttl': 23, mtu: 26, 'all-subnets-local': 27, 'router-discovery': 31, 'router-solicitation': 32,
  'static-route': 33, 'trailer-encapsulation': 34, 'arp-timeout': 35, 'ethernet-encap': 36, 'tcp-ttl': 37,
  'tcp-keepalive': 38, 'nis-domain': 40, 'nis-server': 41, 'ntp-server': 42, 'netbios-ns': 44, 'netbios-dd': 45,
  'netbios-nodetype': 46, 'netbios-scope': 47, 'x-windows-fs': 48, 'x-windows-dm': 49, T1: 58, T2: 59,
  'vendor-class': 60, 'nis+-domain': 64, 'nis+-server': 65, 'tftp-server': 66, 'bootfile-name': 67,
  'mobile-ip-home': 68, 'smtp-server': 69, 'pop3-server': 70, 'nntp-server': 71, 'irc-server': 74, 'user-class': 77,
  'rapid-commit': 80, 'client-arch': 93, 'client-interface-id': 94, 'client-machine-id': 97, 'posix-timezone': 100,
  'tzdb-timezone': 101, 'ipv6-only': 108, 'domain-search': 119, 'sip-server': 120, 'classless-static-route': 121,
  'vendor-id-encap': 125, 'tftp-server-address': 150,
}

/** The number of an option; undefined if nobody knows the name. */
export function dhcpOptionNumber(name: string): number | undefined {
  if (/^\d{1,3}$/.test(name)) return Number(name)
  return Object.hasOwn(numbers, name) ? numbers[name] : undefined
}
