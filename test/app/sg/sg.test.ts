import { describe, expect, test } from 'vitest'
import { flowsIn, type Unit } from '../../../src/app/app.ts'
import type { Port, View } from '../../../src/app/view.ts'
import { flowIdentity, formatFlow } from '../../../src/openflow/index.ts'
import { appsOf } from '../../support/cloud.ts'
import { allOut, groupOf, guardedView, withGroups } from '../../support/guarded.ts'
import { networkOf, portOf, viewOf } from '../../support/view.ts'

const sgOf = () => appsOf(['sg'])[0]!
const flowsOf = (view: View, app = sgOf()) => [...app.flows(view)]
const textOf = (view: View) => flowsOf(view).map(formatFlow)
const inTable = (id: number, view: View) =>
  textOf(view).filter((text) => text.startsWith(`table=${id}, priority=200,`))

/** What stands in the table of the receiver for a port of red with these groups. */
function rulesOf(port: Partial<Port>, rules: Parameters<typeof groupOf>[3]): string[] {
  const red = networkOf('red', 1)
  const web = { ...portOf(red, 1, 'web', ['10.0.0.11']), securityGroups: ['red-web'], ...port }
  return inTable(110, withGroups(viewOf([red], [web], { 1: 11 }), [groupOf('red', 'web', 1, rules)]))
}

test('the packets of a guarded port are tracked in its own zone, in both directions', () => {
  const opened = textOf(guardedView()).filter((text) => text.includes('zone=1'))
  const families = ['ip', 'ipv6'] as const
  const guarded = [1, 2, 4, 5, 7] // 8 has no port security
  expect(opened).toEqual(
    guarded.flatMap((key) => [
      ...families.map((ip) => `table=10, priority=100,${ip},reg6=0x${key} actions=ct(table=15,zone=1${key})`),
      ...families.map(
        (ip) => `table=105, priority=100,${ip},reg7=0x${key} actions=ct(table=110,zone=1${key})`,
      ),
    ]),
  )
})

describe('what does not depend on rules', () => {
  const empty = textOf(viewOf([], []))

  test('what a machine needs to have an address and to be found goes by', () => {
    expect(empty.filter((text) => /^table=(10|105),/.test(text))).toEqual([
      'table=10, priority=200,udp,tp_src=68,tp_dst=67 actions=goto_table:20',
      'table=10, priority=200,udp6,tp_src=546,tp_dst=547 actions=goto_table:20',
      ...[131, 132, 143].map(
        (type) => `table=10, priority=200,icmp6,nw_ttl=1,icmp_type=${type} actions=goto_table:20`,
      ),
      'table=105, priority=200,udp,tp_src=67,tp_dst=68 actions=goto_table:115',
      'table=105, priority=200,udp6,tp_src=547,tp_dst=546 actions=goto_table:115',
      'table=105, priority=200,icmp6,nw_ttl=1,icmp_type=130 actions=goto_table:115',
      ...[134, 135, 136].map(
        (type) => `table=105, priority=200,icmp6,nw_ttl=255,icmp_type=${type} actions=goto_table:115`,
      ),
    ])
  })

  test('replies and what is related pass unless refused; what nothing lets by is dropped', () => {
    const zone = 'zone=NXM_NX_CT_ZONE[]'
    expect(empty.filter((text) => /^table=11[01],/.test(text))).toEqual([
      'table=110, priority=300,ct_state=+inv+trk actions=drop',
      'table=110, priority=300,ct_state=+est-rel+rpl-inv+trk,ct_mark=0/0x1 actions=goto_table:115',
      'table=110, priority=300,ct_state=+est-rel+rpl-inv+trk,ct_mark=0x1/0x1 actions=drop',
      'table=110, priority=300,ct_state=-new+rel-inv+trk,ct_mark=0/0x1 actions=goto_table:115',
      'table=110, priority=300,ct_state=-new+rel-inv+trk,ct_mark=0x1/0x1 actions=drop',
      ...['ip', 'ipv6'].flatMap((ip) => [
        `table=110, priority=50,ct_state=+est-rel-rpl-inv+trk,ct_mark=0/0x1,${ip} actions=ct(commit,${zone},exec(load:0x1->NXM_NX_CT_MARK[0]))`,
        `table=111, priority=200,ct_state=+new-inv+trk,${ip} actions=ct(commit,${zone},exec(load:0->NXM_NX_CT_MARK[0])),goto_table:115`,
        `table=111, priority=200,ct_state=-new-inv+trk,ct_mark=0x1/0x1,${ip} actions=ct(commit,${zone},exec(load:0->NXM_NX_CT_MARK[0])),goto_table:115`,
      ]),
      'table=110, priority=1 actions=drop',
      'table=111, priority=1 actions=goto_table:115',
    ])
  })

  test('a guarded machine answers no DHCP', () => {
    expect(empty.filter((text) => /^table=15,.*tp_src=(67|547)/.test(text))).toEqual([
      'table=15, priority=300,udp,tp_src=67,tp_dst=68 actions=drop',
      'table=15, priority=300,udp6,tp_src=547,tp_dst=546 actions=drop',
    ])
  })
})

test('the rules of two tenants whose groups look the same', () => {
  expect(inTable(110, guardedView())).toMatchInlineSnapshot(`
    [
      "table=110, priority=200,reg7=0x1 actions=conjunction(831089926,1/2),conjunction(3046318401,1/2)",
      "table=110, priority=200,reg7=0x2 actions=conjunction(1484764839,1/3),conjunction(3131455331,1/3)",
      "table=110, priority=200,reg7=0x5 actions=conjunction(1222293538,1/3),conjunction(1700053953,1/3)",
      "table=110, priority=200,conj_id=1222293538 actions=goto_table:111",
      "table=110, priority=200,conj_id=1700053953 actions=goto_table:111",
      "table=110, priority=200,conj_id=1484764839 actions=goto_table:111",
      "table=110, priority=200,conj_id=3131455331 actions=goto_table:111",
      "table=110, priority=200,conj_id=3046318401 actions=goto_table:111",
      "table=110, priority=200,conj_id=831089926 actions=goto_table:111",
      "table=110, priority=200,ip,nw_src=10.0.0.13 actions=conjunction(1222293538,2/3),conjunction(1484764839,2/3)",
      "table=110, priority=200,tcp,nw_frag=no,tp_dst=5432 actions=conjunction(1222293538,3/3),conjunction(1484764839,3/3)",
      "table=110, priority=200,ct_state=-inv+trk,ct_nw_proto=6,ct_tp_dst=5432,tcp,nw_frag=first actions=conjunction(1222293538,3/3),conjunction(1484764839,3/3)",
      "table=110, priority=200,tcp,nw_frag=later actions=conjunction(1222293538,3/3),conjunction(1484764839,3/3),conjunction(3046318401,2/2)",
      "table=110, priority=200,ipv6,ipv6_src=fd00:a::13 actions=conjunction(1700053953,2/3),conjunction(3131455331,2/3)",
      "table=110, priority=200,tcp6,nw_frag=no,tp_dst=5432 actions=conjunction(1700053953,3/3),conjunction(3131455331,3/3)",
      "table=110, priority=200,ct_state=-inv+trk,ct_nw_proto=6,ct_tp_dst=5432,tcp6,nw_frag=first actions=conjunction(1700053953,3/3),conjunction(3131455331,3/3)",
      "table=110, priority=200,tcp6,nw_frag=later actions=conjunction(1700053953,3/3),conjunction(3131455331,3/3)",
      "table=110, priority=200,ip,nw_src=10.0.0.11 actions=conjunction(1484764839,2/3)",
      "table=110, priority=200,ipv6,ipv6_src=fd00:a::11 actions=conjunction(3131455331,2/3)",
      "table=110, priority=200,tcp,nw_frag=no,tp_dst=0x50/0xfffe actions=conjunction(3046318401,2/2)",
      "table=110, priority=200,ct_state=-inv+trk,ct_nw_proto=6,ct_tp_dst=0x50/0xfffe,tcp,nw_frag=first actions=conjunction(3046318401,2/2)",
      "table=110, priority=200,tcp,nw_frag=no,tp_dst=82 actions=conjunction(3046318401,2/2)",
      "table=110, priority=200,ct_state=-inv+trk,ct_nw_proto=6,ct_tp_dst=82,tcp,nw_frag=first actions=conjunction(3046318401,2/2)",
      "table=110, priority=200,icmp,nw_frag=no,icmp_type=8,icmp_code=0 actions=conjunction(3046318401,2/2)",
      "table=110, priority=200,ct_state=-inv+trk,ct_nw_proto=1,ct_tp_src=8,ct_tp_dst=0,icmp,nw_frag=first actions=conjunction(3046318401,2/2)",
      "table=110, priority=200,icmp,nw_frag=later actions=conjunction(3046318401,2/2)",
      "table=110, priority=200,icmp6,nw_frag=no,icmp_type=128 actions=conjunction(831089926,2/2)",
      "table=110, priority=200,ct_state=-inv+trk,ct_nw_proto=58,ct_tp_src=128,icmp6,nw_frag=first actions=conjunction(831089926,2/2)",
      "table=110, priority=200,icmp6,nw_frag=later actions=conjunction(831089926,2/2)",
    ]
  `)
  expect(inTable(15, guardedView())).toMatchInlineSnapshot(`
    [
      "table=15, priority=200,reg6=0x1 actions=conjunction(2614734403,1/2),conjunction(3118904301,1/2)",
      "table=15, priority=200,conj_id=3118904301 actions=goto_table:16",
      "table=15, priority=200,conj_id=2614734403 actions=goto_table:16",
      "table=15, priority=200,ip actions=conjunction(3118904301,2/2)",
      "table=15, priority=200,ipv6 actions=conjunction(2614734403,2/2)",
    ]
  `)
})

describe('which groups count', () => {
  const any = [{}]
  const isOpen = (port: Partial<Port>) => rulesOf(port, any).length > 0

  test.each<[string, Partial<Port>, boolean]>([
    ['a group of its own tenant', {}, true],
    ['no group', { securityGroups: [] }, false],
    ['a group that does not exist', { securityGroups: ['red-gone'] }, false],
    ['the same group twice', { securityGroups: ['red-web', 'red-web'] }, true],
    ['a port of another tenant', { topic: 'another' }, false],
    ['a port of no tenant', { topic: '' }, false],
    ['a port without port security', { isPortSecurityEnabled: false }, false],
  ])('%s', (_, port, open) => {
    expect(isOpen(port)).toBe(open)
  })
})

describe('the other end', () => {
  const remote = (rules: Parameters<typeof groupOf>[3]) =>
    rulesOf({}, rules).flatMap(
      (text) => /,(ip[^ ]*) actions=conjunction\(\d+,(\S+)\)/.exec(text)?.slice(1) ?? [],
    )

  test.each<[string, Parameters<typeof groupOf>[3], string[]]>([
    ['anyone', [{}], ['ip', '2/2']],
    ['a prefix', [{ remoteIpPrefix: '10.0.0.0/24' }], ['ip,nw_src=10.0.0.0/24', '2/2']],
    ['a prefix of everything is anyone', [{ remoteIpPrefix: '0.0.0.0/0' }, {}], ['ip', '2/2']],
    [
      'what one rule lets by from a prefix, another one need not',
      [{ remoteIpPrefix: '10.0.0.0/24', protocol: 47 }, { remoteIpPrefix: '10.0.0.0/24' }],
      ['ip,nw_src=10.0.0.0/24', '2/2'],
    ],
    [
      'a prefix and a protocol',
      [{ remoteIpPrefix: '10.0.0.0/24', protocol: 47 }],
      ['ip,nw_src=10.0.0.0/24', '2/3', 'ip,nw_proto=47', '3/3'],
    ],
  ])('%s', (_, rules, rows) => {
    expect(remote(rules)).toEqual(rows)
  })
})

describe('a rule that cannot be carried out lets nothing by, and the others of its group do', () => {
  test.each<[string, Parameters<typeof groupOf>[3][number]]>([
    ['a range that ends before it begins', { protocol: 6, portRangeMin: 23, portRangeMax: 22 }],
    ['a range without an end', { protocol: 6, portRangeMin: 22 }],
    ['ports of a protocol that has none', { protocol: 47, portRangeMin: 22, portRangeMax: 22 }],
    ['ports without a protocol', { portRangeMin: 22, portRangeMax: 22 }],
    ['a type that ICMP does not have', { protocol: 1, portRangeMin: 256 }],
    ['ICMPv6 over IPv4', { protocol: 58 }],
    ['a prefix of the other family', { remoteIpPrefix: 'fd00:a::/64' }],
    ['a prefix that is none', { remoteIpPrefix: 'nonsense' }],
    ['a prefix and a group', { remoteIpPrefix: '10.0.0.0/24', remoteGroupId: 'red-web' }],
    ['a group that does not exist', { remoteGroupId: 'red-gone' }],
  ])('%s', (_, rule) => {
    expect(rulesOf({}, [rule])).toEqual([])
    expect(rulesOf({}, [rule, { protocol: 17 }])).toEqual(rulesOf({}, [{ protocol: 17 }]))
  })
})

describe('the members of a remote group', () => {
  const red = networkOf('red', 1)
  const blue = networkOf('blue', 2)
  const remote = (member: Partial<Port>, network = red): string[] => {
    const db = { ...portOf(red, 1, 'db', ['10.0.0.11']), securityGroups: ['red-db'] }
    const other = { ...portOf(network, 2, 'web', ['10.0.0.12', 'fd00:a::12']), securityGroups: ['red-web'] }
    const view = withGroups(viewOf([red, blue], [db, { ...other, ...member }], { 1: 11 }), [
      groupOf('red', 'db', 1, [
        { remoteGroupId: 'red-web' },
        { remoteGroupId: 'red-web', ethertype: 'IPv6' },
      ]),
      groupOf('red', 'web', 2, allOut),
    ])
    return inTable(110, view).flatMap((text) => /(?:nw|ipv6)_src=(\S+)/.exec(text)?.[1] ?? [])
  }

  test.each<[string, Partial<Port>, string[]]>([
    ['a port, here or elsewhere', { chassis: 'compute-2' }, ['10.0.0.12', 'fd00:a::12']],
    ['a port that is off', { isEnabled: false, chassis: undefined }, ['10.0.0.12', 'fd00:a::12']],
    [
      'what its pairs add, each once',
      {
        addresses: [],
        allowedAddressPairs: [
          { ip: '10.0.1.0/24', mac: '00:00:5e:00:02:09' },
          { ip: '10.0.1.0/24', mac: 'fa:16:3e:00:00:02' },
          { ip: 'nonsense', mac: 'fa:16:3e:00:00:02' },
        ],
      },
      ['10.0.1.0/24'],
    ],
    ['a pair that is everywhere', { addresses: [], allowedAddressPairs: [{ ip: '0.0.0.0/0', mac: '' }] }, []],
    ['a port that has left', { securityGroups: [] }, []],
    ['a port of another tenant that names the group', { topic: blue.topic }, []],
  ])('%s', (_, member, addresses) => {
    expect(remote(member)).toEqual(addresses)
  })

  test('a group of another tenant has none', () => {
    const web = { ...portOf(red, 1, 'web', ['10.0.0.11']), securityGroups: ['red-web'] }
    const other = { ...portOf(blue, 2, 'web', ['10.0.0.12']), securityGroups: ['blue-web'] }
    const view = withGroups(viewOf([red, blue], [web, other], { 1: 11 }), [
      groupOf('red', 'web', 1, [{ remoteGroupId: 'blue-web' }]),
      groupOf('blue', 'web', 2, allOut),
    ])
    expect(inTable(110, view)).toEqual([])
  })
})

describe('how flows grow', () => {
  const red = networkOf('red', 1)
  const many = (ports: number, members: number, groups = 1, masks = 1): View => {
    const local = Array.from({ length: ports }, (_, i) => ({
      ...portOf(red, i + 1, undefined, [`10.0.0.${i + 1}`]),
      securityGroups: Array.from({ length: groups }, (_, n) => `red-db${n}`),
    }))
    const remote = Array.from({ length: members }, (_, i) => ({
      ...portOf(red, 100_000 + i, undefined, [`10.1.${i >> 8}.${i & 255}`]),
      securityGroups: ['red-web'],
    }))
    const rule = { protocol: 6, portRangeMin: 2 ** 15 - 1, portRangeMax: 2 ** 15 + masks - 2 }
    return withGroups(
      viewOf([red], [...local, ...remote], Object.fromEntries(local.map(({ key }) => [key, 10 + key]))),
      [
        groupOf('red', 'web', 9, []),
        ...Array.from({ length: groups }, (_, n) =>
          groupOf('red', `db${n}`, 10 + n, [{ ...rule, remoteGroupId: 'red-web' }, ...allOut]),
        ),
      ],
    )
  }
  const count = (view: View) => flowsOf(view).length

  test.each<[string, View, View, number]>([
    ['a port of this node: its four openings and a clause each way', many(1, 50), many(2, 50), 6],
    ['a member of a remote group: one', many(9, 50), many(9, 51), 1],
    ['a mask of a port range: one, and one for first fragments', many(9, 50, 1, 1), many(9, 50, 1, 2), 2],
    [
      'another group with the same rules: what says that one of its grants is fulfilled',
      many(9, 50, 1),
      many(9, 50, 2),
      3,
    ],
  ])('%s', (_, before, after, more) => {
    expect(count(after) - count(before)).toBe(more)
  })

  test('no priority is above 300, and no number of a grant is used twice, with however many groups', () => {
    const groups = Array.from({ length: 1000 }, (_, n) =>
      groupOf('red', `g${n}`, 70_000 + n, [{}, ...allOut]),
    )
    const port = { ...portOf(red, 1, 'web', ['10.0.0.11']), securityGroups: groups.map(({ id }) => id) }
    const flows = flowsOf(withGroups(viewOf([red], [port], { 1: 11 }), groups))
    expect(Math.max(...flows.map(({ priority }) => priority))).toBe(300)
    const ids = flows.flatMap(({ match }) => (match.conjId === undefined ? [] : [match.conjId]))
    expect([ids.length, new Set(ids).size]).toEqual([3000, 3000])
  })

  test('no two flows have the same match', () => {
    const identities = flowsOf(guardedView()).map(flowIdentity)
    expect(new Set(identities).size).toBe(identities.length)
  })
})

describe('from one view to the next', () => {
  const unitsOf = (app: ReturnType<typeof sgOf>, view: View) => [...app.units!(view)]
  const changed = (before: readonly Unit[], after: readonly Unit[]) => [
    ...flowsIn(after.filter((unit) => !before.includes(unit))),
  ]

  test('what did not change is the very same', () => {
    const app = sgOf()
    const view = guardedView()
    expect(changed(unitsOf(app, view), unitsOf(app, { ...view, version: 0 }))).toEqual([])
  })

  test('a new member changes the rows of the table, and of those only its own is made', () => {
    const app = sgOf()
    const view = guardedView()
    const before = unitsOf(app, view)
    const cache = view.ports.get('net-red-3')!
    const moved = { ...cache, addresses: [{ ip: '10.0.0.99', subnet: undefined }] }
    const after = unitsOf(app, { ...view, ports: new Map([...view.ports, [cache.id, moved]]) })
    const known = new Set(flowsIn(before))
    const made = changed(before, after).filter((flow) => !known.has(flow))
    expect(made.map(formatFlow).filter((text) => text.includes('nw_src'))).toEqual([
      expect.stringMatching(/nw_src=10\.0\.0\.13 /),
      expect.stringMatching(/nw_src=10\.0\.0\.99 /),
    ])
  })

  test('what a removed rule let by goes', () => {
    const app = sgOf()
    const view = guardedView()
    const before = app.flows(view)
    const groups = new Map([...view.securityGroups].map(([id, group]) => [id, { ...group, rules: [] }]))
    const after = [...app.flows({ ...view, securityGroups: groups })].map(formatFlow)
    expect([...before].map(formatFlow).filter((text) => text.includes('conj')).length).toBeGreaterThan(20)
    expect(after.filter((text) => text.includes('conj'))).toEqual([])
  })
})
