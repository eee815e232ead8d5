/** examples/two-nodes.yaml, booted: what docs/lab.md says of it, by real clients on two real switches and one etcd. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { leaseOf, untilBooted } from '../../src/lab/boot.ts'
import { outcomeOf } from '../../src/lab/errand-runner.ts'
import { errands } from '../../src/lab/errands.ts'
import { down, type Lab, namespaceOf, portOf, up } from '../../src/lab/lab.ts'
import { plug, unplug } from '../../src/lab/port.ts'
import { outputOf, waitUntil } from '../../src/lab/process.ts'
import { readState } from '../../src/lab/state.ts'
import { builtSource } from '../support/build.ts'
import { startCapture } from '../support/capture.ts'
import { labNameOf, tracesOf } from '../support/lab.ts'
import { startResolved } from '../support/resolved.ts'

const name = labNameOf('two-nodes')
const controller = join(builtSource(), 'main.js')
const file = 'examples/two-nodes.yaml'
let lab: Lab

beforeAll(async () => {
  lab = await up({ name, file, controller, nb: 'etcd', diesWithParent: true, report: () => {} })
  await untilBooted(lab.plan, lab.plan.ports)
})

afterAll(async () => {
  await down(name)
  expect(tracesOf(name)).toEqual([])
})

const ping = (vm: string, ...args: string[]) =>
  outputOf('ip', [
    'netns',
    'exec',
    namespaceOf(lab.plan, vm),
    'ping',
    '-c',
    '2',
    '-i',
    '0.2',
    '-W',
    '1',
    ...args,
  ])

describe('each tenant reaches its own by name, and nobody else', () => {
  test.each(errands)('$vm: $command', async (errand) => {
    expect((await outcomeOf(lab.plan, errand)).found).toBe(errand.result)
  })
})

test("what a tenant's VMs send to one of theirs or to all is on no wire of another tenant's", async () => {
  const tenants = ['red', 'blue', 'green']
  const captures = await Promise.all(
    [...lab.plan.ports, ...lab.plan.servers].map(async ({ key, namespace }) => ({
      key,
      capture: await startCapture(namespace, 'eth0', { direction: 'inout', filter: 'icmp or icmp6' }),
    })),
  )
  const markOf = (tenant: string) => Buffer.from(`mark ${tenant}`)
  const targets = [
    ['-4', 'db'],
    ['-4', '-b', '10.0.0.255'],
    ['-6', 'cache'],
    ['-6', 'ff02::1%eth0'],
  ]
  const shout = async (tenant: string) => {
    for (const target of targets) await ping(`${tenant}-web`, '-p', markOf(tenant).toString('hex'), ...target)
  }
  await Promise.all(tenants.map(shout))
  const seen = await Promise.all(
    captures.map(async ({ key, capture }) => {
      const frames = await capture.stop()
      return [key, tenants.filter((tenant) => frames.some((frame) => frame.includes(markOf(tenant))))]
    }),
  )
  const owners = lab.plan.ports.map(({ key }) => [key, [key.split('-')[0]]])
  expect(seen).toEqual([...owners, ['resolver', []]])
})

test('systemd-resolved takes from systemd-networkd what the cloud told it, and resolves by it', async () => {
  const { port } = portOf(lab.plan, 'red-cache')
  const { process } = readState(name)!.parts.find((part) => part.name === 'red-cache/networkd')!
  const resolved = await startResolved(port.namespace, ['MulticastDNS=no', 'LLMNR=no'], process)
  try {
    const query = async (question: string) => {
      const words = resolved.resolvectl('query', question)
      return (await outputOf('nsenter', [`--net=/run/netns/${port.namespace}`, ...words])).stdout
    }
    await waitUntil('an answer', async () => (await query('db')) !== '')
    const answer = await query('db')
    for (const part of ['10.0.1.12', 'fd00:b::f816:3eff:fe00:12', '(db.red.example.org)', 'link: eth0'])
      expect(answer).toContain(part)
    expect(await query('10.0.0.11')).toContain('web.red.example.org')
    expect(await query('db.blue.example.org')).toBe('')
  } finally {
    await resolved.stop()
  }
})

test('a VM that is unplugged and plugged in again is where it was, with the lease it had', async () => {
  const { port, node } = portOf(lab.plan, 'blue-cache')
  const lease = leaseOf(lab.plan, port, 4)
  const answers = async () => (await ping('blue-web', '-4', '10.0.0.13')).exitCode === 0
  await unplug(port, node)
  await waitUntil('silence', async () => !(await answers()))
  expect((await ping('red-web', '-4', '10.0.0.13')).exitCode).toBe(0) // the other tenant's, under the same address
  await plug(port, node)
  await waitUntil('answers', answers)
  expect(leaseOf(lab.plan, port, 4)).toEqual(lease)
})

test('the controllers found nothing to mend', () => {
  for (const { directory } of lab.plan.nodes)
    expect(readFileSync(join(directory, 'controller.log'), 'utf8')).not.toMatch(
      /changing them back|cannot|failed/,
    )
})
