/** dnsmasq as Neutron's DHCP agent starts it, on a port of a plain learning switch: no packet goes to a controller. */

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Peer, records } from './peer.ts'
import { startPeer } from './testbed.ts'

/** Neutron's arguments (neutron/agent/linux/dhcp.py, Zed), with the paths of a directory of our own. */
export function neutronArguments(directory: string): string[] {
  const at = (file: string) => join(directory, file)
  for (const file of ['host', 'opts', 'leases']) writeFileSync(at(file), '')
  return [
    ...['--keep-in-foreground', '--no-hosts', '--no-resolv', `--pid-file=${at('pid')}`],
    ...[`--dhcp-hostsfile=${at('host')}`, `--addn-hosts=${at('addn_hosts')}`],
    ...[`--dhcp-optsfile=${at('opts')}`, `--dhcp-leasefile=${at('leases')}`],
    ...['--dhcp-match=set:ipxe,175', '--dhcp-userclass=set:ipxe6,iPXE', '--local-service', '--bind-dynamic'],
    '--dhcp-range=set:subnet-1,10.0.0.0,static,255.255.255.0,86400s',
    ...['--dhcp-option-force=option:mtu,1450', '--dhcp-lease-max=256', '--conf-file=/dev/null'],
    ...['--domain=red.example.org', '--user=root'],
  ]
}

export const startDnsmasq = (root: string): Promise<Peer> =>
  startPeer(root, 'dnsmasq', 'standalone', async (bed) => {
    const directory = join(bed.directory, 'dnsmasq')
    mkdirSync(directory)
    writeFileSync(join(directory, 'addn_hosts'), records.map(([name, ip]) => `${ip} ${name}\n`).join(''))
    const options = { logFile: join(directory, 'log'), namespace: bed.serverNamespace }
    const controller = await bed.start('dnsmasq', neutronArguments(directory), options)
    const about = "dnsmasq with Neutron's arguments behind a learning switch; nothing is punted"
    return { about, controller }
  })
