/**
 * What the DHCP agent's dnsmasq answers about the recorded cloud (test/vectors/neutron/dnsmasq: the agent's own files,
 * the real dnsmasq 2.90) is answered here with the same addresses, except for what docs/neutron.md argues.
 */

import { describe, expect, test } from 'vitest'
import { dns } from '../../src/app/dns/dns.ts'
import type { Explanation } from '../../src/app/dns/inspect.ts'
import type { View } from '../../src/app/view.ts'
import { viewOf } from '../../src/controller/topology.ts'
import { localPortOf } from '../../src/controller/view-port.ts'
import { silentLogger } from '../../src/log.ts'
import { createMetrics } from '../../src/metrics.ts'
import { northboundOf } from '../../src/nb/index.ts'
import { changesOf } from '../../src/neutron/changes.ts'
import { wantedOf } from '../../src/neutron/rows.ts'
import { blue, recordedCloud, recordedText, red } from '../support/neutron.ts'

interface Line {
  readonly name: string
  readonly type: string
  readonly records: readonly string[]
  readonly wasForwarded: boolean
}

/** The lines of a recorded file: `name type | rcode flags | records | asked upstream?`. */
const linesOf = (network: string): Line[] =>
  recordedText(`dnsmasq/${network}.txt`)
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [question = '', , records = '', upstream] = line.split(' | ')
      const [name = '', type = ''] = question.split(' ')
      return {
        name,
        type,
        records: records === '' ? [] : records.split(','),
        wasForwarded: upstream === 'upstream=1',
      }
    })

function view(): View {
  const cloud = recordedCloud()
  const { writes } = changesOf({
    wanted: wantedOf(cloud),
    cloud,
    stored: { values: new Map(), own: new Set() },
    gone: {},
  })
  const nb = northboundOf(writes)
  expect(nb.rejected).toEqual([])
  const made = viewOf({ nb, switchPorts: [], host: 'compute-1', patchPorts: new Map() })
  return { ...made, localPorts: [...made.ports.values()].map((port) => localPortOf(port, 1)) }
}

const cloud = view()
const host = {
  log: silentLogger,
  metrics: createMetrics(),
  now: () => 0,
  common: { dnsDomain: 'elsewhere.example', leaseSeconds: 86_400, localIp: '', tunnelTypes: [] },
}
const options = Object.fromEntries(
  Object.entries(dns.options).map(([name, { default: value }]) => [name, value]),
)
/** dnsmasq serves a network; so does this scope. */
const app = dns.factory({ ...options, df_dns_scope: 'network' } as never, host)

/** What a project's port on a network is answered: the values of the records, or undefined if the query passes. */
function answered(
  network: string,
  project: string,
  { name, type }: Pick<Line, 'name' | 'type'>,
): string[] | undefined {
  const id = [...cloud.networks.values()].find((one) => one.name === network)!.id
  const asker = cloud.localPorts.find(
    (port) => port.networkId === id && port.topic === project && port.dnsName,
  )!
  const explained = app.inspect!.explain!(
    { port: asker.id, name, type, server: '198.51.100.53' },
    cloud,
  ) as Explanation
  if (explained.verdict !== 'reply') return undefined
  return explained.reply!.answer.map((line) => line.replace(/^\S+ \d+ IN \S+ /, '').replace(/\.$/, '')).sort()
}

const valueIn = (record: string) => record.split(' ').at(-1)!.replace(/\.$/, '')

const askers = [
  ['red-net', red],
  ['red-net2', red],
  ['blue-net', blue],
  ['shared-net', red],
  ['shared-net', blue],
] as const

/** The differences that are meant, by question. */
const isBareMultiLabel = ({ name }: Line) => name === 'a.b'
const isOfOtherProject = (network: string, project: string, { name }: Line) =>
  network === 'shared-net' && name === `s${project === red ? 'blue' : 'red'}.cloud.example`

describe.each(askers)('on %s, project %s', (network, project) => {
  const lines = linesOf(network)
  const owned = lines.filter((line) => !line.wasForwarded && line.type !== 'ANY')
  const same = owned.filter((line) => !isBareMultiLabel(line) && !isOfOtherProject(network, project, line))

  test('there is something to compare', () => expect(same.length).toBeGreaterThan(0))

  test.each(same.map((line) => [line.name, line.type, line] as const))(
    '%s %s: the same',
    (_name, _type, line) => {
      expect(answered(network, project, line)).toEqual(line.records.map(valueIn).sort())
    },
  )

  test.each(
    owned.filter((line) => !same.includes(line)).map((line) => [line.name, line.type, line] as const),
  )('%s %s: passes, though dnsmasq answers', (_name, _type, line) =>
    expect(answered(network, project, line)).toBeUndefined(),
  )

  test.each(lines.filter((line) => line.wasForwarded).map((line) => [line.name, line.type, line] as const))(
    '%s %s: passes, or has no record',
    (_name, _type, line) => {
      expect(answered(network, project, line) ?? []).toEqual([])
    },
  )
})

test('a name is one project’s, although the other has the same at the same address', () => {
  const web = { name: 'web.cloud.example', type: 'AAAA' }
  expect(answered('red-net', red, web)).toEqual(['fd00:a::5'])
  expect(answered('blue-net', blue, web)).toEqual(['fd00:b::f816:3eff:fe79:85e9'])
})
