/** Flows, groups and meters from text, as `ovs-ofctl` understands them: it is the judge, of what is refused too. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  CodecError,
  checkFlow,
  decode,
  encode,
  type Flow,
  flowContent,
  flowIdentity,
  formatFlow,
  formatGroup,
  formatMessage,
  type Match,
  parseFlow,
  parseGroup,
  parseMeter,
} from '../../src/openflow/index.ts'
import { fromInt, maskOf } from '../../src/openflow/match.ts'
import { type FieldName, fieldOf, fields } from '../../src/openflow/oxm.ts'
import { ofpPrint, parseFlows } from '../support/ofctl.ts'
import { actionRows } from '../support/openflow-actions.ts'
import { matchOn, valueFor } from '../support/openflow-fields.ts'
import { allVectors } from '../support/vectors.ts'

const linesOf = (name: string) =>
  readFileSync(join(import.meta.dirname, `../vectors/openflow/${name}.txt`), 'utf8')
    .trim()
    .split('\n')
const flowModOf = (flow: Flow) => ({ kind: 'flowMod', xid: 1, command: 'add', ...flow }) as const
const printed = (text: string) => formatMessage(flowModOf(parseFlow(text)))

// biome-ignore format: one way to write a thing a line
/** What the texts of a dump do not have. */
const written = [
  'actions=',
  'priority=5 tcp actions=drop',
  'cookie=0x0, duration=0.959s, table=5, n_packets=3, n_bytes=42, idle_age=1, hard_age=2, priority=7,ip actions=LOCAL',
  'tp_dst=53,nw_dst=10.0.0.5/8,udp,dl_src=*,actions=1,LOCAL,in_port,output:LOCAL',
  'arp,nw_src=10.0.0.1,nw_dst=10.0.0.0/255.0.0.255,nw_proto=1,actions=drop',
  'icmp6,icmp_type=135,icmp_code=0,nd_target=fd00::1,actions=drop',
  'tcp,nw_proto=17,actions=drop',
  'reg0=1,reg0=2,actions=drop',
  'reg0=5/0xff00,ct_state=+trk,actions=conjunction(5,1/2)',
  'tcp,tcp_flags=syn|ack,actions=drop',
  'tcp,tcp_flags=0x12/0x3f,ct_state=new|trk,actions=drop',
  'tun_flags=oam,actions=set_field:oam->tun_flags',
  'tun_metadata0=5/0,tun_metadata1,tun_metadata2=0x123,dl_vlan=0xffff,actions=write_metadata:5/7,goto_table:3',
  'packet_type=(1,0x894f),nsh_spi=0x5,actset_output=5,actions=drop',
  'vlan_tci=0,actions=drop',
  'vlan_vid=0x1005,actions=drop',
  'vlan_vid=0x1000/0x1000,vlan_pcp=3,actions=drop',
  'dl_vlan_pcp=3,dl_vlan=5,actions=set_vlan_vid:5,set_vlan_pcp:1',
  'actions=mod_vlan_vid:5',
  'actions=mod_vlan_pcp:5,mod_vlan_vid:5,pop_vlan,mod_vlan_vid:6',
  'dl_vlan=7,actions=mod_vlan_vid:5,mod_vlan_pcp:3',
  'ip,actions=mod_nw_tos:184,mod_nw_ecn:2,mod_nw_ttl:5,set_nw_ttl:6,mod_nw_src:192.0.2.4,mod_nw_dst:192.0.2.5',
  'tcp,actions=mod_tp_src:5,mod_tp_dst:6,mod_dl_src:0e:00:00:00:00:01,mod_dl_dst:0e:00:00:00:00:02',
  'udp6,ipv6_dst=fd00::1/64,tp_dst=53,actions=mod_tp_dst:6',
  'mpls,actions=set_mpls_label:5,set_mpls_tc:3,set_mpls_ttl:4',
  'actions=set_tunnel:5,set_tunnel64:0x500000000,set_tunnel:0x500000000',
  'actions=enqueue:2:3,enqueue(4,5)',
  'actions=note:00.11,note:,delete_field:tun_metadata1,load:5->NXM_NX_XXREG0[64..127],load:0x5->reg0',
  'actions=load:5->tun_metadata2[8..31],set_field:0x55->tun_metadata1,set_field:0x5/0xf->tun_metadata1',
  'actions=set_field:7/0xffffffff->reg1,set_field:0x7/0x0f->reg1,set_field:0x10203/0xff0ff->reg1',
  'actions=set_field:01:00:00:00:00:00/ff:00:00:00:00:ff->eth_dst,set_field:fd00::/16->tun_ipv6_dst',
  'actions=controller(max_len=5,userdata=64.6e),controller:128,CONTROLLER,controller(),controller(reason=no_match)',
  'actions=resubmit:5,resubmit(5,6),resubmit(,7),resubmit(in_port,8)',
  'ip,actions=ct,ct(commit),ct(nat),ct(commit,nat(src)),ct(commit,exec(set_field:5->ct_mark),nat(dst=10.0.0.1:80))',
  'actions=clone(),clone(output:1,clone(2)),clone(drop)',
  'actions=meter:5,clear_actions,write_actions(drop)',
  'tcp,actions=learn(table=3,eth_type=0x800,nw_proto=6,tcp_dst=tcp_src,nw_src=10.0.0.1,reg4[0..3]=7,load:reg1->reg2,load:5->reg1[],output:reg3)',
  'actions=bundle(eth_src,0,hrw,ofport,slaves:1,2),bundle(eth_src 0 hrw ofport members:1)',
  'actions=multipath(eth_src,50,hrw,12,0,reg0[0..5]),sample(probability=5)',
  'actions=exit,output:reg3[0..15],output(max_len=100,port=1),group:5',
  'ip,actions=dec_ttl(),dec_ttl,dec_ttl(5)',
  'actions=encap(nsh),encap(ethernet),decap(packet_type(ns=1,type=0x894f)),encap(mpls),decap',
  'actions=check_pkt_larger(1500)->reg0[3],move:reg0->reg1,push:reg0,pop:reg1[3]',
  'nw_frag=not_later,ip,nw_tos=184,actions=strip_vlan'.replace(',actions=strip_vlan', ',dl_vlan=5,actions=strip_vlan'),
]

test('every flow is understood as ovs-ofctl understands it', async () => {
  const rows = [...linesOf('flows'), ...written]
  expect(rows.map(printed)).toEqual(await parseFlows(rows))
})

test('every recorded flow is the same after its text', () => {
  const flows = allVectors()
    .map(({ bytes }) => decode(bytes))
    .flatMap((message) => (message.kind === 'flowMod' && message.command === 'add' ? [message] : []))
  // ovs-ofctl prints resubmit(,) but does not take it, and leaves the masks of some fields out.
  const readable = flows.filter((flow) => !/resubmit\(,\)|erspan/.test(formatFlow(flow)))
  expect(readable.length).toBeGreaterThan(100)
  for (const flow of readable) {
    const again = parseFlow(formatFlow(flow))
    expect(flowIdentity(again)).toBe(flowIdentity(flow))
    expect(flowContent(again)).toBe(flowContent(flow))
  }
})

/** Bits that a field may have, or a value of its sample where not every number is one. */
const hasFewValues =
  /^(ethType|packetType|inPort|inPortNxm|actsetOutput|ctState|tcpFlags|tunFlags|ipFrag|nwTos|vlan|icmpv6Type|nshMdtype|tunMetadata)/
/** Fields whose masks ovs-ofctl does not print. */
const isPrintedWhole = /^tun(GbpFlags|Erspan|Gtpu)/
const entryOf = (name: FieldName) => {
  if (hasFewValues.test(name)) return fc.constant<unknown>(valueFor(name))
  const value = fc.bigInt({ min: 0n, max: maskOf(name) })
  const exact = value.map((int): unknown => fromInt(name, int))
  // ovs-ofctl takes the first group of some masks of IPv6 for the length of a prefix.
  const bits = fieldOf(name).bits
  const prefix = fc.nat(bits - 1).map((length) => maskOf(name) - ((1n << BigInt(bits - 1 - length)) - 1n))
  const masked = fc
    .tuple(value, typeof valueFor(name) === 'string' && bits === 128 ? prefix : value)
    .map(([int, mask]): unknown => ({ value: fromInt(name, int & mask), mask: fromInt(name, mask) }))
  return fieldOf(name).isMaskable && !isPrintedWhole.test(name) ? fc.oneof(exact, masked) : exact
}
const anyMatch = fc
  .uniqueArray(fc.constantFrom(...(Object.keys(fields) as FieldName[])), { minLength: 1, maxLength: 5 })
  .chain((names) => fc.tuple(...names.map((name) => entryOf(name).map((entry) => matchOn(name, entry)))))
  .map((matches): Match => Object.assign({}, ...matches))
const anyFlow = fc
  .record({
    match: anyMatch,
    priority: fc.nat(0xffff),
    rows: fc.array(fc.constantFrom(...actionRows), { maxLength: 4 }),
  })
  .map(({ match, priority, rows }): Flow => {
    const actions = rows
      .map(([, action]) => action)
      .filter((action) => isFlow({ match, priority, actions: [action] }))
    return flowOf({ match, priority, actions })
  })
const flowOf = ({
  match,
  priority,
  actions,
}: {
  match: Match
  priority: number
  actions: (typeof actionRows)[number][1][]
}): Flow => ({
  tableId: 3,
  priority,
  match,
  instructions: actions.length === 0 ? [] : [{ kind: 'applyActions', actions }],
})
const isFlow = (parts: Parameters<typeof flowOf>[0]) => passes(flowOf(parts))

function passes(flow: Flow): boolean {
  try {
    checkFlow(flow)
    return true
  } catch {
    return false
  }
}

/** Whether the text tells every field: some it tells only beside another one. */
const isTold = ({ match }: Flow) =>
  (Object.keys(match) as FieldName[]).every((name) => {
    const beside = fieldOf(name).isShownBeside
    const other = beside === undefined ? undefined : match[beside.field as FieldName]
    return (
      beside === undefined ||
      (other !== undefined && (beside.value ?? BigInt(other as number)) === BigInt(other as number))
    )
  })

test('1,000 generated flows are what their text says, here and in ovs-ofctl', async () => {
  // What ovs-ofctl itself prints but cannot read, or refuses to send.
  const isUnreadable =
    /gtpu_|resubmit\(,\)|conjunction|bundle\(symmetric_l3,7|members:\)|recirc_id|dp_hash|tun_erspan_ver=0|ct_nw_proto=0/
  const flows = fc.sample(anyFlow, { seed: 20, numRuns: 3000 }).filter((flow) => passes(flow) && isTold(flow))
  const readable = flows.filter((flow) => !isUnreadable.test(formatFlow(flow))).slice(0, 1000)
  expect(readable).toHaveLength(1000)
  const texts = readable.map((flow) => formatFlow(flow))
  expect(texts.map(printed)).toEqual(await parseFlows(texts))
  for (const [i, flow] of readable.entries())
    expect(flowIdentity(parseFlow(texts[i]!))).toBe(flowIdentity(flow))
})

// biome-ignore format: one refusal a line
/** What both refuse, and how we say it. */
const refused: [text: string, reason: string][] = [
  ['ip',                                    "has no 'actions='"],
  ['colour=5,actions=drop',                 'match.colour: there is no field colour'],
  ['actions=drop,output:1',                 'actions: drop stands alone'],
  ['actions=output:1;2',                    "actions.output: '1;2' is not a number"],
  ['actions=jump:5',                        "actions.jump: 'jump' is not a number"],
  ['actions=resubmit(,)',                   'actions.resubmit: needs a port or a table'],
  ['actions=resubmit(,3,now)',              "actions.resubmit: 'now' is not ct"],
  ['actions=load:0xffff->reg0[0..3]',       'actions.load: 0xffff does not fit 4 bits'],
  ['actions=load:5',                        "actions.load: '5' has no ->"],
  ['actions=load:5->reg0[40]',              'actions.load: reg0 has no bits [40]'],
  ['actions=move:reg0[0..3]->reg1',         'actions.move: 4 bits do not fit 32'],
  ['actions=set_field:5->reg0[3..7]',       'actions.set_field: there is no field reg0[3..7]'],
  ['actions=write_actions(drop),clear_actions', 'actions: clearActions stands behind writeActions'],
  ['actions=goto_table:3,goto_table:4',     'actions: gotoTable stands behind gotoTable'],
  ['actions=clone(goto_table:3)',           'actions.clone: gotoTable is no action'],
  ['tcp,tp_dst=080,actions=drop',           "match.tp_dst: '080' is not a number"],
  ['tcp,tp_dst=65536,actions=drop',         'match.tp_dst: 65536 does not fit 16 bits'],
  ['ip,nw_src=10.0.0,actions=drop',         "match.nw_src: '10.0.0' is not an IPv4 address"],
  ['ip,nw_src=10.0.0.0/33,actions=drop',    'match.nw_src: a prefix of 33 bits'],
  ['dl_src=0e:00,actions=drop',             "match.dl_src: '0e:00' is not a MAC address"],
  ['ip,nw_frag=1,actions=drop',             "match.nw_frag: '1' is none of no, yes, first, later, not_later"],
  ['ct_state=+old,actions=drop',            "match.ct_state: 'old' is none of new, est, rel, rpl, inv, trk, snat, dnat"],
  ['cookie=5/7,actions=drop',               "cookie: '5/7' is not a number"],
  ['in_port=0xfffe,actions=drop',           'match.in_port: 0xfffe is not a port'],
  ['actions=push_vlan:0x9100',              'actions.push_vlan: 0x9100 is neither 0x8100 nor 0x88a8'],
  ['actions=conjunction(5,3/2)',            'actions.conjunction: 3/2 is no clause'],
  ['ip,actions=ct(force)',                  'actions.ct: force needs commit'],
  ['ip,actions=ct(alg=dns)',                "actions.ct.alg: 'dns' is none of ftp, tftp"],
  ['ip,actions=ct(nat(persistent))',        'actions.ct.nat: needs src or dst'],
  ['ip,actions=ct(commit,nat(src=host))',   "actions.ct.nat.src: 'host' is not a range of addresses and ports"],
  ['actions=controller(reason=why)',        "actions.controller.reason: 'why' is none of no_match"],
  ['actions=sample()',                      'actions.sample: needs a probability above 0'],
  ['actions=multipath(eth_src,50,none,12,0,reg0)', "multipath.algorithm: 'none' is none of modulo_n"],
  ['actions=bundle(eth_src,0,hrw,ofport)',  'actions.bundle:'],
  ['actions=encap(ip)',                     "actions.encap: 'ip' is no header"],
  ['actions=decap(packet_type(ns=7,type=5))', 'actions.decap:'],
  ['actions=learn(table=3,tcp_dst=80)',     'tcpDst needs ipProto to be 6'],
  ['actions=learn(table=3,colour=80)',      "actions.learn: 'colour' names no bits of a field"],
  ['actions=learn(table=3,reg0[0..3]=reg1)', 'actions.learn: 32 bits do not fit 4'],
  ['actions=check_pkt_larger(1500)->reg0[0..1]', 'actions.check_pkt_larger: reg0[0..1] is not one bit'],
  ['actions=note:0',                        "actions.note: '0' is not pairs of hexadecimal digits"],
]

describe('what both refuse', () => {
  test.each(refused)('%s', async (text, reason) => {
    expect(() => parseFlow(text)).toThrow(CodecError)
    expect(() => parseFlow(text)).toThrow(reason)
    await expect(parseFlows([text])).rejects.toThrow()
  })
})

describe('what only ovs-ofctl takes, and makes something else of', () => {
  test.each([
    ['nw_src=10.0.0.1,actions=drop', 'match: ipv4Src needs ethType to be 0x0800', 'ADD actions=drop'],
    ['udp,tcp_dst=53,actions=drop', 'match: tcpDst needs ipProto to be 6', 'ADD udp,tp_dst=53 actions=drop'],
    ['ip,nw_tos=3,actions=drop', 'match.nw_tos: 3 has bits that are no DSCP', 'ADD ip,nw_tos=0 actions=drop'],
    ['ip,actions=pop_queue:5', "actions.pop_queue: takes no '5'", 'ADD ip actions=pop_queue'],
    ['reg0,actions=drop', 'match.reg0: has no value', 'ADD actions=drop'],
  ])('%s', async (text, reason, theirs) => {
    expect(() => parseFlow(text)).toThrow(reason)
    expect((await parseFlows([text]))[0]).toContain(theirs)
  })
})

describe('groups', () => {
  test.each(linesOf('groups'))('%s', (text) => {
    // A text may leave out what every bucket has; the next one is what is printed.
    const shown = formatGroup(parseGroup(text))
    expect(formatGroup(parseGroup(shown))).toBe(shown)
    expect(shown.replaceAll(/load:0x7->NXM_NX_REG7\[\]/g, 'set_field:0x7->reg7')).toContain(
      text.split(',')[0],
    )
  })

  test.each([
    ['type=all', 'needs group_id and type'],
    ['group_id=1,type=some', "type: 'some' is none of all, select, indirect, ff, fast_failover"],
    [
      'group_id=1,type=select,selection_method=hash',
      'selection_method: OpenFlow 1.3 has no selection methods',
    ],
    ['group_id=1,type=all,bucket=weight:x,actions=drop', "bucket 0.weight: 'x' is not a number"],
    ['group_id=1,type=all,bucket=drop,bucket=actions=jump', "bucket 1.actions.jump: 'jump' is not a number"],
    ['group_id=1,type=all,colour=5', "'colour' is not known"],
  ])('%s is refused', (text, reason) => {
    expect(() => parseGroup(text)).toThrow(reason)
  })
})

describe('meters', () => {
  test.each([
    ['meter=1 kbps burst stats bands=type=drop rate=1000 burst_size=200'],
    ['meter=2,pktps,bands=type=drop,rate=5'],
    ['meter=controller pktps bands=type=drop rate=50'],
    [
      'meter=3 pktps burst bands=type=drop rate=5 burst_size=6 type=dscp_remark rate=7 burst_size=8 prec_level=2',
    ],
  ])('%s', async (text) => {
    const message = { kind: 'meterMod', xid: 1, command: 'add', ...parseMeter(text) } as const
    const shown = await ofpPrint(encode(message))
    expect(formatMessage(message)).toBe(shown)
    const words = shown
      .replace(/^.* ADD /, '')
      .split(/\s+/)
      .join(' ')
    expect(words).toBe(text.replaceAll(',', ' ').replace('bands=', 'bands= '))
    expect(parseMeter(words)).toEqual(parseMeter(text))
  })

  test.each([
    ['kbps bands=type=drop rate=5', 'needs meter'],
    ['meter=1 fast bands=type=drop rate=5', "'fast' is none of meter, kbps, pktps, burst, stats, bands"],
    ['meter=1 bands=rate=5', 'a band begins with type'],
    ['meter=1 bands=type=slow rate=5', "band 0: 'slow' is none of drop, dscp_remark"],
    ['meter=1 bands=type=drop', "band 0: '' is not a number"],
  ])('%s is refused', (text, reason) => {
    expect(() => parseMeter(text)).toThrow(reason)
  })
})

test('20,000 mutated texts give a flow or a CodecError', () => {
  const anyText = fc.constantFrom(...linesOf('flows'), ...written)
  const change = fc.record({ at: fc.nat(300), put: fc.string({ maxLength: 3 }), cut: fc.nat(4) })
  const mutated = fc.tuple(anyText, fc.array(change, { minLength: 1, maxLength: 4 })).map(([text, changes]) =>
    changes.reduce((now, { at, put, cut }) => {
      const place = at % (now.length + 1)
      return now.slice(0, place) + put + now.slice(place + cut)
    }, text),
  )
  const orCodecError = (run: () => unknown) => {
    try {
      run()
    } catch (error) {
      expect(error).toBeInstanceOf(CodecError)
    }
  }
  fc.assert(
    fc.property(mutated, (text) => orCodecError(() => encode(flowModOf(parseFlow(text))))),
    { seed: 20, numRuns: 20_000 },
  )
  fc.assert(
    fc.property(fc.string(), (text) => {
      for (const parse of [parseFlow, parseGroup, parseMeter]) orCodecError(() => parse(text))
    }),
    { seed: 20, numRuns: 5000 },
  )
})
