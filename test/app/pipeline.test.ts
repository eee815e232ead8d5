import { describe, expect, test } from 'vitest'
import {
  flow,
  goto,
  group,
  idOf,
  natZones,
  type TableSpec,
  tables,
  through,
  toGroup,
  turnBack,
  zoneOpenedBy,
} from '../../src/app/pipeline.ts'
import { ct, formatActions, formatFlow, formatGroup, output, setField } from '../../src/openflow/index.ts'

const all: [string, TableSpec][] = Object.entries(tables)

describe('the declaration', () => {
  test('gives each table a number of its own, in the order in which a packet meets them', () => {
    const ids = all.map(([, { id }]) => id)
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b))
  })

  test.each(all)('%s goes on to tables behind it: OpenFlow has no goto backwards', (table, { id, next }) => {
    const again = table === 'l3' ? ['lookup'] : [] // by resubmit, from one router to the next
    for (const name of next.filter((each) => !again.includes(each)))
      expect(tables[name as keyof typeof tables].id).toBeGreaterThan(id)
  })

  test('every table but the first can be reached', () => {
    const reached = new Set(all.flatMap(([, { next }]) => next))
    expect(all.map(([name]) => name).filter((name) => !reached.has(name))).toEqual(['classify'])
  })
})

describe('flow', () => {
  test('puts actions before the table they lead to', () => {
    const made = flow('classify', 100, { inPort: 11 }, [setField({ reg6: 1 }), goto('portsec')])
    expect(formatFlow(made)).toBe('priority=100,in_port=11 actions=set_field:0x1->reg6,goto_table:5')
  })

  test('drops where nothing is to be done', () => {
    expect(formatFlow(flow('portsec', 20, {}, []))).toBe('table=5, priority=20 actions=drop')
  })

  test('may send copies through a table and go on', () => {
    const made = flow('lookup', 1, {}, [through('egress'), goto('egress')])
    expect(formatFlow(made)).toBe('table=55, priority=1 actions=resubmit(,75),goto_table:75')
  })

  test.each([
    [
      'goto',
      () => flow('portsec', 1, {}, [goto('lookup')]),
      'table portsec may go on to portsecNd, egressConntrack, services, not to table 55',
    ],
    [
      'copy from the last table',
      () => flow('dispatch', 1, {}, [through('lookup')]),
      'may go on to nowhere, not to table 55',
    ],
    [
      'copy',
      () => flow('services', 1, {}, [through('egress')]),
      'may go on to arp, dhcp, dns, nd, lookup, not to table 75',
    ],
    [
      'goto in the middle',
      () => flow('services', 1, {}, [goto('lookup'), output(1)]),
      'goto is not the last step',
    ],
    [
      'missing prerequisite',
      () => flow('services', 1, { udpDst: 53 }, [goto('dns')]),
      'udpDst needs ipProto',
    ],
  ])('refuses a wrong %s, and says which flow', (_, make, message) => {
    expect(make).toThrow(message)
  })
})

test('groups have the numbers of the declaration', () => {
  const made = group('dnsLive', { type: 'fastFailover', buckets: [] })
  expect(formatGroup(made)).toBe('group_id=31,type=ff')
  expect(formatActions([toGroup('dnsLive')])).toBe('group:31')
})

test('a packet turns back when the switch forgets where it came from', () => {
  expect(formatActions([turnBack])).toBe('load:0->OXM_OF_IN_PORT[]')
})

test('a zone of source NAT is opened to a port by the row that translates its packets', () => {
  const zone = natZones.of({ ofport: 11 })
  const into = (table: 'egressNat' | 'egressSnat') =>
    flow(table, 100, { ethType: 0x0800, reg6: 1 }, [
      ct({ commit: true, zone, tableId: idOf(table === 'egressNat' ? 'egressSnat' : 'egressNatted') }),
    ])
  expect(zoneOpenedBy(into('egressNat'))).toBe(32_779)
  expect(zoneOpenedBy(into('egressSnat'))).toBeUndefined()
  expect(() => flow('egressNat', 100, { ethType: 0x0800 }, [ct({ tableId: idOf('lookup') })])).toThrow(
    'may go on to egressSnat, not to table 55',
  )
})
