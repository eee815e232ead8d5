/**
 * The installed service under a real systemd, with Debian's Open vSwitch beside it: what the unit may do, and what
 * systemd makes of start, reload, restart, hang and mistake. The VMs are interfaces of the switch in namespaces.
 */

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Plan, type PortPlan, planOf } from '../../src/lab/plan.ts'
import { run, waitUntil } from '../../src/lab/process.ts'
import { readLabFile } from '../../src/lab/schema.ts'
import { seed } from '../../src/lab/seed.ts'
import { openNbDriver } from '../../src/nb/index.ts'
import { builtSource } from '../support/build.ts'
import { twoTenantsFile, untimedFlows } from '../support/lab.ts'
import { type Machine, startMachine } from '../support/machine.ts'

const unit = 'df-local-controller.service'
const nbPath = '/var/lib/dragonflow/nb'
/** The unit's 20 s would be long to wait for. */
const watchdogSeconds = 4
const resolver = '198.51.100.53'

let machine: Machine
let plan: Plan

beforeAll(async () => {
  machine = await startMachine('systemd')
  await install()
  write(
    '/etc/dragonflow/lab.conf',
    '[DEFAULT]\nhost = compute-1\n[df_provider_networks]\nbridge_mappings = physnet1:br-ex\n',
  )
  // The kernel's datapath is not there for everybody; everything else is Debian's unit.
  const vswitchd = '/usr/sbin/ovs-vswitchd --disable-system --detach --no-chdir --pidfile'
  write(
    '/etc/systemd/system/ovs-vswitchd.service.d/test.conf',
    `[Service]\nExecStart=\nExecStart=${vswitchd}\n`,
  )
  write(`/etc/systemd/system/${unit}.d/watchdog.conf`, `[Service]\nWatchdogSec=${watchdogSeconds}s\n`)
  await machine.run('systemd-sysusers')
  await machine.run('systemctl', 'daemon-reload')
  await machine.run('systemctl', 'start', 'openvswitch-switch')
  for (const bridge of ['br-int', 'br-ex'])
    await machine.run('ovs-vsctl', 'add-br', bridge, '--', 'set', 'bridge', bridge, 'datapath_type=netdev')
  plan = planOf(readLabFile(twoTenantsFile), { name: 'default', directory: '/run/df-lab/default' })
  for (const key of ['red-web', 'blue-web']) await plug(portOf(key))
  mkdirSync(join(machine.root, nbPath), { recursive: true })
  const store = await openNbDriver({ nb_db_class: 'file_nb_db_driver', nb_path: join(machine.root, nbPath) })
  await seed(plan, store)
  await store.close()
  await start()
})
afterAll(() => machine?.stop())

const install = () =>
  run('make', ['--silent', 'install'], { env: { DESTDIR: machine.root, DIST: builtSource() } })

async function start(): Promise<void> {
  const { exitCode } = await machine.outputOf('systemctl', 'start', unit)
  if (exitCode !== 0) throw new Error(await machine.run('journalctl', '--no-pager', '-o', 'cat', '-u', unit))
}

const write = (path: string, text: string) => {
  mkdirSync(join(machine.root, path, '..'), { recursive: true })
  writeFileSync(join(machine.root, path), text)
}
const portOf = (key: string) => plan.ports.find((port) => port.key === key)!

/** A VM with an interface of the switch; its gateway need not be there, since nobody waits for what lies behind. */
async function plug({ key, id, mac, device, ofport, addresses, gateways }: PortPlan): Promise<void> {
  const row = ['type=internal', `external_ids:iface-id=${id}`, `ofport_request=${ofport}`, `mac="${mac}"`]
  await machine.run('ovs-vsctl', 'add-port', 'br-int', device, '--', 'set', 'interface', device, ...row)
  const gateway = gateways.find((each) => !each.includes(':'))!
  const lines = [
    `ip netns add ${key}`,
    `ip link set ${device} netns ${key}`,
    `ip -n ${key} address add ${addresses.find(({ ip }) => !ip.includes(':'))!.cidr} dev ${device}`,
    `ip -n ${key} link set ${device} up`,
    `ip netns exec ${key} ethtool -K ${device} tx off`,
    `ip -n ${key} neigh add ${gateway} lladdr fa:16:3e:00:00:fe dev ${device}`,
    `ip -n ${key} route add default via ${gateway}`,
  ]
  for (const line of lines) await machine.run('sh', '-c', line)
}

const systemctl = (...args: string[]) => machine.run('systemctl', ...args)
const property = async (name: string) => (await systemctl('show', '--value', '--property', name, unit)).trim()
const isActive = async () => (await property('ActiveState')) === 'active'
const isReady = async () => (await isActive()) && (await property('StatusText')) === 'ready'
const journal = () => machine.run('journalctl', '--no-pager', '--output', 'cat', '--unit', unit)

/** What a VM gets in one try: the addresses, or nothing. */
async function answer(vm: string, question: string): Promise<string[]> {
  const options = ['+short', '+tries=1', '+time=1', `@${resolver}`]
  const { stdout } = await machine.outputOf(
    'ip',
    'netns',
    'exec',
    vm,
    'dig',
    ...options,
    ...question.split(' '),
  )
  return stdout.split('\n').filter((line) => line !== '' && !line.startsWith(';'))
}

async function expectAnswers(): Promise<void> {
  expect(await answer('red-web', 'db.red.example.org')).toEqual(['10.0.0.12'])
  expect(await answer('blue-web', 'web.blue.example.org')).toEqual(['10.0.0.11'])
}

const dropIn = `/etc/systemd/system/${unit}.d/test.conf`
const options = '/etc/dragonflow/test.conf'

describe('the unit', () => {
  test('has nothing that systemd finds wrong', async () => {
    expect(await machine.outputOf('systemd-analyze', 'verify', unit)).toEqual({
      stdout: '',
      stderr: '',
      exitCode: 0,
    })
  })

  test('is exposed by at most 1.5 of 10', async () => {
    const args = ['security', '--offline=true', '--threshold=15', '--no-pager', unit]
    const { stdout, exitCode } = await machine.outputOf('systemd-analyze', ...args)
    expect([exitCode, stdout.split('\n').find((line) => line.includes('Overall exposure'))]).toEqual([
      0,
      expect.stringMatching(/: 1\.\d /),
    ])
  })
})

describe('the service', () => {
  test('is active when the names of both tenants are answered', async () => {
    expect(await isReady()).toBe(true)
    await expectAnswers()
    expect(await answer('red-web', 'web.blue.example.org')).toEqual([])
  })

  test('runs as nobody of importance, without capabilities, behind a filter of system calls', async () => {
    const status = await machine.run('cat', `/proc/${await property('MainPID')}/status`)
    const field = (name: string) => new RegExp(`^${name}:\\s+(\\S+)`, 'm').exec(status)![1]
    expect(Number(field('Uid'))).toBeGreaterThan(0)
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
      expect([set, field(set)]).toEqual([set, '0'.repeat(16)])
    expect([field('NoNewPrivs'), field('Seccomp')]).toEqual(['1', '2'])
  })

  test('has one heap of malloc for all threads', async () => {
    const environment = await machine.run('cat', `/proc/${await property('MainPID')}/environ`)
    expect(environment.split('\0')).toContain('MALLOC_ARENA_MAX=1')
  })

  test('is asked by root, and by nobody else', async () => {
    const question = ['df-dns', 'explain', portOf('red-web').id, 'db.red.example.org']
    const explained = await machine.run(question[0]!, ...question.slice(1))
    expect(explained).toContain('10.0.0.12')
    expect(explained).toContain('it comes to the controller') // what ovs-vswitchd says
    const nobody = ['--reuid=nobody', '--clear-groups', ...question]
    expect((await machine.outputOf('setpriv', ...nobody)).exitCode).not.toBe(0)
  })

  test('takes over a changed configuration on reload, in the same process', async () => {
    const pid = await property('MainPID')
    write(options, '[df_dns_app]\ndf_dns_ttl = 77\n')
    await systemctl('reload', unit)
    const ttl = async () => (await answer('red-web', '+noshort +noall +answer db.red.example.org'))[0]
    await waitUntil('the new TTL', async () => /\s77\s/.test((await ttl()) ?? ''))
    await waitUntil('the reload to be over', isReady)
    expect(await property('MainPID')).toBe(pid)
  })

  test('survives that systemd starts anew', async () => {
    const pid = await property('MainPID')
    await systemctl('daemon-reexec')
    await sleep(watchdogSeconds * 1250)
    expect([await property('MainPID'), await property('NRestarts'), await isReady()]).toEqual([
      pid,
      '0',
      true,
    ])
  })
})

test('an upgrade takes out the leased rows alone, and is over when names are answered again', async () => {
  const dump = async () =>
    untimedFlows(await machine.run('ovs-ofctl', '-O', 'OpenFlow13', 'dump-flows', 'br-int'))
  const before = await dump()
  const pid = await property('MainPID')
  await machine.run(
    'systemd-run',
    '--unit=monitor',
    'ovs-ofctl',
    '-O',
    'OpenFlow13',
    'monitor',
    'br-int',
    'watch:!initial',
  )
  const events = async () =>
    (await machine.run('journalctl', '--no-pager', '--output=cat', '--unit=monitor'))
      .split('\n')
      .filter((line) => line.includes('event='))
  await waitUntil('a renewal to be seen', async () => (await events()).length > 0)
  await install()
  expect([await property('MainPID'), await isReady()]).toEqual([pid, true])
  await systemctl('restart', unit)
  await expectAnswers()
  expect(await property('MainPID')).not.toBe(pid)
  expect(await dump()).toEqual(before)
  await waitUntil('the rows to be seen again', async () => /ADDED/.test((await events()).at(-1)!))
  await systemctl('stop', 'monitor')
  const seen = await events()
  expect(seen.filter((line) => !/hard_timeout=[1-9]/.test(line))).toEqual([])
  expect(
    seen.filter((line) => line.includes('event=DELETED')).every((line) => line.includes('reason=delete')),
  ).toBe(true)
  expect(seen.filter((line) => line.includes('event=DELETED')).length).toBe(2)
})

test('a hang is ended by the watchdog, and the service is back', async () => {
  const pid = await property('MainPID')
  await machine.run('kill', '-STOP', pid)
  await waitUntil('a new process', async () => (await property('NRestarts')) === '1', { timeoutMs: 20_000 })
  await waitUntil('it to be ready', isReady)
  expect(await property('MainPID')).not.toBe(pid)
  expect(await journal()).toContain('Watchdog timeout')
  await expectAnswers()
})

test('a crash is over at once', async () => {
  await machine.run('kill', '-KILL', await property('MainPID'))
  await waitUntil('a new process', async () => (await property('NRestarts')) === '2')
  await waitUntil('it to be ready', isReady)
  await expectAnswers()
})

test('a mistake in the configuration is told, and not tried again', async () => {
  write(options, '[df_dns_app]\ndf_dns_ttl = soon\n')
  expect((await machine.outputOf('systemctl', 'restart', unit)).exitCode).not.toBe(0)
  await sleep(1000)
  expect([
    await property('ActiveState'),
    await property('ExecMainStatus'),
    await property('NRestarts'),
  ]).toEqual(['failed', '2', '0'])
  expect(await journal()).toContain(`${options}:2: [df_dns_app] df_dns_ttl = 'soon'`)
})

test('a start that waits for the store goes on beyond its time, and says why', async () => {
  write(dropIn, '[Service]\nTimeoutStartSec=8s\n')
  await systemctl('daemon-reload')
  write(options, '[df]\nnb_db_class = etcd_nb_db_driver\n')
  await systemctl('start', '--no-block', unit)
  await sleep(10_000)
  expect([await property('ActiveState'), await property('NRestarts')]).toEqual(['activating', '0'])
  expect(await property('StatusText')).toMatch(/^not ready: the northbound store is (lost|not read yet)/)
  write(options, '')
  write(dropIn, '')
  await systemctl('stop', unit)
  await systemctl('daemon-reload')
  await start()
  await expectAnswers()
})

test('a switch and a database that restart are found again, with the rights to use the new socket', async () => {
  const pid = await property('MainPID')
  await systemctl('restart', 'ovsdb-server')
  await waitUntil('the loss to be noticed', async () => /disconnected/.test(await journal()))
  await waitUntil('it to be ready', isReady, { timeoutMs: 20_000 })
  expect(await property('MainPID')).toBe(pid)
})

test('missing rights are told, and the service is there as soon as they are', async () => {
  const pid = await property('MainPID')
  await machine.run('chgrp', 'root', '/run/openvswitch/db.sock')
  await systemctl('restart', '--no-block', unit)
  const status = async () => ((await property('MainPID')) === pid ? '' : property('StatusText'))
  const line = 'cannot connect to unix:/run/openvswitch/db.sock: no right to it; docs/operations.md'
  await waitUntil('the status', async () => (await status()).includes(line))
  await machine.run('systemd-tmpfiles', '--create', 'dragonflow-dns.conf')
  await waitUntil('it to be ready', isReady, { timeoutMs: 20_000 })
})

test('by hand, as root and with the defaults, it is where the switch looks for it', async () => {
  await systemctl('stop', unit)
  await machine.run('systemd-run', '--unit=plain', 'df-local-controller', '--config-dir', '/etc/dragonflow')
  const controller = async () =>
    (
      await machine.run('ovs-vsctl', '--bare', '--columns=target', 'find', 'controller', 'is_connected=true')
    ).trim()
  await waitUntil(
    'the switch to connect',
    async () => (await controller()) === 'unix:/var/run/openvswitch/br-int.controller',
  )
  await systemctl('stop', 'plain')
})
