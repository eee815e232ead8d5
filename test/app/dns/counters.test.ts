import { describe, expect, test } from 'vitest'
import { createCounters } from '../../../src/app/dns/counters.ts'
import { createMetrics } from '../../../src/metrics.ts'
import { captured, frameOf } from '../../packet/foreign.ts'
import { puntOf } from '../../support/apps.ts'
import { twoTenants } from '../../support/view.ts'
import { appOf, hostOf, localPort } from './asking.ts'

const [red, blue] = [1, 4]
const view = twoTenants()

/** The lines of the metrics of that name, without it. */
function linesOf(text: string, name: string): string[] {
  return text.split('\n').flatMap((line) => (line.startsWith(`${name}{`) ? [line.slice(name.length)] : []))
}

/** What is counted of these frames. */
async function counted(key: number, ...frames: Buffer[]): Promise<(name: string) => string[]> {
  const host = hostOf()
  const app = appOf({}, host)
  for (const frame of frames) app.packetIn!(puntOf(localPort(view, key), frame), view)
  const text = await host.metrics.text()
  return (name) => linesOf(text, name)
}

describe('queries', () => {
  // biome-ignore format: one captured query a line
  test.each<[string, number, string]>([
    ['dig web.red.example.org AAAA',         red,  'verdict="reply",type="AAAA",family="ipv4",network="net-red"'],
    ['dig -6 web.red.example.org AAAA',      red,  'verdict="reply",type="AAAA",family="ipv6",network="net-red"'],
    ['dig web.red.example.org HTTPS',        red,  'verdict="reply",type="HTTPS",family="ipv4",network="net-red"'],
    ['dig web.red.example.org HTTPS',        blue, 'verdict="pass",type="HTTPS",family="ipv4",network="net-blue"'],
    ['dig web.red.example.org TYPE65534',    red,  'verdict="reply",type="other",family="ipv4",network="net-red"'],
    ['dig web.red.example.org TYPE254',      red,  'verdict="pass",type="other",family="ipv4",network="net-red"'],
    ['dig +notcp web.red.example.org ANY',   red,  'verdict="reply",type="ANY",family="ipv4",network="net-red"'],
    ['dig -x 10.0.0.12',                     blue, 'verdict="reply",type="PTR",family="ipv4",network="net-blue"'],
    ['dig +noedns +header-only',                     red,  'verdict="pass",type="none",family="ipv4",network="net-red"'],
    ['with IPv4 options: dig +noedns web.red.example.org A', red, 'verdict="pass",type="none",family="none",network="net-red"'],
  ])('%s of port %i: %s', async (text, key, labels) => {
    const lines = await counted(key, frameOf(text), frameOf(text))
    expect(lines('df_dns_queries_total')).toEqual([`{${labels}} 2`])
  })

  test('make no more lines than there are words, whatever is asked', async () => {
    const lines = await counted(red, ...captured.map(({ frame }) => frame))
    expect(lines('df_dns_queries_total').length).toBeLessThan(2 * 3 * 14)
  })

  test('of the 65th network on share one line', async () => {
    const metrics = createMetrics()
    const count = createCounters(metrics)
    for (let network = 1; network <= 70; network++)
      count(
        { ...localPort(view, red), networkId: `net-${network}` },
        { kind: 'pass', why: 'unknown-name', family: 4, type: 1, unread: undefined, rcode: undefined },
      )
    const lines = linesOf(await metrics.text(), 'df_dns_queries_total')
    expect(lines.length).toBe(65)
    expect(lines.at(-1)).toBe('{verdict="pass",type="A",family="ipv4",network="other"} 6')
  })
})

// biome-ignore format: one captured packet a line
test.each<[string, string[]]>([
  ['dig +noedns +header-only',                             ['{reason="counts"} 1']],
  ['an empty payload',                             ['{reason="message"} 1']],
  ['with IPv4 options: dig +noedns web.red.example.org A', ['{reason="header"} 1']],
  ['in fragments: dig +noedns web.red.example.org A',      []],
  ['a response',                                   []],
  ['dig version.bind CH TXT',                      []],
  ['dig web.red.example.org A',                    []],
])('%s is malformed for %j', async (text, expected) => {
  const lines = await counted(red, frameOf(text))
  expect(lines('df_dns_malformed_total')).toEqual(expected)
})

test('a reply is counted by its code, and a packet that goes on by its reason', async () => {
  const lines = await counted(red, frameOf('dig web.red.example.org A'), frameOf('dig www.example.net A'))
  expect(lines('df_dns_responses_total')).toEqual(['{rcode="NOERROR"} 1'])
  expect(lines('df_dns_forwarded_total')).toEqual(['{reason="unknown-name"} 1'])
})
