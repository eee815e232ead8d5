/**
 * OVN's native DNS (ovn-controller's dns_lookup, Debian's 23.03), from nothing: two databases, northd, and a controller
 * on a private switch. Queries must have no OPT record: this version lets those pass unanswered.
 */

import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { ip } from '../../src/lab/namespace.ts'
import { type ProcessRef, run, startDaemon, stopProcess, waitUntil } from '../../src/lab/process.ts'
import { type Peer, records } from './peer.ts'
import { client, createTestbed, server } from './testbed.ts'

const schemas = '/usr/share/ovn'

export async function startOvn(root: string): Promise<Peer> {
  const bed = await createTestbed(root, 'ovn', 'secure')
  const directory = join(bed.directory, 'ovn')
  mkdirSync(directory)
  const at = (file: string) => join(directory, file)
  const daemons: ProcessRef[] = []
  const env = {
    ...{ OVN_RUNDIR: directory, OVN_LOGDIR: directory, OVN_DBDIR: directory },
    ...{ OVS_RUNDIR: bed.ovs.rundir, OVS_LOGDIR: directory },
  }
  const start = async (name: string, command: string, args: readonly string[]) => {
    const options = { logFile: at(`${name}.log`), namespace: bed.namespace, env, diesWithParent: true }
    const daemon = await startDaemon(command, args, options)
    daemons.push(daemon)
    return daemon
  }
  const stop = async () => {
    for (const daemon of daemons.toReversed()) await stopProcess(daemon)
    await bed.stop()
  }
  try {
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
    )
    const controller = await start('controller', 'ovn-controller', [`unix:${bed.ovs.dbSocket}`])
    const nbctl = (...args: string[]) => run('ovn-nbctl', [`--db=${nb}`, '--timeout=20', ...args], { env })
    await nbctl('ls-add', 'red')
    await nbctl('lsp-add', 'red', 'client', '--', 'lsp-set-addresses', 'client', `${client.mac} ${client.ip}`)
    const pairs = records.map(([name, address]) => `"${name}"="${address}"`).join(',')
    const row = (await nbctl('create', 'DNS', `records={${pairs}}`)).trim()
    await nbctl('set', 'logical_switch', 'red', `dns_records=${row}`)
    await bed.ovs.vsctl('set', 'interface', 'client', 'external_ids:iface-id=client')
    await ip(bed.clientNamespace, [`neighbour add ${server.ip} lladdr ${server.mac} dev eth0`])
    await nbctl('--wait=hv', 'sync')
    const about = "ovn-controller's native DNS, queries without EDNS"
    return {
      ...{ name: 'ovn', about, clientNamespace: bed.clientNamespace, server: server.ip },
      ...{ controller: controller.pid, vswitchd: bed.vswitchd, stop },
    }
  } catch (error) {
    await stop()
    throw error
  }
}
