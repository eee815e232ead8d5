import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { queriesIn } from '../../src/lab/capture.ts'
import { dig } from '../../src/lab/dig.ts'
import { captureOf } from '../../src/lab/dns-server.ts'
import { interview } from '../../src/lab/interview.ts'
import { down, type Lab, labPlan, namespaceOf, portOf, up } from '../../src/lab/lab.ts'
import { createNamespace, deleteNamespace, hasNamespace } from '../../src/lab/namespace.ts'
import { plug, unplug } from '../../src/lab/port.ts'
import { outputOf, waitUntil } from '../../src/lab/process.ts'
import { questions, questionsWithoutController } from '../../src/lab/questions.ts'
import { readState } from '../../src/lab/state.ts'
import { labStatus } from '../../src/lab/status.ts'
import { switchAt } from '../../src/lab/switch.ts'
import { builtSource } from '../support/build.ts'
import { devicesOf, twoTenantsFile as file, labNameOf, links, patchWords, tracesOf } from '../support/lab.ts'

const options = { file, controller: undefined, diesWithParent: true, report: () => {} }
const command = join(builtSource(), 'cli/df-lab.js')

describe('a lab without controllers', () => {
  const name = labNameOf('still')
  let lab: Lab

  beforeAll(async () => {
    lab = await up({ name, ...options })
    await connectByHand(lab)
  })

  afterAll(async () => {
    await down(name)
    expect(tracesOf(name)).toEqual([])
  })

  const ask = (port: string, question: string) => dig(namespaceOf(lab.plan, port), question.split(' '))

  test('keeps its links away from the machine', () => {
    const devices = devicesOf(name)
    expect(devices.length).toBe(7)
    expect(links().filter((link) => devices.includes(link))).toEqual([])
  })

  // biome-ignore format: one row a line
  test.each([
    ['red-web',  '@198.51.100.53 ext.example.net A',     'NOERROR',  '192.0.2.80',   '198.51.100.11'],
    ['blue-web', '@198.51.100.53 ext.example.net A',     'NOERROR',  '192.0.2.80',   '198.51.100.12'],
    ['red-web',  '@2001:db8::53 ext.example.net AAAA',   'NOERROR',  '2001:db8::80', '2001:db8::11'],
    ['blue-web', '@2001:db8::53 ext.example.net AAAA',   'NOERROR',  '2001:db8::80', '2001:db8::12'],
    ['red-db',   'mail.example.net A',                   'NOERROR',  '192.0.2.25',   '198.51.100.11'],
    ['red-web',  '@198.51.100.53 ext.example.net MX',    'NOERROR',  '',             '198.51.100.11'],
    ['red-web',  '@198.51.100.53 web.red.example.org A', 'NXDOMAIN', '',             '198.51.100.11'],
    ['blue-db',  '@198.51.100.53 -x 192.0.2.25',         'NOERROR',  'mail.example.net.', '198.51.100.12'],
  ])('%s asks outside: %s', async (port, question, status, answer, source) => {
    const reply = await ask(port, question)
    expect(reply).toMatchObject({ status, answers: answer === '' ? [] : [answer] })
    let seen = await queriesIn(captureOf(lab.plan, 'resolver'))
    await waitUntil('the capture', async () => {
      seen = await queriesIn(captureOf(lab.plan, 'resolver'))
      return seen.some((query) => query.id === reply?.id)
    })
    expect(seen.find((query) => query.id === reply?.id)).toMatchObject({ source })
  })

  test("only its tenant reaches a VM's own DNS server", async () => {
    expect(await ask('red-web', '@10.0.0.53 wiki.corp.example.com A')).toMatchObject({
      answers: ['10.0.0.80'],
    })
    expect(await ask('red-web', '@fd00:a::53 wiki.corp.example.com AAAA')).toMatchObject({
      answers: ['fd00:a::80'],
    })
    expect(await ask('blue-web', '+tries=1 @10.0.0.53 wiki.corp.example.com A')).toBeUndefined()
  })

  test('an interview finds out who answered, and what is not as expected', async () => {
    const findings = await interview(lab.plan, [...questionsWithoutController, questions[0]!])
    expect(findings.map(({ by, faults }) => [by, faults])).toEqual([
      ['outside server', []],
      ['outside server', []],
      ["tenant's own server", []],
      ['outside server', []],
      [
        'outside server',
        [
          'status is NXDOMAIN, not NOERROR',
          'the answer is empty, not 10.0.0.12',
          'the answerer is outside server, not cloud controller',
          'the list of flags is qr rd ra, not qr aa rd ra',
        ],
      ],
    ])
    const nobody = { ...questions[0]!, ask: '+tries=1 @10.0.0.99 db A' }
    expect(await interview(lab.plan, [nobody])).toMatchObject([{ by: 'nobody', faults: ['no reply'] }])
  })

  test('a VM has its own resolv.conf', async () => {
    const shown = await outputOf('ip', [
      'netns',
      'exec',
      namespaceOf(lab.plan, 'blue-web'),
      'cat',
      '/etc/resolv.conf',
    ])
    expect(shown.stdout).toBe('nameserver 198.51.100.53\nnameserver 2001:db8::53\nsearch blue.example.org\n')
  })

  test('a port is unplugged and plugged in again where it was', async () => {
    const { port, node } = portOf(lab.plan, 'red-db')
    const ofport = async () => (await labStatus(name)).ports.find(({ key }) => key === 'red-db')?.ofport
    expect(await ofport()).toBe(12)
    await unplug(port, node)
    await unplug(port, node)
    expect(await ofport()).toBeUndefined()
    await plug(port, node)
    await plug(port, node)
    expect(await ofport()).toBe(12)
    const ids = await switchAt(node.switchDirectory).vsctl(
      'get',
      'interface',
      port.device,
      'external_ids:iface-id',
    )
    expect(ids.trim()).toBe(`"${port.id}"`)
  })

  test('shows its state', async () => {
    const status = await labStatus(name)
    expect(status).toMatchObject({ state: 'up', controllers: [] })
    expect(status.processes.map((process) => process.name).sort()).toEqual([
      'compute-1/ovs-vswitchd',
      'compute-1/ovsdb-server',
      'red-dns/capture',
      'red-dns/dnsmasq',
      'resolver/capture',
      'resolver/dnsmasq',
    ])
    expect(status.processes.every(({ isRunning }) => isRunning)).toBe(true)
  })

  test('is not brought up twice', async () => {
    await expect(up({ name, ...options })).rejects.toThrow(
      `there is a lab ${name} already; take it down first`,
    )
    expect((await labStatus(name)).state).toBe('up')
  })

  test('runs beside another lab of the same file', async () => {
    const other = labNameOf('other')
    await up({ name: other, ...options })
    await down(other)
    expect(tracesOf(other)).toEqual([])
    expect(await ask('red-web', '@198.51.100.53 ext.example.net A')).toMatchObject({ status: 'NOERROR' })
  })

  // biome-ignore format: one row a line
  test.each([
    ['exec passes the exit code on',   ['exec', 'red-web', '--', 'sh', '-c', 'exit 7'], 7,  /^$/],
    ['exec works without the dashes',  ['exec', 'red-web', 'cat', '/etc/resolv.conf'],  0,  /^$/],
    ['exec takes a gateway too',       ['exec', 'red-gateway', '--', 'true'],           0,  /^$/],
    ['dig passes options on',          ['dig', 'red-web', '-x', '192.0.2.80', '+short'], 0, /^$/],
    ['an unknown port',                ['exec', 'green-web', '--', 'true'],             2,  /^df-lab: there is no green-web in lab \S+; it has red-web, [^\n]*\n$/],
    ['an unknown port to unplug',      ['unplug', 'resolver'],                          2,  /^df-lab: there is no port resolver in lab \S+; it has red-web, red-db, red-dns, blue-web, blue-db\n$/],
    ['a lab that is up already',       ['up', '--no-controller', file],                 2,  /^df-lab: there is a lab \S+ already; take it down first [^\n]*\n$/],
    ['a lab file that is missing',     ['up', 'nowhere.yaml'],                          2,  /^df-lab: nowhere\.yaml: cannot be read [^\n]*\n$/],
    ['no command',                     ['exec', 'red-web'],                             2,  /^df-lab: missing required argument 'command'\n$/],
    ['an unknown command',             ['uq'],                                          2,  /^df-lab: unknown command 'uq'\n/],
  ])('the command line: %s', async (_, args, code, message) => {
    const { exitCode, stderr } = await outputOf('node', [command, '--name', name, ...args])
    expect(stderr).toMatch(message)
    expect(exitCode).toBe(code)
  })
})

describe('an up that does not get to its end', () => {
  const name = labNameOf('broken')

  afterEach(async () => {
    await down(name)
    expect(tracesOf(name)).toEqual([])
  })

  // The later the signal, the more there is to take down; 10 s are never reached.
  test.each(['compute nodes', 'outside', 'ports'])(
    'interrupted at "%s" leaves nothing behind',
    async (step) => {
      const { code, stderr } = await upUntil(step, 'SIGINT')
      expect(code).toBe(130)
      expect(stderr).toMatch(
        /df-lab: interrupted; taking down what there is\ndf-lab: interrupted \(SIGINT\)\n$/,
      )
      expect(tracesOf(name)).toEqual([])
    },
  )

  test.each(['outside', 'ports'])('killed at "%s" is taken down from what is on disk', async (step) => {
    expect((await upUntil(step, 'SIGKILL')).code).toBeNull()
    expect(readState(name)?.owner).toBeDefined()
    expect((await labStatus(name)).state).toBe('left behind')
    await expect(up({ name, ...options })).rejects.toThrow('take it down first')
    expect(await down(name)).toBe(true)
    expect(tracesOf(name)).toEqual([])
    expect(await down(name)).toBe(false)
  })

  test('whose reader has gone goes on', async () => {
    const { child, ended } = start()
    child.stderr.destroy()
    expect((await ended).code).toBe(0)
    expect((await labStatus(name)).state).toBe('up')
  })

  test('under way is ended by down', async () => {
    const child = start()
    await waitUntil('the state', () => readState(name) !== undefined)
    expect(await down(name)).toBe(true)
    expect(tracesOf(name)).toEqual([])
    expect(await child.ended).toMatchObject({ code: 143 })
  })

  test('because a controller does not start says why, and leaves nothing behind', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'df-lab-'))
    const controller = join(directory, 'main.js')
    writeFileSync(controller, 'console.error("cannot listen"); process.exitCode = 2')
    await expect(up({ name, ...options, controller })).rejects.toThrow(
      'the controller of compute-1 ended while waiting for the controller of compute-1 to be ready: cannot listen',
    )
    expect(tracesOf(name)).toEqual([])
    await rm(directory, { recursive: true })
  })

  test('because a namespace is taken leaves that one alone', async () => {
    const taken = `df-${name}-blue-db`
    await createNamespace(taken)
    await expect(up({ name, ...options })).rejects.toThrow(
      `the namespace ${taken} exists already; delete it or`,
    )
    expect(hasNamespace(taken)).toBe(true)
    await deleteNamespace(taken)
  })

  test.each([
    [
      'a controller that is not there',
      { controller: '/nowhere/main.js' },
      '/nowhere/main.js: there is no controller there',
    ],
    ['a name that is too long', { name: 'n'.repeat(21) }, 'use at most 20 lower case letters'],
    ['a name with a slash', { name: '../x' }, 'use at most 20 lower case letters'],
  ])('because of %s begins nothing', async (_, wrong, message) => {
    await expect(up({ name, ...options, ...wrong })).rejects.toThrow(message)
  })

  function start() {
    const child = spawn('node', [command, '--name', name, 'up', '--no-controller', file])
    let stderr = ''
    child.stderr.on('data', (chunk) => {
      stderr += chunk
    })
    const ended = new Promise<{ code: number | null; stderr: string }>((resolve) =>
      child.on('close', (code) => resolve({ code, stderr })),
    )
    return { child, ended, output: () => stderr }
  }

  async function upUntil(step: string, signal: NodeJS.Signals) {
    const { child, ended, output } = start()
    await waitUntil(step, () => output().includes(`df-lab: ${step}`))
    child.kill(signal)
    return ended
  }
})

test('a lab that there is not is an error with the remedy', () => {
  expect(() => labPlan('none')).toThrow(
    'there is no lab none; bring it up first (df-lab --name none up FILE.yaml)',
  )
})

/** What the controller would do, by hand: each tenant's ports and the provider bridge on the tenant's VLAN. */
async function connectByHand({ plan }: Lab): Promise<void> {
  const [node] = plan.nodes
  const { vsctl, ofctl } = switchAt(node!.switchDirectory)
  const [here, there] = [patchWords('br-int', 'to-ex', 'to-int'), patchWords('br-ex', 'to-int', 'to-ex')]
  await vsctl(...here, '--', ...there)
  for (const { device, networkId } of plan.ports) {
    const vlan = plan.networks.find(({ id }) => id === networkId)!.segmentationId
    await vsctl('set', 'port', device, `tag=${vlan}`)
  }
  await ofctl('add-flow', 'br-int', 'actions=normal')
}
