/**
 * What the application counts (README.md, Metrics). Each line is a plain number that is found by an index or a word: no
 * packet waits for its labels to be hashed. Labels come from fixed sets, but for networks: the first 64 that ask have
 * lines of their own, the others share one.
 */

import type { Cell, Metrics } from '../../metrics.ts'
import type { Unparsed } from '../../packet/index.ts'
import type { Port } from '../view.ts'
import type { Judgement } from './decision.ts'
import type { Unread } from './question.ts'

const maxNetworks = 64

/** What becomes of packets, as the label says it. */
const verdicts = ['reply', 'pass'] as const
/** By half the version. */
const families = ['none', '', 'ipv4', 'ipv6'] as const

/** The types that have a line of their own; `none` is a message without a question. */
// biome-ignore format: one list
const typeNumbers = { A: 1, NS: 2, CNAME: 5, SOA: 6, PTR: 12, MX: 15, TXT: 16, AAAA: 28, SRV: 33, SVCB: 64, HTTPS: 65, ANY: 255 }
const typeLabels = ['none', 'other', ...Object.keys(typeNumbers)]
const typePlaces = new Uint8Array(256).fill(1)
for (const [index, number] of Object.values(typeNumbers).entries()) typePlaces[number] = index + 2

/** Why a packet is broken or too odd to be read; with other reasons it is whole, but not for us. */
const faults: ReadonlySet<string> = new Set<Unparsed | Unread>([
  ...(['short', 'header', 'length', 'checksum'] as const),
  ...(['message', 'counts', 'name', 'additional'] as const),
])

/**
 * Makes the function that counts a packet of `port` and what was decided; not for the host's own probes. In shadow mode
 * replies are not sent: their packets go on.
 */
export function createCounters(
  metrics: Metrics,
  isShadow = false,
): (port: Port, judgement: Judgement) => void {
  const queries = metrics.tally(
    'df_dns_queries_total',
    'DNS packets decided, by verdict, type of the question, IP version and network of the asker',
    ['verdict', 'type', 'family', 'network'],
  )
  const forwarded = metrics.words('df_dns_forwarded_total', 'DNS packets that went on, by reason', 'reason')
  const responses = metrics.words('df_dns_responses_total', 'DNS replies, by response code', 'rcode')
  const malformed = metrics.words(
    'df_dns_malformed_total',
    'Packets to port 53 that are broken or too odd to be read, by reason',
    'reason',
  )
  const byNetwork = new Map<string, (Cell | undefined)[]>()
  const others: (Cell | undefined)[] = []

  function cellsOf(network: string): (Cell | undefined)[] {
    const known = byNetwork.get(network)
    if (known !== undefined) return known
    if (byNetwork.size >= maxNetworks) return others
    const cells: (Cell | undefined)[] = []
    byNetwork.set(network, cells)
    return cells
  }

  function queryCell(network: string, kind: Judgement['kind'], family: 4 | 6 | 0, type: number): Cell {
    const cells = cellsOf(network)
    const verdictPlace = kind === 'pass' ? 1 : 0
    const familyPlace = family >> 1 // 0, 2, 3
    const typePlace = type < 0 ? 0 : (typePlaces[type] ?? 1)
    const place = (typePlace * 4 + familyPlace) * 2 + verdictPlace
    cells[place] ??= queries({
      verdict: verdicts[verdictPlace],
      type: typeLabels[typePlace]!,
      family: families[familyPlace]!,
      network: cells === others ? 'other' : network,
    })
    return cells[place]
  }

  return ({ networkId }, { kind, why, rcode, family, type, unread }) => {
    queryCell(networkId, kind, family, type).count += 1
    if (kind === 'pass') forwarded(why).count += 1
    else if (isShadow) forwarded('shadow').count += 1
    if (rcode !== undefined) responses(rcode).count += 1
    if (unread !== undefined && faults.has(unread)) malformed(unread).count += 1
  }
}
