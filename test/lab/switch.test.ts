import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createNamespace, createVeth, deleteNamespace, ip, runIn } from '../../src/lab/namespace.ts'
import { isRunning, stopProcess } from '../../src/lab/process.ts'
import { addBridge, type Switch, startSwitch } from '../../src/lab/switch.ts'

const directory = mkdtempSync(join(tmpdir(), 'df-switch-'))
const names = ['node', 'a', 'b'].map((name) => `dft-${process.pid}-${name}`)
const [node, a, b] = names as [string, string, string]
let subject: Switch

beforeAll(async () => {
  for (const name of names) await createNamespace(name)
  subject = await startSwitch({ directory, namespace: node, bridge: 'br-int' })
})

afterAll(async () => {
  await subject?.stop()
  for (const name of names) await deleteNamespace(name)
  rmSync(directory, { recursive: true })
})

describe('a private switch', () => {
  test('has a bridge of the userspace datapath that passes nothing', async () => {
    expect(await subject.vsctl('get', 'bridge', 'br-int', 'datapath_type', 'fail_mode')).toBe(
      'netdev\nsecure\n',
    )
    expect(await subject.ofctl('dump-flows', 'br-int')).toMatch(/^OFPST_FLOW reply.*\n$/)
    expect(await subject.appctl('version')).toContain('Open vSwitch')
  })

  test('keeps everything in its directory', () => {
    expect(readdirSync(directory)).toEqual(expect.arrayContaining(['conf.db', 'db.sock', 'br-int.mgmt']))
    expect(subject.dbSocket).toBe(join(directory, 'db.sock'))
  })

  test('lives in its namespace', async () => {
    const pids = (await runIn(node, 'ip', ['netns', 'pids', node])).trim().split('\n').map(Number)
    expect(pids).toEqual(expect.arrayContaining(subject.processes.map(({ pid }) => pid)))
  })

  test('carries UDP between two namespaces', async () => {
    await addBridge(subject, 'br-plain', 'standalone')
    for (const [namespace, port, address] of [
      [a, 'port-a', '192.0.2.1/24'],
      [b, 'port-b', '192.0.2.2/24'],
    ] as const) {
      await createVeth({ namespace: node, device: port }, { namespace, device: 'eth0' })
      await ip(namespace, [`address add ${address} dev eth0`])
      await subject.vsctl('add-port', 'br-plain', port)
    }
    const receive =
      'import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("192.0.2.2", 5353)); s.settimeout(5); print(s.recv(99).decode())'
    const received = runIn(b, 'python3', ['-c', receive])
    const send =
      'import socket, time; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\nfor i in range(20): s.sendto(b"hello", ("192.0.2.2", 5353)); time.sleep(0.1)'
    await runIn(a, 'python3', ['-c', send])
    expect(await received).toBe('hello\n')
  })

  test('a switch in a namespace that is missing is an error that says so', async () => {
    const missing = { directory: join(directory, 'other'), namespace: 'dft-missing' }
    await expect(startSwitch(missing)).rejects.toThrow(/ovsdb-server ended while waiting for.*dft-missing/)
  })

  test('stop leaves no process', async () => {
    await subject.stop()
    expect(subject.processes.map(isRunning)).toEqual([false, false])
    await stopProcess(subject.processes[0]!) // once more does nothing
  })
})
