/**
 * The codec and the texts of src/openflow against a real switch: flows and groups that `ovs-ofctl` made are read back as
 * bytes; packet-ins are resumed; what we refuse, Open vSwitch refuses. Two tenants have the same addresses in the rows.
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Switch } from '../../src/lab/switch.ts'
import {
  type Action,
  decode,
  encode,
  type Flow,
  type FlowStats,
  flowIdentity,
  formatFlow,
  formatGroup,
  formatMessage,
  type Group,
  load,
  type Match,
  type Message,
  type MessageOf,
  move,
  parseFlow,
  parseGroup,
  popVlan,
  ports,
  resubmit,
  setField,
  type UnknownField,
} from '../../src/openflow/index.ts'
import { ofpPrint } from '../support/ofctl.ts'
import type { RawPeer } from '../support/raw-peer.ts'
import { type RawSwitch, startRawSwitch } from '../support/raw-switch.ts'

const textOf = (name: string) =>
  readFileSync(join(import.meta.dirname, `../vectors/openflow/${name}.txt`), 'utf8')
const groups = textOf('groups')
const flows = textOf('flows')

/** Which options of Geneve are in which fields. */
const options = [0, 2, 63].map((n, i) => `{class=0xffff,type=${i},len=${4 << i}}->tun_metadata${n}`).join(',')

const rowsOf = (text: string) => text.trim().split('\n')
let raw: RawSwitch
let subject: Switch
let peer: RawPeer
let xid = 1000

async function flowsOf(): Promise<FlowStats[]> {
  return (await raw.replies({ kind: 'flow' })).flatMap((bytes) => {
    const reply = decode(bytes)
    expect(encode(reply).toString('hex')).toBe(bytes.toString('hex'))
    if (reply.kind !== 'multipartReply' || reply.body.kind !== 'flow') throw new Error(reply.kind)
    return reply.body.parts
  })
}

async function groupsOf(): Promise<Group[]> {
  return (await raw.replies({ kind: 'groupDesc' })).flatMap((bytes) => {
    const reply = decode(bytes)
    expect(encode(reply).toString('hex')).toBe(bytes.toString('hex'))
    if (reply.kind !== 'multipartReply' || reply.body.kind !== 'groupDesc') throw new Error(reply.kind)
    return reply.body.parts
  })
}

const linesOf = (text: string) =>
  text
    .split('\n')
    .filter((line) => line.startsWith(' '))
    .map((line) => line.slice(1))
    .sort()

beforeAll(async () => {
  raw = await startRawSwitch('of')
  subject = raw.subject
  peer = raw.peer
  await subject.ofctl('add-tlv-map', 'br0', options)
  for (const group of rowsOf(groups)) await subject.ofctl('add-group', 'br0', group)
  for (const flow of rowsOf(flows)) await subject.ofctl('add-flow', 'br0', flow)
})

afterAll(() => raw?.stop())

describe('what ovs-ofctl put into the switch', () => {
  test('flows come back with the same bytes and the same text', async () => {
    const read = await flowsOf()
    expect(read).toHaveLength(rowsOf(flows).length)
    const printed = linesOf(await subject.ofctl('--no-stats', '--no-names', 'dump-flows', 'br0'))
    expect(read.map(formatFlow).sort()).toEqual(printed)
  })

  test('groups come back with the same bytes and the same text', async () => {
    const read = await groupsOf()
    expect(read).toHaveLength(rowsOf(groups).length)
    const printed = linesOf(await subject.ofctl('--no-names', 'dump-groups', 'br0'))
    expect(read.map(formatGroup).sort()).toEqual(printed)
  })

  test('every flow has an identity of its own', async () => {
    const read = await flowsOf()
    expect(new Set(read.map(flowIdentity)).size).toBe(read.length)
  })

  test('goes in again as we encode it', async () => {
    const before = linesOf(await subject.ofctl('--no-stats', '--no-names', 'dump-flows', 'br0'))
    const read: Flow[] = await flowsOf()
    const all = await groupsOf()
    await subject.ofctl('del-flows', 'br0')
    await subject.ofctl('del-groups', 'br0')
    const leaves = [...all].sort((a, b) => Number(a.groupId !== 2) - Number(b.groupId !== 2))
    expect(
      await raw.errorsOf(
        ...leaves.map((group): Message => ({ kind: 'groupMod', xid: ++xid, command: 'add', ...group })),
        // The switch says of a flow whether it counts; check_overlap was only an order.
        ...read.map((flow): Message => ({ ...flow, kind: 'flowMod', xid: ++xid, command: 'add' })),
      ),
    ).toEqual([])
    expect(linesOf(await subject.ofctl('--no-stats', '--no-names', 'dump-flows', 'br0'))).toEqual(before)
    expect((await groupsOf()).map(formatGroup).sort()).toEqual(all.map(formatGroup).sort())
  })
})

test('what its tables can do comes back with the same bytes and the same text', async () => {
  for (const bytes of await raw.replies({ kind: 'tableFeatures' })) {
    const reply = decode(bytes)
    expect(encode(reply).equals(bytes)).toBe(true)
    expect(formatMessage(reply)).toBe(await ofpPrint(bytes))
  }
})

test('what ovs-ofctl makes of a text, goes in again as we read the text', async () => {
  const dumped = async () => [
    ...linesOf(await subject.ofctl('--no-stats', '--no-names', 'dump-flows', 'br0')),
    ...linesOf(await subject.ofctl('--no-names', 'dump-groups', 'br0')),
  ]
  const before = await dumped()
  await subject.ofctl('del-flows', 'br0')
  await subject.ofctl('del-groups', 'br0')
  const add = { xid: 1, command: 'add' } as const
  expect(
    await raw.errorsOf(
      ...rowsOf(groups).map((text): Message => ({ kind: 'groupMod', ...add, ...parseGroup(text) })),
      ...rowsOf(flows).map((text): Message => ({ kind: 'flowMod', ...add, ...parseFlow(text) })),
    ),
  ).toEqual([])
  expect(await dumped()).toEqual(before)
})

const tcp = { ethType: 0x0800, ipProto: 6 }
const apply = (...actions: Action[]): Flow['instructions'] => [{ kind: 'applyActions', actions }]

// biome-ignore format: one refusal a line: how we say it, what we answer, how ovs-ofctl says it
const refused: [string, Omit<Flow, 'tableId' | 'priority'>, string][] = [
  ['ipv4Src needs ethType to be 0x0800',                   { match: {}, instructions: apply(setField({ ipv4Src: '10.0.0.1' })) },                  'actions=set_field:10.0.0.1->ip_src'],
  ['tcpSrc needs ipProto to be 6',                         { match: { ethType: 0x0800 }, instructions: apply(load(5, 'tcpSrc')) },                 'ip,actions=load:5->NXM_OF_TCP_SRC[]'],
  ['arpSha needs ethType to be 0x0806 or 0x8035',          { match: {}, instructions: apply(move('ethSrc', 'arpSha')) },                           'actions=move:NXM_OF_ETH_SRC[]->NXM_NX_ARP_SHA[]'],
  ['vlanVid needs vlanVid to have the bit 0x1000',         { match: {}, instructions: apply(setField({ vlanVid: 0x1005 })) },                      'actions=set_field:4101->vlan_vid'],
  ['the packet needs vlanVid to have the bit 0x1000',      { match: {}, instructions: apply(popVlan()) },                                          'actions=pop_vlan'],
  ['the packet needs ethType to be 0x0800 or 0x86dd',      { match: {}, instructions: apply({ kind: 'decTtl' }) },                                 'actions=dec_ttl'],
  ['the packet needs ethType to be 0x0800 or 0x86dd',      { match: {}, instructions: apply({ kind: 'ct', commit: true, force: false, zone: 0, alg: 0, actions: [] }) }, 'actions=ct(commit)'],
  ['ethType is read-only',                                 { match: {}, instructions: apply(load(5, 'ethType')) },                                 'actions=load:5->NXM_OF_ETH_TYPE[]'],
  ['reg0 has no bits 30..33',                              { match: {}, instructions: apply(load(5, 'reg0', { offset: 30, bits: 4 })) },           'actions=load:5->NXM_NX_REG0[30..33]'],
  ['5 does not fit 2 bits',                                { match: {}, instructions: apply(load(5, 'reg0', { bits: 2 })) },                       'actions=load:5->NXM_NX_REG0[0..1]'],
  ['ctMark is changed in ct alone',                         { match: {}, instructions: apply(setField({ ctMark: 5 })) },                            'actions=set_field:5->ct_mark'],
  ['this action has its place in ct alone',                { match: { ethType: 0x0800 }, instructions: apply({ kind: 'nat' }) },                   'ip,actions=nat'],
  ['reg0 cannot be changed in ct',                         { match: { ethType: 0x0800 }, instructions: apply({ kind: 'ct', commit: true, force: false, zone: 0, alg: 0, actions: [setField({ reg0: 5 })] }) }, 'ip,actions=ct(commit,exec(set_field:5->reg0))'],
  ['this action has no place in ct',                       { match: { ethType: 0x0800 }, instructions: apply({ kind: 'ct', commit: true, force: false, zone: 0, alg: 0, actions: [{ kind: 'output', port: 1, maxLen: 0 }] }) }, 'ip,actions=ct(commit,exec(output:1))'],
  ['stands beside conjunction',                            { match: {}, instructions: apply({ kind: 'conjunction', id: 1, clause: 0, clauseCount: 2 }, { kind: 'exit' }) }, 'actions=conjunction(1,1/2),exit'],
  ['ethType to be 0x0800',                                 { match: { ethType: 0x86dd }, instructions: apply({ kind: 'ct', commit: true, force: false, zone: 0, alg: 0, actions: [{ kind: 'nat', direction: 'src', addressMin: '10.0.0.1' }] }) }, 'ipv6,actions=ct(commit,nat(src=10.0.0.1))'],
  ['the packet needs ipProto to be 6',                     { match: { ethType: 0x0800 }, instructions: apply({ kind: 'finTimeout', idleTimeout: 1, hardTimeout: 1 }) }, 'ip,actions=fin_timeout(idle_timeout=1,hard_timeout=1)'],
  ['the packet needs ethType to be 0x8847 or 0x8848',      { match: { ethType: 0x0800 }, instructions: apply({ kind: 'decMplsTtl' }) },            'ip,actions=dec_mpls_ttl'],
  ['ipv4Src needs ethType to be 0x0800',                   { match: {}, instructions: apply({ kind: 'stackPush', bits: 32, place: { field: 'ipv4Src', offset: 0 } }) }, 'actions=push:NXM_OF_IP_SRC[]'],
  ['ipProto needs ethType to be 0x0800 or 0x86dd',         { match: {}, instructions: apply({ kind: 'learn', idleTimeout: 0, hardTimeout: 0, priority: 5, cookie: 0n, flags: 0, tableId: 9, finIdleTimeout: 0, finHardTimeout: 0, specs: [{ kind: 'match', bits: 8, value: 6n, to: { field: 'ipProto', offset: 0 } }] }) }, 'actions=learn(table=9,nw_proto=6)'],
  ['the packet needs ipProto to be 6',                     { match: { ethType: 0x0800, ipProto: 17 }, instructions: apply({ kind: 'ct', commit: true, force: false, zone: 0, alg: 21, actions: [] }) }, 'udp,actions=ct(commit,alg=ftp)'],
  ['commits a connection that is invalid',                 { match: { ethType: 0x0800, ctState: { value: 0x30, mask: 0x30 } }, instructions: apply({ kind: 'ct', commit: true, force: false, zone: 0, alg: 0, actions: [] }) }, 'ip,ct_state=+trk+inv,actions=ct(commit)'],
  ['reg0 is no option of a tunnel',                        { match: {}, instructions: apply({ kind: 'deleteField', field: { field: 'reg0' } }) },  'actions=delete_field:reg0'],
  ['nshSpi needs ethType to be 0x894f',                    { match: { ethType: 0x894f }, instructions: apply({ kind: 'decap', packetType: 0xfffe, properties: Buffer.alloc(0) }, { kind: 'decap', packetType: 0xfffe, properties: Buffer.alloc(0) }, setField({ nshSpi: 5 })) }, 'dl_type=0x894f,actions=decap(),decap(),set_field:5->nsh_spi'],
  ['ethDst needs packetType to be 0',                      { match: {}, instructions: apply({ kind: 'encap', packetType: 0x1894f, properties: [] }, setField({ ethDst: '0e:00:00:00:00:01' })) }, 'actions=encap(nsh),set_field:0e:00:00:00:00:01->eth_dst'],
  ['the packet needs ctState to have a state',             { match: {}, instructions: apply({ kind: 'resubmitCt', tableId: 5 }) },                 'actions=resubmit(,5,ct)'],
  ['tcpSrc needs ipProto to be 6',                         { match: {}, instructions: apply({ kind: 'bundleLoad', fields: 'eth_src', basis: 0, algorithm: 'hrw', members: [1], to: { field: 'tcpSrc', offset: 0, bits: 16 } }) }, 'actions=bundle_load(eth_src,0,hrw,ofport,NXM_OF_TCP_SRC[],members:1)'],
  ['1 is not after table 5',                               { match: {}, instructions: [{ kind: 'gotoTable', tableId: 1 }] },                       'actions=goto_table:1'],
]

const field = (oxmClass: number, number: number, hex: string, isMasked = false) => ({
  class: oxmClass,
  field: number,
  isMasked,
  bytes: Buffer.from(hex, 'hex'),
})
const ip = field(0x8000, 5, '0800')
const ipv6 = field(0x8000, 5, '86dd')

// biome-ignore format: one refusal a line: what we answer, the match, the same as bytes, what the switch answers
const refusedMatches: [string, Match, UnknownField[], string][] = [
  ['udpDst needs ipProto to be 17',                         { udpDst: 53 },                                 [field(0x8000, 16, '0035')],                                  'OFPBMC_BAD_PREREQ'],
  ['udpDst needs ipProto to be 17',                         { ...tcp, udpDst: 53 },                         [ip, field(0x8000, 10, '06'), field(0x8000, 16, '0035')],     'OFPBMC_BAD_PREREQ'],
  ['ipProto needs ethType to be 0x0800 or 0x86dd',          { ipProto: 17 },                                [field(0x8000, 10, '11')],                                    'OFPBMC_BAD_PREREQ'],
  ['ipv4Src needs ethType to be 0x0800',                    { ethType: 0x86dd, ipv4Src: '10.0.0.1' },       [ipv6, field(0x8000, 11, '0a000001')],                        'OFPBMC_BAD_PREREQ'],
  ['arpSpa needs ethType to be 0x0806 or 0x8035',           { arpSpa: '10.0.0.1' },                         [field(0x8000, 22, '0a000001')],                              'OFPBMC_BAD_PREREQ'],
  ['ndSll needs icmpv6Type to be 135',                      { ethType: 0x86dd, ipProto: 58, icmpv6Type: 136, ndSll: '0e:00:00:00:00:01' }, [ipv6, field(0x8000, 10, '3a'), field(0x8000, 29, '88'), field(0x8000, 32, '0e0000000001')], 'OFPBMC_BAD_PREREQ'],
  ['ndTarget needs icmpv6Code to be 0',                     { ethType: 0x86dd, ipProto: 58, icmpv6Type: 135, icmpv6Code: 1, ndTarget: 'fd00::1' }, [ipv6, field(0x8000, 10, '3a'), field(0x8000, 29, '87'), field(0x8000, 30, '01'), field(0x8000, 31, 'fd000000000000000000000000000001')], 'OFPBMC_BAD_PREREQ'],
  ['tcpDst needs ipFrag to have not the bit of later',      { ...tcp, ipFrag: 3, tcpDst: 80 },              [ip, field(0x8000, 10, '06'), field(1, 26, '03'), field(0x8000, 14, '0050')], 'OFPBMC_BAD_PREREQ'],
  ['arpOp: 256 does not fit 8 bits',                        { ethType: 0x0806, arpOp: 256 },                [field(0x8000, 5, '0806'), field(0x8000, 21, '0100')],        'OFPBMC_BAD_VALUE'],
  ['nshTtl: 64 does not fit 6 bits',                        { ethType: 0x894f, nshTtl: 64 },                [field(0x8000, 5, '894f'), field(0xffff, 10, '005ad65040')],  'OFPBMC_BAD_VALUE'],
  ['vlanPcp needs vlanVid to have the bit 0x1000',          { vlanVid: 0, vlanPcp: 3 },                     [field(0x8000, 6, '0000'), field(0x8000, 7, '03')],           'OFPBMC_BAD_PREREQ'],
  ['ctNwSrc needs ctState to have a state of a connection', { ethType: 0x0800, ctNwSrc: '10.0.0.1' },       [ip, field(1, 120, '0a000001')],                              'OFPBMC_BAD_PREREQ'],
  ['ethType needs packetType to be 0',                      { packetType: 0x10800, ethType: 0x0800 },       [field(0x8000, 44, '00010800'), ip],                          'OFPBMC_BAD_PREREQ'],
  ['ethType: takes no mask',                                { ethType: { value: 0x0800, mask: 0xff00 } },   [field(0x8000, 5, '0800ff00', true)],                         'OFPBMC_BAD_MASK'],
  ['ipv4Src: 10.0.0.1 has bits outside its mask',           { ethType: 0x0800, ipv4Src: { value: '10.0.0.1', mask: '255.0.0.0' } }, [ip, field(0x8000, 11, '0a000001ff000000', true)], 'OFPBMC_BAD_WILDCARDS'],
  ['ipDscp: 64 does not fit 6 bits',                        { ethType: 0x0800, ipDscp: 64 },                [ip, field(0x8000, 8, '40')],                                 'OFPBMC_BAD_VALUE'],
]

describe('what we refuse, Open vSwitch refuses', () => {
  test.each(refusedMatches)('%s in a match', async (reason, match, unknown, error) => {
    const flow = { tableId: 5, priority: 1, instructions: [] }
    expect(() => formatFlow({ ...flow, match })).toThrow(reason)
    const flowMod = { ...flow, kind: 'flowMod' as const, xid: ++xid, command: 'add' as const }
    expect(await raw.errorsOf({ ...flowMod, match: { unknown } })).toEqual([error])
  })

  test.each(refused)('%s in an action', async (reason, rest, text) => {
    expect(() => formatFlow({ tableId: 5, priority: 1, ...rest })).toThrow(reason)
    const flowMod: Message = { kind: 'flowMod', xid: 1, command: 'add', tableId: 5, priority: 1, ...rest }
    expect(() => encode(flowMod)).toThrow(/^flowMod\./)
    await expect(subject.ofctl('add-flow', 'br0', `table=5,priority=1,${text}`)).rejects.toThrow()
  })
})

describe('a paused packet', () => {
  const tenants = [1n, 2n]

  beforeAll(async () => {
    await subject.ofctl('del-flows', 'br0')
    await subject.ofctl(
      'add-flow',
      'br0',
      'table=33,actions=controller(pause,userdata=64.6e.73),resubmit(,55)',
    )
    for (const tenant of tenants)
      await subject.ofctl('add-flow', 'br0', `table=55,reg6=0x7,metadata=${tenant},actions=LOCAL`)
    peer.send(
      encode({ kind: 'setPacketInFormat', xid: ++xid, format: 'nxtPacketIn2' }),
      encode({ kind: 'setConfig', xid: ++xid, flags: 0, missSendLen: 0xffff }),
    )
  })

  const frame = Buffer.from(
    '0e00000000020e000000000108004500001c0000000040110000' + '0a00000bc6336435' + 'd431003500080000',
    'hex',
  )
  const punt = async (tenant: bigint): Promise<MessageOf<'packetIn2'>> => {
    const actions = [setField({ reg6: 7 }), setField({ metadata: tenant }), resubmit(33)]
    peer.send(encode({ kind: 'packetOut', xid: ++xid, inPort: ports.local, actions, data: frame }))
    const message = decode(await peer.take((bytes) => bytes[1] === 4))
    if (message.kind !== 'packetIn2') throw new Error(message.kind)
    return message
  }
  const countOf = async (tenant: bigint) =>
    (await flowsOf()).find(({ match }) => match.metadata === tenant)!.packetCount

  test.each(tenants)('of tenant %s goes on after resume with its registers', async (tenant) => {
    const { kind: _, ...packet } = await punt(tenant)
    expect(packet.packet.equals(frame)).toBe(true)
    expect(packet).toMatchObject({ metadata: { reg6: 7, metadata: tenant }, userdata: Buffer.from('dns') })
    expect(await raw.errorsOf({ ...packet, kind: 'resume', xid: ++xid })).toEqual([])
    expect(await countOf(tenant)).toBe(1n)
    expect(await countOf(3n - tenant)).toBe(tenant - 1n)
  })

  // Open vSwitch 3.1 encodes what is left to do as actions; instructions are none.
  test.each([
    ['goto_table:55', [], 1n],
    ['write_actions(output:LOCAL)', ['OFPBAC_BAD_LEN'], 0n],
  ])(
    'with %s behind its pause gives the errors %j when it is resumed',
    async (instruction, errors, count) => {
      await subject.ofctl('add-flow', 'br0', `table=34,actions=controller(pause),${instruction}`)
      const actions = [setField({ reg6: 7 }), setField({ metadata: 1n }), resubmit(34)]
      const before = await countOf(1n)
      peer.send(encode({ kind: 'packetOut', xid: ++xid, inPort: ports.local, actions, data: frame }))
      const { kind: _, ...packet } = decode(
        await peer.take((bytes) => bytes[1] === 4),
      ) as MessageOf<'packetIn2'>
      expect(await raw.errorsOf({ ...packet, kind: 'resume', xid: ++xid })).toEqual(errors)
      expect((await countOf(1n)) - before).toBe(count)
    },
  )

  test('of a bridge that is gone is refused by name', async () => {
    const { kind: _, ...packet } = await punt(1n)
    const continuation = Buffer.from(packet.continuation).fill(0, 4, 20)
    expect(await raw.errorsOf({ ...packet, kind: 'resume', xid: ++xid, continuation })).toEqual(['NXR_STALE'])
  })
})
