/**
 * OVN's native DNS (ovn-controller's dns_lookup, Debian's 23.03), from nothing: two databases, northd, and a controller
 * on a private switch; and in the northbound database what Neutron writes there (ML2/OVN) for the networks and ports of
 * examples/two-tenants.yaml. Queries must have no OPT record: this version lets those pass unanswered.
 */

import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { ip } from '../../src/lab/namespace.ts'
import { run, waitUntil } from '../../src/lab/process.ts'
import type { Peer } from './peer.ts'
import { type Answering, server, startPeer, type Testbed } from './testbed.ts'

const schemas = '/usr/share/ovn'

/** A logical switch of a provider VLAN; the last byte of each port's address is that of its MAC address, too. */
const networks = [
  { tenant: 'red', vlan: 101, ports: { client: ['web', 11], third: ['db', 12], server: ['dns', 53] } },
  { tenant: 'blue', vlan: 102, ports: { fourth: ['web', 11], fifth: ['db', 12] } },
] as const satisfies readonly Network[]

interface Network {
  readonly tenant: string
  readonly vlan: number
  /** By the interface of the testbed. */
  readonly ports: Readonly<Record<string, readonly [name: string, lastByte: number]>>
}

type Nbctl = (...args: readonly string[]) => Promise<string>

export const startOvn = (root: string): Promise<Peer> =>
  startPeer(root, 'ovn', 'secure', (bed) =>
    begin(
      bed,
      "ovn-controller's native DNS, queries without EDNS; two tenants, security groups, as Neutron has it",
      true,
    ),
  )

/** With ports that no group looks at. */
export const startPlainOvn = (root: string): Promise<Peer> =>
  startPeer(root, 'plain-ovn', 'secure', (bed) => begin(bed, 'ovn, without security groups', false))

async function begin(bed: Testbed, about: string, isGuarded: boolean): Promise<Answering> {
  const directory = join(bed.directory, 'ovn')
  mkdirSync(directory)
  const at = (file: string) => join(directory, file)
  const env = {
    ...{ OVN_RUNDIR: directory, OVN_LOGDIR: directory, OVN_DBDIR: directory },
    ...{ OVS_RUNDIR: bed.ovs.rundir, OVS_LOGDIR: directory },
  }
  const start = (name: string, command: string, args: readonly string[]) =>
    bed.start(command, args, { logFile: at(`${name}.log`), namespace: bed.namespace, env })
  for (const db of ['nb', 'sb']) {
    await run('ovsdb-tool', ['create', at(`${db}.db`), join(schemas, `ovn-${db}.ovsschema`)])
    const remote = `--remote=punix:${at(`ovn${db}_db.sock`)}`
    await start(db, 'ovsdb-server', [at(`${db}.db`), remote, `--unixctl=${at(`${db}.ctl`)}`])
    await waitUntil(`the ${db} database`, () => existsSync(at(`ovn${db}_db.sock`)))
  }
  const [nb, sb] = [`unix:${at('ovnnb_db.sock')}`, `unix:${at('ovnsb_db.sock')}`]
  await start('northd', 'ovn-northd', [
    ...[`--ovnnb-db=${nb}`, `--ovnsb-db=${sb}`, `--unixctl=${at('northd.ctl')}`],
  ])
  await bed.ovs.vsctl(
    ...['set', 'open', '.', 'external_ids:system-id=bench', 'external_ids:hostname=bench'],
    ...[`external_ids:ovn-remote="${sb}"`, 'external_ids:ovn-encap-type=geneve'],
    ...['external_ids:ovn-encap-ip=127.0.0.1', 'external_ids:ovn-bridge-datapath-type=netdev'],
    'external_ids:ovn-bridge-mappings=physnet1:br-ex',
  )
  const controller = await start('controller', 'ovn-controller', [`unix:${bed.ovs.dbSocket}`])
  const nbctl: Nbctl = (...args) => run('ovn-nbctl', [`--db=${nb}`, '--timeout=20', ...args], { env })
  for (const network of networks) await addNetwork(nbctl, network)
  if (isGuarded) await guard(nbctl)
  for (const device of networks.flatMap(({ ports }) => Object.keys(ports)))
    await bed.ovs.vsctl('set', 'interface', device, `external_ids:iface-id=${device}`)
  await ip(bed.clientNamespace, [`neighbour add ${server.ip} lladdr ${server.mac} dev eth0`])
  await nbctl('--wait=hv', 'sync')
  return { about, controller }
}

/** Its names have A and PTR, in full and as hosts; each port may send what is its own. */
async function addNetwork(nbctl: Nbctl, { tenant, vlan, ports }: Network): Promise<void> {
  const provider = `provnet-${tenant}`
  await nbctl(
    ...['ls-add', tenant, '--', 'lsp-add', tenant, provider, '', `${vlan}`],
    ...['--', 'lsp-set-type', provider, 'localnet', '--', 'lsp-set-addresses', provider, 'unknown'],
    ...['--', 'lsp-set-options', provider, 'network_name=physnet1'],
  )
  const records: string[] = []
  for (const [port, [name, lastByte]] of Object.entries(ports)) {
    const address = `10.0.0.${lastByte}`
    const addresses = `fa:16:3e:00:00:${lastByte} ${address}`
    await nbctl(
      ...['lsp-add', tenant, port, '--', 'lsp-set-addresses', port, addresses],
      ...['--', 'lsp-set-port-security', port, addresses],
    )
    const full = `${name}.${tenant}.example.org`
    records.push(`"${name}"="${address}"`, `"${full}"="${address}"`)
    records.push(`"${lastByte}.0.0.10.in-addr.arpa"="${full}"`)
  }
  const row = (await nbctl('create', 'DNS', `records={${records.join(',')}}`)).trim()
  await nbctl('set', 'logical_switch', tenant, `dns_records=${row}`)
}

/** A group for each tenant that lets out everything and lets in only its members, and one that drops all else. */
async function guard(nbctl: Nbctl): Promise<void> {
  const all = networks.flatMap(({ ports }) => Object.keys(ports))
  await nbctl('pg-add', 'neutron_pg_drop', ...all)
  const acl = (group: string, direction: string, priority: number, match: string, verdict: string) =>
    nbctl('--type=port-group', 'acl-add', group, direction, `${priority}`, match, verdict)
  await acl('neutron_pg_drop', 'from-lport', 1001, 'inport == @neutron_pg_drop && ip', 'drop')
  await acl('neutron_pg_drop', 'to-lport', 1001, 'outport == @neutron_pg_drop && ip', 'drop')
  for (const { tenant, ports } of networks) {
    const group = `pg_${tenant}`
    await nbctl('pg-add', group, ...Object.keys(ports))
    for (const family of ['ip4', 'ip6']) {
      const members = `${family}.src == $${group}_${family}`
      await acl(group, 'from-lport', 1002, `inport == @${group} && ${family}`, 'allow-related')
      await acl(group, 'to-lport', 1002, `outport == @${group} && ${family} && ${members}`, 'allow-related')
    }
  }
}
