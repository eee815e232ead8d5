/** The etcd driver when things break: cuts, compaction, restarts, dead hosts, certificates, users, no quorum. */

import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { controllerStatus } from '../../src/lab/node.ts'
import type { NodePlan } from '../../src/lab/plan.ts'
import { type EtcdDriverOptions, openEtcdDriver } from '../../src/nb/etcd.ts'
import type { EtcdConfig } from '../../src/nb/etcd-access.ts'
import type { NbDriver } from '../../src/nb/index.ts'
import { buildMs, builtSource } from '../support/build.ts'
import { Cable } from '../support/cable.ts'
import { Etcd, freePort, makeCertificates } from '../support/etcd.ts'
import { dragonflowRows, Follower } from '../support/nb.ts'

/** As quick to notice as a test likes it. */
const quick = { callMs: 2_000, probeEveryMs: 300, retryMs: 100 }

let cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.toReversed()) await cleanup()
  cleanups = []
})

async function openedDriver(config: EtcdConfig, options: EtcdDriverOptions = quick): Promise<NbDriver> {
  const driver = await openEtcdDriver(config, options)
  cleanups.push(() => driver.close())
  return driver
}

/** A follower that has had its first event. */
async function followed(driver: NbDriver): Promise<Follower> {
  const follower = new Follower(driver)
  cleanups.push(async () => follower.stop())
  await follower.until(({ events }) => events.length > 0)
  return follower
}

const kinds = ({ events }: Follower) => events.map(({ kind }) => kind)
const reasons = ({ events }: Follower) =>
  events.flatMap((event) => (event.kind === 'lost' ? [event.error.message] : []))
const isLost = (follower: Follower) => kinds(follower).at(-1) === 'lost'

describe('a watch', () => {
  let etcd: Etcd
  let cable: Cable
  let writer: NbDriver
  let follower: Follower

  beforeEach(async () => {
    etcd = await Etcd.start()
    cleanups.push(() => etcd.remove())
    cable = await new Cable(join(etcd.folder, 'cable'), join(etcd.folder, 'client:0')).open()
    cleanups.push(() => cable.close())
    writer = await openedDriver({ remote_db_hosts: [etcd.host] })
    await writer.putAll(dragonflowRows())
    follower = await followed(await openedDriver({ remote_db_hosts: [`unix:${etcd.folder}/cable`] }))
  })

  const isTrue = async () => {
    const rows = (await writer.list()).map(({ table, id, value }) => [`/${table}/${id}`, value])
    expect([...follower.values].sort()).toEqual(rows.sort())
  }

  test('goes on where it was after a cut, without reading everything again', async () => {
    cable.pull()
    await follower.until(isLost)
    await writer.put('lport', 'p', '1')
    await writer.delete('lport', 'p')
    await writer.put('lport', 'q', '1')
    // Also the row that was written last before the cut.
    const last = dragonflowRows().at(-1)!
    await writer.delete(last.table, last.id)
    cable.plug()
    await follower.until(({ values }) => values.has('/lport/q') && !values.has(`/${last.table}/${last.id}`))
    expect(kinds(follower).filter((kind) => kind === 'snapshot')).toHaveLength(1)
    expect(reasons(follower)[0]).toMatch(/^etcd at unix:\S+cable (hangs up|cannot be reached|cannot be used)/)
    await isTrue()
  })

  test('tells that it is back although nothing has changed', async () => {
    cable.pull()
    await follower.until(isLost)
    cable.plug()
    await follower.until((now) => !isLost(now))
    expect(new Set(kinds(follower).slice(1, -1))).toEqual(new Set(['lost']))
    expect(follower.events.at(-1)).toEqual({ kind: 'changes', changes: [] })
    await isTrue()
  })

  test('reads everything again if what it missed is compacted away', async () => {
    cable.pull()
    await follower.until(isLost)
    await writer.delete('lrouter', (await writer.list('lrouter'))[0]!.id)
    for (let n = 0; n < 5; n += 1) await writer.put('chassis', 'c', String(n))
    const { header } = JSON.parse(await etcd.ctl('get', '/chassis/c', '-w', 'json')) as {
      header: { revision: number }
    }
    await etcd.ctl('compact', String(header.revision))
    cable.plug()
    await follower.until(({ values }) => values.get('/chassis/c') === '4')
    expect(new Set(kinds(follower).slice(1, -1))).toEqual(new Set(['lost']))
    expect(kinds(follower).at(-1)).toBe('snapshot')
    await isTrue()
  })

  test('notices a connection that is dead without a sign', async () => {
    cable.silence()
    await follower.until(isLost)
    expect(reasons(follower)[0]).toMatch(/cable does not answer in time: see that most members/)
    cable.unsilence()
    await writer.put('lport', 'p', '1')
    await follower.until(({ values }) => values.has('/lport/p'), 30_000)
    await isTrue()
  }, 60_000)

  test('survives a restart of etcd', async () => {
    await etcd.stop()
    await follower.until(isLost)
    expect(reasons(follower)[0]).toMatch(/cable (hangs up|cannot be reached|cannot be used|does not listen)/)
    await etcd.start()
    await writer.put('lport', 'p', '1')
    await follower.until(({ values }) => values.has('/lport/p'))
    expect(kinds(follower).filter((kind) => kind === 'snapshot')).toHaveLength(1)
    await isTrue()
  }, 30_000)

  test('keeps the last rows if etcd comes back empty, until there are rows again', async () => {
    await etcd.stop()
    await etcd.wipe()
    await etcd.start()
    const isEmpty = (now: Follower) =>
      /was replaced by an empty one: load its rows/.test(reasons(now).at(-1) ?? '')
    await follower.until(isEmpty)
    const { length } = follower.events
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(follower.events).toHaveLength(length)
    expect(follower.values.size).toBe(dragonflowRows().length)
    await writer.put('chassis', 'c', '1')
    await follower.until((now) => !isLost(now))
    expect([...follower.values]).toEqual([['/chassis/c', '1']])
  }, 30_000)

  test('reads everything again if another store with more changes is in its place', async () => {
    await etcd.stop()
    cable.pull()
    await etcd.wipe()
    await etcd.start()
    for (let n = 0; n < 60; n += 1) await writer.put('chassis', 'c', String(n))
    cable.plug()
    await follower.until(({ values }) => values.size === 1)
    expect(kinds(follower).at(-1)).toBe('snapshot')
    await isTrue()
  }, 30_000)

  test('is lost while there is no quorum, and so are changes', async () => {
    await etcd.ctl('member', 'add', 'absent', '--peer-urls=unix://absent:0')
    await follower.until(isLost, 30_000)
    expect(reasons(follower)[0]).toMatch(/^etcd at \S+ (has no leader|does not answer in time)/)
    await expect(writer.put('lport', 'p', '1')).rejects.toThrow(/has no leader|does not answer in time/)
    await expect(writer.create('lport', 'q', '1')).rejects.toThrow(/whether the change was made is not known/)
  }, 60_000)
})

test('of several hosts, those that are dead are passed over', async () => {
  const etcd = await Etcd.start({ hasPort: true })
  cleanups.push(() => etcd.remove())
  const dead = `127.0.0.1:${await freePort()}`
  for (const random of [0, 0.5, 0.99]) {
    const hosts = { remote_db_hosts: [dead, etcd.address, 'unix:/nonexistent/etcd'] }
    const driver = await openedDriver(hosts, { ...quick, random: () => random })
    const follower = await followed(driver)
    await driver.put('lport', 'p', String(random))
    await follower.until(({ values }) => values.get('/lport/p') === String(random))
    expect(reasons(follower)).toEqual([])
  }
})

test('if every host is dead, each is named with its reason', async () => {
  const dead = `127.0.0.1:${await freePort()}`
  const driver = await openedDriver({ remote_db_hosts: [dead, 'etcd.invalid:2379'] })
  const message = expect.stringMatching(
    new RegExp(
      `^(?=.*etcd at ${dead} does not listen: start etcd there)(?=.*etcd at etcd.invalid:2379 has a name that is not known)`,
    ),
  )
  await expect(driver.list()).rejects.toMatchObject({ name: 'NorthboundError', message })
  expect((await followed(driver)).events).toEqual([
    { kind: 'lost', error: expect.objectContaining({ message }) },
  ])
})

describe('TLS', () => {
  let folder: string
  let etcd: Etcd

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'df-etcd-tls-'))
    await makeCertificates(folder)
    await writeFile(join(folder, 'no-pem'), 'nothing')
    const args = ['--client-cert-auth', '--trusted-ca-file', join(folder, 'ca.pem')]
    etcd = await Etcd.start({ tlsFolder: folder, args })
  }, 60_000)
  afterAll(async () => {
    await etcd.remove()
    await rm(folder, { recursive: true })
  })

  const with_ = (changes: EtcdConfig): EtcdConfig => {
    const config = {
      remote_db_hosts: [etcd.address],
      remote_db_ca_file: 'ca.pem',
      remote_db_cert_file: 'client.pem',
      remote_db_key_file: 'client.key',
      ...changes,
    }
    return Object.fromEntries(
      Object.entries(config).map(([name, value]) => [
        name,
        typeof value === 'string' && value !== '' ? join(folder, value) : value,
      ]),
    )
  }

  test('serves those who show a certificate of the authority', async () => {
    const driver = await openedDriver(with_({}))
    await driver.put('lport', 'p', '1')
    expect((await followed(driver)).values.get('/lport/p')).toBe('1')
  })

  const port = () => etcd.address.split(':')[1]
  test.each<[string, () => EtcdConfig, RegExp]>([
    [
      'no certificate',
      () => ({ remote_db_cert_file: '', remote_db_key_file: '' }),
      /does not take our certificate/,
    ],
    ['half a pair', () => ({ remote_db_key_file: '' }), /belong together: set both or neither/],
    [
      'the certificate of another authority',
      () => ({ remote_db_cert_file: 'foreign.pem', remote_db_key_file: 'foreign.key' }),
      /does not take our certificate: correct \[df\] remote_db_cert_file/,
    ],
    [
      'a key that does not fit',
      () => ({ remote_db_key_file: 'ca.key' }),
      /remote_db_cert_file and remote_db_key_file cannot be used \(.*\): see that they fit/,
    ],
    [
      'an authority that has not signed',
      () => ({ remote_db_ca_file: 'foreign.pem' }),
      /etcd at \S+ shows a certificate that is not trusted \(.*\): correct \[df\] remote_db_ca_file/,
    ],
    [
      'a name that is not in the certificate',
      () => ({ remote_db_hosts: [`localhost:${port()}`] }),
      /etcd at localhost:\d+ shows a certificate for another name/,
    ],
    [
      'no such file',
      () => ({ remote_db_ca_file: 'none.pem' }),
      /remote_db_ca_file = \S+none\.pem cannot be read/,
    ],
    [
      'a file that is no PEM',
      () => ({ remote_db_ca_file: 'no-pem' }),
      /remote_db_ca_file = \S+no-pem holds no PEM/,
    ],
  ])('refuses %s, as a mistake', async (_, changes, message) => {
    await expect(openEtcdDriver(with_(changes()), quick)).rejects.toMatchObject({
      name: 'ConfigError',
      message: expect.stringMatching(message),
    })
  })

  test('and plain text do not meet', async () => {
    const plain = await openedDriver({ remote_db_hosts: [`http://${etcd.address}`] })
    await expect(plain.list()).rejects.toThrow(/hangs up: write https:\/\/ in \S+ \S+ if it speaks TLS/)
    const other = await Etcd.start({ hasPort: true })
    cleanups.push(() => other.remove())
    const secure = await openedDriver(with_({ remote_db_hosts: [other.address] }))
    // Whether Node sees the plain reply before the end of the connection is a matter of chance.
    await expect(secure.list()).rejects.toThrow(
      /does not speak TLS: write http:\/\/|hangs up: .* http:\/\/ if/,
    )
  })
})

describe('user and password', () => {
  let etcd: Etcd

  beforeAll(async () => {
    etcd = await Etcd.start({ args: ['--auth-token-ttl', '1'] })
    await etcd.ctl('user', 'add', 'root:secret')
    await etcd.ctl('user', 'add', 'compute:word')
    await etcd.ctl('role', 'add', 'reader')
    await etcd.ctl('role', 'grant-permission', 'reader', '--prefix=true', 'read', '/')
    await etcd.ctl('user', 'grant-role', 'compute', 'reader')
    await etcd.ctl('auth', 'enable')
  }, 60_000)
  afterAll(() => etcd.remove())

  const as = (remote_db_user: string, remote_db_password: string): EtcdConfig => ({
    remote_db_hosts: [etcd.host],
    remote_db_user,
    remote_db_password,
  })

  test('let those in who have them, also after the token has expired and after a restart', async () => {
    const driver = await openedDriver(as('root', 'secret'))
    const follower = await followed(driver)
    await driver.put('lport', 'p', '1')
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    await driver.put('lport', 'p', '2')
    await follower.until(({ values }) => values.get('/lport/p') === '2')
    await etcd.stop()
    await etcd.restart('root:secret')
    await driver.put('lport', 'p', '3')
    await follower.until(({ values }) => values.get('/lport/p') === '3')
  }, 30_000)

  test('that may only read let one read and say what else is wrong', async () => {
    const driver = await openedDriver(as('compute', 'word'))
    expect((await followed(driver)).events[0]!.kind).toBe('snapshot')
    await expect(driver.put('lport', 'q', '1')).rejects.toThrow(
      /does not let the user "compute" do this: grant it the keys/,
    )
  })

  test.each([
    [
      'a wrong password',
      (as_) => as_('root', 'wrong'),
      /refuses the user "root": correct \[df\] remote_db_user/,
    ],
    ['an unknown user', (as_) => as_('nobody', 'x'), /refuses the user "nobody"/],
    ['nobody', (as_) => as_('', ''), /wants to know who asks: set \[df\] remote_db_user/],
  ] as [string, (as_: typeof as) => EtcdConfig, RegExp][])(
    'refuse %s, as a mistake',
    async (_, config, message) => {
      await expect(openEtcdDriver(config(as), quick)).rejects.toMatchObject({
        name: 'ConfigError',
        message: expect.stringMatching(message),
      })
    },
  )

  test('are a mistake where nobody asks for them', async () => {
    const other = await Etcd.start()
    cleanups.push(() => other.remove())
    await expect(
      openEtcdDriver({ ...as('root', 'secret'), remote_db_hosts: [other.host] }, quick),
    ).rejects.toMatchObject({
      name: 'ConfigError',
      message: expect.stringMatching(/has authentication turned off/),
    })
  })
})

describe('the controller', () => {
  let folder: string
  let etcd: Etcd

  beforeAll(() => void builtSource(), buildMs)
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'df-etcd-main-'))
    cleanups.push(() => rm(folder, { recursive: true }))
    etcd = await Etcd.start()
    cleanups.push(() => etcd.remove())
  })

  /** Runs it, without a switch, to its end. */
  async function runController(df: Readonly<Record<string, string>>) {
    const options = {
      nb_db_class: 'etcd_nb_db_driver',
      remote_db_hosts: etcd.host,
      ovsdb_connection: `unix:${folder}/db.sock`,
      metrics_listen: '127.0.0.1:0',
      ...df,
    }
    const lines = [
      ...['[DEFAULT]', 'host = compute-1', `run_dir = ${folder}/run`],
      ...['[df_openflow]', `listen = unix:${folder}/br-int.controller`, '[df]'],
      ...Object.entries(options).map(([option, value]) => `${option} = ${value}`),
    ]
    await writeFile(join(folder, 'df.conf'), `${lines.join('\n')}\n`)
    const args = [join(builtSource(), 'main.js'), '--config-file', join(folder, 'df.conf')]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] })
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      stderr += chunk
    })
    const ended = new Promise<{ code: number | null; stderr: string }>((resolve) =>
      child.on('close', (code) => resolve({ code, stderr })),
    )
    cleanups.push(async () => {
      child.kill('SIGKILL')
      await ended
    })
    return await ended
  }

  const reasonsToldNow = async () =>
    (await controllerStatus({ runDir: join(folder, 'run') } as NodePlan))?.reasons.join('\n') ?? ''
  const untilReasons = async (isSo: (reasons: string) => boolean) => {
    for (let tries = 0; tries < 300 && !isSo(await reasonsToldNow()); tries += 1)
      await new Promise((resolve) => setTimeout(resolve, 100))
    expect(await reasonsToldNow()).toSatisfy(isSo)
  }

  test('ends with code 2 and one line if the password is wrong', async () => {
    await etcd.ctl('user', 'add', 'root:secret')
    await etcd.ctl('auth', 'enable')
    const { code, stderr } = await runController({ remote_db_user: 'root', remote_db_password: 'wrong' })
    const plain = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{'))
    expect(plain).toEqual([
      expect.stringMatching(/^df-local-controller: etcd at unix:\S+ refuses the user "root": correct \[df\]/),
    ])
    expect(code).toBe(2)
  }, 60_000)

  test('is not ready, and says why, while etcd is not there, and goes on when it comes', async () => {
    await etcd.stop()
    void runController({})
    await untilReasons((reasons) => /etcd at unix:\S+ does not listen: start etcd there/.test(reasons))
    await etcd.start()
    await untilReasons((reasons) => reasons !== '' && !reasons.includes('northbound'))
  }, 60_000)
})
