import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type Flow,
  flowContent,
  flowIdentity,
  formatFlow,
  formatMatch,
  load,
  move,
  output,
  resubmit,
  setField,
} from '../../src/openflow/flow.ts'
import type { Match } from '../../src/openflow/match.ts'
import { decode, encode } from '../../src/openflow/messages.ts'
import { CodecError } from '../../src/wire/codec.ts'

const flow = (match: Match, rest: Partial<Flow> = {}): Flow => ({
  tableId: 1,
  priority: 5,
  match,
  instructions: [],
  ...rest,
})
const udp = { ethType: 0x0800, ipProto: 17 }

describe('formatFlow', () => {
  // The texts are those of `ovs-ofctl --no-stats dump-flows`; test/system compares many more with a running switch.
  test.each<[string, Flow]>([
    ['priority=0 actions=drop', flow({}, { tableId: 0, priority: 0 })],
    ['actions=drop', flow({}, { tableId: 0, priority: 0x8000 })],
    ['table=1, priority=5,udp,tp_dst=53 actions=drop', flow({ ...udp, udpDst: 53 })],
    [
      'cookie=0x2a, table=1, idle_timeout=3, hard_timeout=4, send_flow_rem check_overlap priority=5 actions=drop',
      flow({}, { cookie: 42n, idleTimeout: 3, hardTimeout: 4, flags: 3 }),
    ],
    [
      'table=20, priority=100,udp,reg6=0x2,metadata=0x1,in_port=7,vlan_tci=0x0000/0x1fff,dl_dst=00:00:00:00:00:00/01:00:00:00:00:00,nw_frag=no,tp_dst=53 actions=output:1,goto_table:31',
      flow(
        {
          ...{ reg6: 2, metadata: 1n, inPort: 7, vlanVid: 0, ...udp, udpDst: 53, ipFrag: 0 },
          ethDst: { value: '00:00:00:00:00:00', mask: '01:00:00:00:00:00' },
        },
        {
          tableId: 20,
          priority: 100,
          instructions: [
            { kind: 'applyActions', actions: [output(1)] },
            { kind: 'gotoTable', tableId: 31 },
          ],
        },
      ),
    ],
  ])('%s', (text, value) => {
    expect(formatFlow(value)).toBe(text)
  })

  test.each<[string, Flow]>([
    ['tableId: 256 is not 0 to 255', flow({}, { tableId: 256 })],
    ['priority: -1 is not 0 to 65535', flow({}, { priority: -1 })],
    ['match: udpDst needs ipProto to be 17', flow({ udpDst: 53 })],
    ["match.ipv4Src: '10.0.0' is not an IPv4 address", flow({ ethType: 0x0800, ipv4Src: '10.0.0' })],
    [
      'instructions.0.gotoTable: 1 is not after table 1',
      flow({}, { instructions: [{ kind: 'gotoTable', tableId: 1 }] }),
    ],
    [
      'instructions.0.applyActions.actions.1.setField: ipv4Src needs ethType to be 0x0800',
      flow(
        {},
        { instructions: [{ kind: 'applyActions', actions: [output(1), setField({ ipv4Src: '10.0.0.1' })] }] },
      ),
    ],
  ])('refuses: %s', (reason, value) => {
    expect(() => formatFlow(value)).toThrow(CodecError)
    expect(() => formatFlow(value)).toThrow(reason)
  })
})

describe('formatMatch', () => {
  test.each<[string, Match]>([
    ['', {}],
    ['ct_state=+est+trk,ip', { ethType: 0x0800, ctState: { value: 0x22, mask: 0x22 } }],
    ['ct_state=0', { ctState: 0 }],
    ['ct_state=new|trk', { ctState: { value: 0x21, mask: 0xffff_ffff } }],
    ['dl_vlan=100,dl_vlan_pcp=3', { vlanVid: 0x1064, vlanPcp: 3 }],
    ['vlan_tci=0x1000/0x1000', { vlanVid: { value: 0x1000, mask: 0x1000 } }],
    ['vlan_tci=0x0000', { vlanTci: 0 }],
    ['reg0=0x1,reg1=0x2', { xreg0: 0x1_0000_0002n }],
    ['dl_type=0x88cc', { ethType: 0x88cc }],
    ['ipv6,nw_proto=47', { ethType: 0x86dd, ipProto: 47 }],
    [
      'tcp6,ipv6_dst=fd00:a::/64,tp_dst=0x50/0xfff0',
      {
        ethType: 0x86dd,
        ipProto: 6,
        ipv6Dst: { value: 'fd00:a::', mask: 'ffff:ffff:ffff:ffff::' },
        tcpDst: { value: 80, mask: 0xfff0 },
      },
    ],
    [
      'ip,nw_src=10.0.0.1/255.0.0.255',
      { ethType: 0x0800, ipv4Src: { value: '10.0.0.1', mask: '255.0.0.255' } },
    ],
    ['ip,nw_frag=later', { ethType: 0x0800, ipFrag: { value: 2, mask: 2 } }],
    ['in_port=LOCAL', { inPort: 0xfffffffe }],
    ['in_port=LOCAL', { inPortNxm: 0xfffe }],
  ])('%s', (text, match) => {
    expect(formatMatch(match)).toBe(text)
  })

  test('refuses what lacks its prerequisites', () => {
    expect(() => formatMatch({ tcpDst: 80 })).toThrow('match: tcpDst needs ipProto to be 6')
  })
})

describe('flowIdentity', () => {
  const same: [string, Match, Match][] = [
    ['the order of the fields', { ...udp, udpDst: 53, reg6: 1 }, { reg6: 1, udpDst: 53, ...udp }],
    ['a mask of all ones', { reg6: 1 }, { reg6: { value: 1, mask: 0xffff_ffff } }],
    ['a mask of zeros', {}, { reg6: { value: 0, mask: 0 } }],
    ['bits outside the mask', { reg6: { value: 1, mask: 3 } }, { reg6: { value: 0xfd, mask: 3 } }],
    ['the upper case of an address', { ethDst: 'FA:16:3E:00:00:02' }, { ethDst: 'fa:16:3e:00:00:02' }],
    [
      'the form of an IPv6 address',
      { ethType: 0x86dd, ipv6Dst: 'fd00:0::0:1' },
      { ethType: 0x86dd, ipv6Dst: 'fd00::1' },
    ],
    ['a wide register', { xreg0: 0x1_0000_0002n }, { reg0: 1, reg1: 2 }],
    [
      'a wider register, in part',
      { xxreg1: { value: 5n << 32n, mask: 0xffn << 32n } },
      { reg6: { value: 5, mask: 0xff } },
    ],
    ['the other header', { tunnelId: { value: 5n, header: 'nxm' } }, { tunnelId: 5n }],
    ['the port of OpenFlow 1.0', { inPortNxm: 0xfffe }, { inPort: 0xfffffffe }],
    ['a field that is undefined', { reg6: 1, reg7: undefined } as unknown as Match, { reg6: 1 }],
    [
      'a mask of a field that has fewer bits than bytes',
      { ...udp, ipFrag: 0 },
      { ...udp, ipFrag: { value: 0, mask: 3 } },
    ],
    ['a VLAN', { vlanVid: 0x1064 }, { vlanTci: { value: 0x1064, mask: 0x1fff } }],
  ]
  test.each(same)('does not depend on %s', (_name, one, other) => {
    expect(flowIdentity(flow(one))).toBe(flowIdentity(flow(other)))
  })

  test.each<[string, Flow, Flow]>([
    ['the table', flow({}), flow({}, { tableId: 2 })],
    ['the priority', flow({}), flow({}, { priority: 6 })],
    ['a value', flow({ reg6: 1 }), flow({ reg6: 2 })],
    ['a mask', flow({ reg6: 1 }), flow({ reg6: { value: 1, mask: 0xff } })],
    ['a field more', flow({ reg6: 1 }), flow({ reg6: 1, reg7: 0 })],
    ['no VLAN and any', flow({ vlanVid: 0 }), flow({})],
    [
      'an unknown field',
      flow({}),
      flow({ unknown: [{ class: 1, field: 62, isMasked: false, bytes: Buffer.alloc(2) }] }),
    ],
  ])('depends on %s', (_name, one, other) => {
    expect(flowIdentity(one)).not.toBe(flowIdentity(other))
  })

  test('does not depend on what the flow does', () => {
    expect(flowIdentity(flow({}, { cookie: 1n, instructions: [{ kind: 'clearActions' }] }))).toBe(
      flowIdentity(flow({})),
    )
  })

  test('two tenants with the same addresses have two flows', () => {
    const of = (tenant: bigint) => flow({ metadata: tenant, ethType: 0x0800, ipv4Dst: '10.0.0.11' })
    expect(flowIdentity(of(1n))).not.toBe(flowIdentity(of(2n)))
  })

  test('survives the wire, whatever is compared', () => {
    const masked = fc
      .tuple(fc.nat(0xffff), fc.nat(0xffff))
      .map(([value, mask]) => ({ value: value & mask, mask }))
    const match = fc.record(
      { reg0: masked, reg7: fc.nat(), tcpDst: masked, metadata: fc.bigInt(0n, 2n ** 64n - 1n) },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(match, (fields) => {
        const one = flow({ ethType: 0x0800, ipProto: 6, ...fields } as Match)
        const back = decode(encode({ kind: 'flowMod', xid: 1, command: 'add', ...one }))
        if (back.kind !== 'flowMod') throw new Error(back.kind)
        expect(flowIdentity(back)).toBe(flowIdentity(one))
        expect(flowContent(back)).toBe(flowContent(one))
      }),
      { seed: 20, numRuns: 300 },
    )
  })
})

describe('flowContent', () => {
  const base = flow({}, { instructions: [{ kind: 'applyActions', actions: [output(1)] }] })
  test.each<[string, Partial<Flow>]>([
    ['instructions', { instructions: [] }],
    ['cookie', { cookie: 1n }],
    ['flags', { flags: 1 }],
    ['idle timeout', { idleTimeout: 1 }],
    ['hard timeout', { hardTimeout: 1 }],
  ])('depends on the %s', (_name, change) => {
    expect(flowContent({ ...base, ...change })).not.toBe(flowContent(base))
  })

  test('does not depend on what is absent or zero, nor on table, priority and match', () => {
    expect(flowContent({ ...base, cookie: 0n, flags: 0, idleTimeout: 0, hardTimeout: 0 })).toBe(
      flowContent(base),
    )
    expect(flowContent({ ...base, tableId: 7, priority: 7, match: { reg6: 1 } })).toBe(flowContent(base))
  })

  test('does not depend on which header names a field', () => {
    const of = (header?: 'nxm') =>
      flow(
        {},
        {
          instructions: [
            { kind: 'applyActions', actions: [setField({ tunnelId: header ? { value: 5n, header } : 5n })] },
          ],
        },
      )
    expect(flowContent(of('nxm'))).toBe(flowContent(of()))
  })
})

describe('constructors', () => {
  test('take the whole of the smaller field unless told', () => {
    expect(move('ethDst', 'metadata')).toMatchObject({ bits: 48 })
    expect(move('reg0', 'ctZone')).toMatchObject({ bits: 16 })
    expect(load(5, 'xxreg0')).toMatchObject({ bits: 64, value: 5n })
    expect(load(5, 'reg0', { offset: 8 })).toMatchObject({ bits: 24 })
    expect(resubmit()).toEqual({ kind: 'resubmit' })
  })
})
