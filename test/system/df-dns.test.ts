/** `df-dns` on a lab of two tenants: what it explains is what `dig` gets, with a controller and without one. */

import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run } from '../../src/cli/df-dns.ts'
import { portOf } from '../../src/lab/lab.ts'
import { stopProcess } from '../../src/lab/process.ts'
import { readState } from '../../src/lab/state.ts'
import { DnsLab, tenants, upstream } from '../support/dns-lab.ts'
import { ran } from '../support/io.ts'

let cloud: DnsLab

beforeAll(async () => {
  cloud = await DnsLab.start('df-dns')
})

afterAll(async () => {
  await cloud?.close()
  expect(cloud.strayPackets).toBe(0)
})

const dfDns = (...argv: string[]) =>
  ran(run, ['--config-file', join(cloud.lab.plan.nodes[0]!.directory, 'df.conf'), ...argv])
const idOf = (key: string) => portOf(cloud.lab.plan, key).port.id
const json = async (...argv: string[]) => {
  const { out, err, code } = await dfDns('-f', 'json', ...argv)
  expect(code, err.join()).toBe(0)
  return JSON.parse(out)
}

describe.each(tenants)('tenant %s', (tenant, domain, others) => {
  const vm1 = `${tenant}-vm1`

  // biome-ignore format: one question a line
  const questions: readonly (readonly [string, string, string, string])[] = [
    ['1: an owned name',                  `vm2.${domain}`,      'A',     upstream.v4],
    ['2: no address of the other family', `vm2.${domain}`,      'AAAA',  upstream.v4],
    ['3: an unknown name',                `nosuch.${domain}`,   'A',     upstream.v4],
    ['4: below a name',                   `x.vm2.${domain}`,    'A',     upstream.v4],
    ['4: the apex',                       domain,               'A',     upstream.v4],
    ['4: an empty non-terminal',          `rack.${domain}`,     'A',     upstream.v4],
    ['5: a name of the world',            'ext.test',           'A',     upstream.v4],
    ['6: the case of the query',          `vM2.${domain.toUpperCase()}`, 'A', upstream.v4],
    ['7: a reverse name',                 '6.0.0.10.in-addr.arpa', 'PTR', upstream.v4],
    ['8: the reverse name of nobody',     '77.0.0.10.in-addr.arpa', 'PTR', upstream.v4],
    ['8: one outside the subnet',         '77.0.1.10.in-addr.arpa', 'PTR', upstream.v4],
    ['9: PTR of a host name',             `vm2.${domain}`,      'PTR',   upstream.v4],
    ['10: A of a reverse name',           '6.0.0.10.in-addr.arpa', 'A',  upstream.v4],
    ['11: ANY',                           `vm1.${domain}`,      'ANY',   upstream.v4],
    ['12: another type',                  `vm1.${domain}`,      'HTTPS', upstream.v4],
    ['12: an unknown type',               `vm1.${domain}`,      'TYPE65534', upstream.v4],
    ['15: the other tenant’s name',       `vm2.${others}`,      'A',     upstream.v4],
    ['16: a bare name',                   'vm1',                'A',     upstream.v4],
    ['19: over IPv6',                     `vm2.${domain}`,      'A',     upstream.v6],
    ['21: the tenant’s own server',       `vm2.${domain}`,      'A',     '10.0.0.9'],
    ['22: a meta type',                   `vm2.${domain}`,      'TYPE250', upstream.v4],
    ['60: the SOA of an owned domain',    domain,               'SOA',   upstream.v4],
    ['60: its NS',                        domain,               'NS',    upstream.v4],
    ['60: its DNSKEY',                    domain,               'DNSKEY', upstream.v4],
  ]

  test.each(questions)('%s: explained as dig finds it', async (_what, name, type, server) => {
    const explained = await json('explain', idOf(vm1), name, type, '--server', server)
    const words = `@${server} ${name} ${type} +noedns +notcp`
    const isAnsweredHere =
      explained.switch.why === 'it comes to the controller' && explained.verdict === 'reply'
    const isPassing = !isAnsweredHere && server !== '10.0.0.9' // which is the tenant's own, inside
    const also = (port: string) => port === `${tenant}-vm9`
    const observed = await cloud.dig(vm1, words, { also, passing: isPassing ? 1 : 0 })
    expect(observed.passed.length > 0, observed.output).toBe(isPassing)
    if (!isAnsweredHere) return
    expect(observed.output).toContain(`status: ${explained.reply.status}`)
    const normal = (line: string) => line.replaceAll(/\s+/g, ' ').trim()
    const records = observed.output.split('\n').filter((line) => /^[^;]\S*\s+\d+\s+IN\s/.test(line))
    const said = [...explained.reply.answer, ...explained.reply.authority] as string[]
    expect(said.map((line) => line.replace(/((?:PTR|NS) \S+?)$/, '$1.'))).toEqual(records.map(normal))
  })

  test('the same from the store, whether or not a controller runs', async () => {
    for (const [, name, type, server] of questions) {
      const live = await json('explain', idOf(vm1), name, type, '--server', server)
      const stored = await json('--offline', 'explain', idOf(vm1), name, type, '--server', server)
      expect([stored.reasons, stored.verdict, stored.why]).toEqual([live.reasons, live.verdict, live.why])
      expect(stored.switch.isTraced).toBe(false)
    }
    expect(await json('--offline', 'list', idOf(vm1))).toEqual(await json('list', idOf(vm1)))
  })

  test('the switch’s half names the row that leaves a server alone', async () => {
    const { out } = await dfDns('explain', idOf(vm1), `vm2.${domain}`, '--server', '10.0.0.9')
    expect(out).toMatch(/the server that is asked is left alone: dns\(31\): .*nw_dst=10\.0\.0\.0\/24/)
  })

  test('list names nobody else’s', async () => {
    const names = ((await json('list', idOf(vm1))) as { name: string }[]).map(({ name }) => name)
    expect(names).toContain(`vm2.${domain}`)
    expect(names.filter((name) => name.endsWith(others))).toEqual([])
  })

  test('lookup gives the answer alone', async () => {
    const { out } = await dfDns('lookup', idOf(vm1), '-x', '10.0.0.6')
    expect(out).toBe(`; NOERROR, flags qr aa rd ra\n6.0.0.10.in-addr.arpa. 30 IN PTR vm2.${domain}\n`)
    expect((await dfDns('lookup', idOf(vm1), 'ext.test')).out).toMatch(
      /^not answered here: 198\.51\.100\.53 is asked/,
    )
  })
})

test('explaining counts nothing and sends nothing', async () => {
  const counted = async () =>
    ((await json('stats')) as { name: string; labels: string; value: number }[]).filter(({ name }) =>
      name.startsWith('df_dns_'),
    )
  const before = await counted()
  for (let turn = 0; turn < 5; turn += 1) await json('explain', idOf('a-vm1'), 'vm2.t1.example')
  expect(await counted()).toEqual(before)
})

test('two ports of one name are told apart by id, and check finds nothing wrong with them', async () => {
  const { code, err } = await dfDns('explain', 'vm1', 'x')
  expect(code).toBe(2)
  expect(err.join()).toMatch(/'vm1' is 2 ports here: name one by its id/)
  const { code: found, err: said } = await dfDns('check')
  expect([found, said]).toEqual([0, ['df-dns: every name can be served']])
})

test('the level of the log is told and changed while the controller runs', async () => {
  expect((await dfDns('log-level')).out).toBe('info\n')
  expect((await dfDns('log-level', 'debug')).out).toBe('debug\n')
  expect(await json('log-level')).toEqual({ level: 'debug' })
  const { code, err } = await dfDns('log-level', 'loud')
  expect({ code, err }).toEqual({
    code: 2,
    err: ["df-dns: level 'loud': expected trace, debug, info, warn, error, fatal"],
  })
  expect((await dfDns('log-level', 'info')).out).toBe('info\n')
})

test('without a controller the store answers, and stats say what to do', async () => {
  const controller = readState(cloud.name)!.parts.find(
    (part) => part.name === 'compute-1/controller',
  )!.process
  await stopProcess(controller)
  const { out, err } = await dfDns('lookup', idOf('b-vm1'), 'vm2.t2.example')
  expect(out).toContain('vm2.t2.example. 30 IN A 10.0.0.6')
  expect(err.join()).toMatch(/no controller answers at .*control\.sock: reading the northbound store/)
  expect(await dfDns('stats')).toMatchObject({
    code: 2,
    err: [expect.stringMatching(/no controller runs here/)],
  })
})
