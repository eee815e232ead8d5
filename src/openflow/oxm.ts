/**
 * The match fields: number, size, value, prerequisites and text of each, as one table. Codec, type and the text of
 * `ovs-ofctl` follow from it (match.ts, format.ts). Numbers and names are those of OpenFlow 1.3.5 §A.2.3.7 and of Open
 * vSwitch's include/openvswitch/meta-flow.h. It knows no message.
 */

import { ipv4, ipv6, mac } from '../wire/address.ts'
import { type Codec, u8, u16, u32, u64, u128 } from '../wire/codec.ts'
import * as show from './show.ts'

/** The number by which a field is known on the wire, and its name there. */
export interface Header {
  readonly class: number
  readonly field: number
  readonly name: string
  /** The owner of a field of class 0xffff. */
  readonly experimenter?: number
}

const header =
  (oxmClass: number, prefix: string, experimenter?: number) =>
  (field: number, name: string): Header => ({
    class: oxmClass,
    field,
    name: `${prefix}_${name}`,
    ...(experimenter === undefined ? {} : { experimenter }),
  })

const nxm = header(0x0000, 'NXM_OF')
const nx = header(0x0001, 'NXM_NX')
const of = header(0x8000, 'OXM_OF')
const pktReg = header(0x8001, 'OXM_OF')
const onf = header(0xffff, 'ONFOXM_ET', 0x4f4e4600)
const eric = header(0x1000, 'ERICOXM_OF')

/** What a match must say of another field: one of these values, exactly, or something else in words. */
export type Need =
  | readonly number[]
  | { readonly words: string; readonly holds: (value: number, mask: number) => boolean }

/** What must stand in a match before a field may, by the name of the other field. */
export type Needs = Readonly<Record<string, Need>>

const tagged: Need = { words: 'the bit 0x1000', holds: (vid) => (vid & 0x1000) !== 0 }
const tracked: Need = {
  words: 'a state of a connection',
  holds: (state, mask) => (state & 0xcf) !== 0 || ((state & 0x20) !== 0 && (mask & ~state & 0x10) !== 0),
}

// biome-ignore format: one prerequisite a line
/** The prerequisites that fields and actions have. */
export const needs = {
  nothing: {},
  vlan:   { vlanVid: tagged },
  mpls:   { ethType: [0x8847, 0x8848] },
  ip:     { ethType: [0x0800, 0x86dd] },
  ipv4:   { ethType: [0x0800] },
  ipv6:   { ethType: [0x86dd] },
  arp:    { ethType: [0x0806, 0x8035] },
  tcp:    { ipProto: [6] },
  udp:    { ipProto: [17] },
  sctp:   { ipProto: [132] },
  icmpv4: { ethType: [0x0800], ipProto: [1] },
  icmpv6: { ethType: [0x86dd], ipProto: [58] },
  nd:     { icmpv6Type: [135, 136] },
  ndAsk:  { icmpv6Type: [135] },
  ndTell: { icmpv6Type: [136] },
  ct:     { ctState: tracked },
  ctIpv4: { ctState: tracked, ethType: [0x0800] },
  ctIpv6: { ctState: tracked, ethType: [0x86dd] },
} as const satisfies Record<string, Needs>

/** A kind of value: its codec, its size in bytes, and whether its text is an address. */
export interface ValueKind<T> {
  readonly codec: Codec<T>
  readonly size: number
}

const kinds = {
  u8: { codec: u8, size: 1 } as ValueKind<number>,
  u16: { codec: u16, size: 2 } as ValueKind<number>,
  u32: { codec: u32, size: 4 } as ValueKind<number>,
  u64: { codec: u64, size: 8 } as ValueKind<bigint>,
  u128: { codec: u128, size: 16 } as ValueKind<bigint>,
  mac: { codec: mac, size: 6 } as ValueKind<string>,
  ipv4: { codec: ipv4, size: 4 } as ValueKind<string>,
  ipv6: { codec: ipv6, size: 16 } as ValueKind<string>,
}
const k = kinds

/** A row of the table. */
export interface Field {
  /** The value. */
  readonly is: ValueKind<number> | ValueKind<bigint> | ValueKind<string>
  /** How many of its low bits count. */
  readonly bits: number
  /** The header that Open vSwitch uses in a match and in set-field, where it has one of its own. */
  readonly oxm?: Header
  /** The header that Open vSwitch uses in move, load and learn, where it has one of its own. */
  readonly nxm?: Header
  readonly needs: Needs
  /** Whether a match may compare some of the bits only. */
  readonly isMaskable: boolean
  /** Whether an action may write it. */
  readonly isWritable: boolean
  /** Whether set-field may not write it, although other actions may. */
  readonly isOnlyLoaded?: boolean
  /** Its name in set_field, and its text there. */
  readonly name: string
  readonly show: show.Show<never>
  /** Its name, its text and how many bits count in a match, where they differ. */
  readonly inMatch?: { readonly name?: string; readonly show?: show.Show<never>; readonly bits?: number }
  /** The fields that it is another view of, most significant first. */
  readonly parts?: readonly string[]
}

const any = { isMaskable: true, isWritable: true }
const whole = { isMaskable: false, isWritable: true }
const maskable = { isMaskable: true, isWritable: false }
const fixed = { isMaskable: false, isWritable: false }

const port16: show.Show<number> = (port) => show.portShown(port >= 0xff00 ? port + 0xffff0000 : port)
const reg = (n: number) => ({
  is: k.u32,
  bits: 32,
  nxm: nx(n, `REG${n}`),
  needs: needs.nothing,
  ...any,
  name: `reg${n}`,
  show: show.hex,
})
const xreg = (n: number) => ({
  is: k.u64,
  bits: 64,
  oxm: pktReg(n, `PKT_REG${n}`),
  needs: needs.nothing,
  ...any,
  name: `xreg${n}`,
  show: show.hex,
  parts: [`reg${2 * n}`, `reg${2 * n + 1}`],
})
const xxreg = (n: number) => ({
  is: k.u128,
  bits: 128,
  nxm: nx(111 + n, `XXREG${n}`),
  needs: needs.nothing,
  ...any,
  name: `xxreg${n}`,
  show: show.hex,
  parts: [`reg${4 * n}`, `reg${4 * n + 1}`, `reg${4 * n + 2}`, `reg${4 * n + 3}`],
})

// biome-ignore format: one field a line, in columns, in the order in which ovs-ofctl prints a match
/** The fields, in the order in which `ovs-ofctl` prints a match. */
export const fields = {
  pktMark:      { is: k.u32,  bits: 32,  nxm: nx(33, 'PKT_MARK'),                                         needs: needs.nothing, ...any,      name: 'pkt_mark',      show: show.hex },
  recircId:     { is: k.u32,  bits: 32,  nxm: nx(36, 'RECIRC_ID'),                                        needs: needs.nothing, ...fixed,    name: 'recirc_id',     show: show.decimal, inMatch: { show: show.hex } },
  dpHash:       { is: k.u32,  bits: 32,  nxm: nx(35, 'DP_HASH'),                                          needs: needs.nothing, ...maskable, name: 'dp_hash',       show: show.hex },
  conjId:       { is: k.u32,  bits: 32,  nxm: nx(37, 'CONJ_ID'),                                          needs: needs.nothing, ...fixed,    name: 'conj_id',       show: show.decimal },
  actsetOutput: { is: k.u32,  bits: 32,  oxm: onf(43, 'ACTSET_OUTPUT'),                                   needs: needs.nothing, ...fixed,    name: 'actset_output', show: show.portShown },
  ctState:      { is: k.u32,  bits: 32,  nxm: nx(105, 'CT_STATE'),                                        needs: needs.nothing, ...maskable, name: 'ct_state',      show: show.ctStateShown, inMatch: { bits: 8 } },
  ctZone:       { is: k.u16,  bits: 16,  nxm: nx(106, 'CT_ZONE'),                                         needs: needs.nothing, ...fixed,    name: 'ct_zone',       show: show.hex, inMatch: { show: show.decimalOrHex } },
  ctMark:       { is: k.u32,  bits: 32,  nxm: nx(107, 'CT_MARK'),                                         needs: needs.nothing, ...any,      name: 'ct_mark',       show: show.hex },
  ctLabel:      { is: k.u128, bits: 128, nxm: nx(108, 'CT_LABEL'),                                        needs: needs.nothing, ...any,      name: 'ct_label',      show: show.hex },
  ctNwSrc:      { is: k.ipv4, bits: 32,  nxm: nx(120, 'CT_NW_SRC'),                                       needs: needs.ctIpv4,  ...maskable, name: 'ct_nw_src',     show: show.ipv4Shown },
  ctIpv6Src:    { is: k.ipv6, bits: 128, nxm: nx(122, 'CT_IPV6_SRC'),                                     needs: needs.ctIpv6,  ...maskable, name: 'ct_ipv6_src',   show: show.ipv6Shown },
  ctNwDst:      { is: k.ipv4, bits: 32,  nxm: nx(121, 'CT_NW_DST'),                                       needs: needs.ctIpv4,  ...maskable, name: 'ct_nw_dst',     show: show.ipv4Shown },
  ctIpv6Dst:    { is: k.ipv6, bits: 128, nxm: nx(123, 'CT_IPV6_DST'),                                     needs: needs.ctIpv6,  ...maskable, name: 'ct_ipv6_dst',   show: show.ipv6Shown },
  ctNwProto:    { is: k.u8,   bits: 8,   nxm: nx(119, 'CT_NW_PROTO'),                                     needs: needs.ct,      ...fixed,    name: 'ct_nw_proto',   show: show.decimal },
  ctTpSrc:      { is: k.u16,  bits: 16,  nxm: nx(124, 'CT_TP_SRC'),                                       needs: needs.ct,      ...maskable, name: 'ct_tp_src',     show: show.decimal, inMatch: { show: show.decimalOrHex } },
  ctTpDst:      { is: k.u16,  bits: 16,  nxm: nx(125, 'CT_TP_DST'),                                       needs: needs.ct,      ...maskable, name: 'ct_tp_dst',     show: show.decimal, inMatch: { show: show.decimalOrHex } },
  reg0:  reg(0),  reg1:  reg(1),  reg2:  reg(2),  reg3:  reg(3),  reg4:  reg(4),  reg5:  reg(5),  reg6:  reg(6),  reg7:  reg(7),
  reg8:  reg(8),  reg9:  reg(9),  reg10: reg(10), reg11: reg(11), reg12: reg(12), reg13: reg(13), reg14: reg(14), reg15: reg(15),
  xreg0: xreg(0), xreg1: xreg(1), xreg2: xreg(2), xreg3: xreg(3), xreg4: xreg(4), xreg5: xreg(5), xreg6: xreg(6), xreg7: xreg(7),
  xxreg0: xxreg(0), xxreg1: xxreg(1), xxreg2: xxreg(2), xxreg3: xxreg(3),
  tunnelId:     { is: k.u64,  bits: 64,  nxm: nx(16, 'TUN_ID'),       oxm: of(38, 'TUNNEL_ID'),           needs: needs.nothing, ...any,      name: 'tun_id',        show: show.hex },
  tunIpv4Src:   { is: k.ipv4, bits: 32,  nxm: nx(31, 'TUN_IPV4_SRC'),                                     needs: needs.nothing, ...any,      name: 'tun_src',       show: show.ipv4Shown },
  tunIpv4Dst:   { is: k.ipv4, bits: 32,  nxm: nx(32, 'TUN_IPV4_DST'),                                     needs: needs.nothing, ...any,      name: 'tun_dst',       show: show.ipv4Shown },
  tunIpv6Src:   { is: k.ipv6, bits: 128, nxm: nx(109, 'TUN_IPV6_SRC'),                                    needs: needs.nothing, ...any,      name: 'tun_ipv6_src',  show: show.ipv6Shown },
  tunIpv6Dst:   { is: k.ipv6, bits: 128, nxm: nx(110, 'TUN_IPV6_DST'),                                    needs: needs.nothing, ...any,      name: 'tun_ipv6_dst',  show: show.ipv6Shown },
  tunGbpId:     { is: k.u16,  bits: 16,  nxm: nx(38, 'TUN_GBP_ID'),                                       needs: needs.nothing, ...any,      name: 'tun_gbp_id',    show: show.decimal, inMatch: { show: show.decimalOrHex } },
  tunGbpFlags:  { is: k.u8,   bits: 8,   nxm: nx(39, 'TUN_GBP_FLAGS'),                                    needs: needs.nothing, ...any,      name: 'tun_gbp_flags', show: show.hex, inMatch: { show: (flags: number) => show.hex(flags) } },
  tunFlags:     { is: k.u16,  bits: 1,   nxm: nx(104, 'TUN_FLAGS'),                                       needs: needs.nothing, ...any,      name: 'tun_flags',     show: show.tunFlagsShown, inMatch: { show: show.tunFlagsCompared } },
  metadata:     { is: k.u64,  bits: 64,                               oxm: of(2, 'METADATA'),             needs: needs.nothing, ...any,      name: 'metadata',      show: show.hex },
  inPort:       { is: k.u32,  bits: 32,                               oxm: of(0, 'IN_PORT'),              needs: needs.nothing, ...whole,    name: 'in_port_oxm',   show: show.portShown, inMatch: { name: 'in_port' }, isOnlyLoaded: true },
  inPortNxm:    { is: k.u16,  bits: 16,  nxm: nxm(0, 'IN_PORT'),                                          needs: needs.nothing, ...whole,    name: 'in_port',       show: port16 },
  vlanTci:      { is: k.u16,  bits: 16,  nxm: nxm(4, 'VLAN_TCI'),                                         needs: needs.nothing, ...any,      name: 'vlan_tci',      show: show.hex, inMatch: { show: show.hexDigits(4) } },
  vlanVid:      { is: k.u16,  bits: 12,                               oxm: of(6, 'VLAN_VID'),             needs: needs.nothing, ...any,      name: 'vlan_vid',      show: show.decimal, inMatch: { bits: 13 } },
  vlanPcp:      { is: k.u8,   bits: 3,                                oxm: of(7, 'VLAN_PCP'),             needs: needs.vlan,    ...whole,    name: 'vlan_pcp',      show: show.decimal },
  ethSrc:       { is: k.mac,  bits: 48,  nxm: nxm(2, 'ETH_SRC'),      oxm: of(4, 'ETH_SRC'),              needs: needs.nothing, ...any,      name: 'eth_src',       show: show.macShown, inMatch: { name: 'dl_src' } },
  ethDst:       { is: k.mac,  bits: 48,  nxm: nxm(1, 'ETH_DST'),      oxm: of(3, 'ETH_DST'),              needs: needs.nothing, ...any,      name: 'eth_dst',       show: show.macShown, inMatch: { name: 'dl_dst' } },
  ethType:      { is: k.u16,  bits: 16,  nxm: nxm(3, 'ETH_TYPE'),     oxm: of(5, 'ETH_TYPE'),             needs: needs.nothing, ...fixed,    name: 'eth_type',      show: show.hex, inMatch: { name: 'dl_type', show: show.hexDigits(4) } },
  ipv6Src:      { is: k.ipv6, bits: 128, nxm: nx(19, 'IPV6_SRC'),     oxm: of(26, 'IPV6_SRC'),            needs: needs.ipv6,    ...any,      name: 'ipv6_src',      show: show.ipv6Shown },
  ipv6Dst:      { is: k.ipv6, bits: 128, nxm: nx(20, 'IPV6_DST'),     oxm: of(27, 'IPV6_DST'),            needs: needs.ipv6,    ...any,      name: 'ipv6_dst',      show: show.ipv6Shown },
  ipv6Flabel:   { is: k.u32,  bits: 20,  nxm: nx(27, 'IPV6_LABEL'),   oxm: of(28, 'IPV6_FLABEL'),         needs: needs.ipv6,    ...any,      name: 'ipv6_label',    show: show.hex, inMatch: { show: show.hexDigits(5) } },
  arpSpa:       { is: k.ipv4, bits: 32,  nxm: nxm(16, 'ARP_SPA'),     oxm: of(22, 'ARP_SPA'),             needs: needs.arp,     ...any,      name: 'arp_spa',       show: show.ipv4Shown },
  arpTpa:       { is: k.ipv4, bits: 32,  nxm: nxm(17, 'ARP_TPA'),     oxm: of(23, 'ARP_TPA'),             needs: needs.arp,     ...any,      name: 'arp_tpa',       show: show.ipv4Shown },
  ipv4Src:      { is: k.ipv4, bits: 32,  nxm: nxm(7, 'IP_SRC'),       oxm: of(11, 'IPV4_SRC'),            needs: needs.ipv4,    ...any,      name: 'ip_src',        show: show.ipv4Shown, inMatch: { name: 'nw_src' } },
  ipv4Dst:      { is: k.ipv4, bits: 32,  nxm: nxm(8, 'IP_DST'),       oxm: of(12, 'IPV4_DST'),            needs: needs.ipv4,    ...any,      name: 'ip_dst',        show: show.ipv4Shown, inMatch: { name: 'nw_dst' } },
  arpOp:        { is: k.u16,  bits: 16,  nxm: nxm(15, 'ARP_OP'),      oxm: of(21, 'ARP_OP'),              needs: needs.arp,     ...whole,    name: 'arp_op',        show: show.decimal },
  ipProto:      { is: k.u8,   bits: 8,   nxm: nxm(6, 'IP_PROTO'),     oxm: of(10, 'IP_PROTO'),            needs: needs.ip,      ...fixed,    name: 'nw_proto',      show: show.decimal },
  arpSha:       { is: k.mac,  bits: 48,  nxm: nx(17, 'ARP_SHA'),      oxm: of(24, 'ARP_SHA'),             needs: needs.arp,     ...any,      name: 'arp_sha',       show: show.macShown },
  arpTha:       { is: k.mac,  bits: 48,  nxm: nx(18, 'ARP_THA'),      oxm: of(25, 'ARP_THA'),             needs: needs.arp,     ...any,      name: 'arp_tha',       show: show.macShown },
  ipDscp:       { is: k.u8,   bits: 6,                                oxm: of(8, 'IP_DSCP'),              needs: needs.ip,      ...whole,    name: 'ip_dscp',       show: show.decimal, inMatch: { name: 'nw_tos', show: (dscp: number) => `${dscp << 2}` } },
  ipEcn:        { is: k.u8,   bits: 2,   nxm: nx(28, 'IP_ECN'),       oxm: of(9, 'IP_ECN'),               needs: needs.ip,      ...whole,    name: 'nw_ecn',        show: show.decimal },
  nwTtl:        { is: k.u8,   bits: 8,   nxm: nx(29, 'IP_TTL'),                                           needs: needs.ip,      ...whole,    name: 'nw_ttl',        show: show.decimal },
  mplsLabel:    { is: k.u32,  bits: 20,                               oxm: of(34, 'MPLS_LABEL'),          needs: needs.mpls,    ...whole,    name: 'mpls_label',    show: show.decimal },
  mplsTc:       { is: k.u8,   bits: 3,                                oxm: of(35, 'MPLS_TC'),             needs: needs.mpls,    ...whole,    name: 'mpls_tc',       show: show.decimal },
  mplsTtl:      { is: k.u8,   bits: 8,   nxm: nx(30, 'MPLS_TTL'),                                         needs: needs.mpls,    ...whole,    name: 'mpls_ttl',      show: show.decimal },
  mplsBos:      { is: k.u8,   bits: 1,                                oxm: of(36, 'MPLS_BOS'),            needs: needs.mpls,    ...fixed,    name: 'mpls_bos',      show: show.decimal },
  ipFrag:       { is: k.u8,   bits: 2,   nxm: nx(26, 'IP_FRAG'),                                          needs: needs.ip,      ...maskable, name: 'ip_frag',       show: show.fragmentShown, inMatch: { name: 'nw_frag' } },
  icmpv4Type:   { is: k.u8,   bits: 8,   nxm: nxm(13, 'ICMP_TYPE'),   oxm: of(19, 'ICMPV4_TYPE'),         needs: needs.icmpv4,  ...whole,    name: 'icmp_type',     show: show.decimal },
  icmpv4Code:   { is: k.u8,   bits: 8,   nxm: nxm(14, 'ICMP_CODE'),   oxm: of(20, 'ICMPV4_CODE'),         needs: needs.icmpv4,  ...whole,    name: 'icmp_code',     show: show.decimal },
  icmpv6Type:   { is: k.u8,   bits: 8,   nxm: nx(21, 'ICMPV6_TYPE'),  oxm: of(29, 'ICMPV6_TYPE'),         needs: needs.icmpv6,  ...whole,    name: 'icmpv6_type',   show: show.decimal, inMatch: { name: 'icmp_type' } },
  icmpv6Code:   { is: k.u8,   bits: 8,   nxm: nx(22, 'ICMPV6_CODE'),  oxm: of(30, 'ICMPV6_CODE'),         needs: needs.icmpv6,  ...whole,    name: 'icmpv6_code',   show: show.decimal, inMatch: { name: 'icmp_code' } },
  ndTarget:     { is: k.ipv6, bits: 128, nxm: nx(23, 'ND_TARGET'),    oxm: of(31, 'IPV6_ND_TARGET'),      needs: needs.nd,      ...any,      name: 'nd_target',     show: show.ipv6Shown },
  ndSll:        { is: k.mac,  bits: 48,  nxm: nx(24, 'ND_SLL'),       oxm: of(32, 'IPV6_ND_SLL'),         needs: needs.ndAsk,   ...any,      name: 'nd_sll',        show: show.macShown },
  ndTll:        { is: k.mac,  bits: 48,  nxm: nx(25, 'ND_TLL'),       oxm: of(33, 'IPV6_ND_TLL'),         needs: needs.ndTell,  ...any,      name: 'nd_tll',        show: show.macShown },
  ndReserved:   { is: k.u32,  bits: 32,                               oxm: eric(1, 'ICMPV6_ND_RESERVED'), needs: needs.nd,      ...whole,    name: 'nd_reserved',   show: show.decimal },
  ndOptionsType:{ is: k.u8,   bits: 8,                                oxm: eric(2, 'ICMPV6_ND_OPTIONS_TYPE'), needs: needs.nd,  ...whole,    name: 'nd_options_type', show: show.decimal },
  tcpSrc:       { is: k.u16,  bits: 16,  nxm: nxm(9, 'TCP_SRC'),      oxm: of(13, 'TCP_SRC'),             needs: needs.tcp,     ...any,      name: 'tcp_src',       show: show.decimal, inMatch: { name: 'tp_src', show: show.decimalOrHex } },
  tcpDst:       { is: k.u16,  bits: 16,  nxm: nxm(10, 'TCP_DST'),     oxm: of(14, 'TCP_DST'),             needs: needs.tcp,     ...any,      name: 'tcp_dst',       show: show.decimal, inMatch: { name: 'tp_dst', show: show.decimalOrHex } },
  udpSrc:       { is: k.u16,  bits: 16,  nxm: nxm(11, 'UDP_SRC'),     oxm: of(15, 'UDP_SRC'),             needs: needs.udp,     ...any,      name: 'udp_src',       show: show.decimal, inMatch: { name: 'tp_src', show: show.decimalOrHex } },
  udpDst:       { is: k.u16,  bits: 16,  nxm: nxm(12, 'UDP_DST'),     oxm: of(16, 'UDP_DST'),             needs: needs.udp,     ...any,      name: 'udp_dst',       show: show.decimal, inMatch: { name: 'tp_dst', show: show.decimalOrHex } },
  sctpSrc:      { is: k.u16,  bits: 16,                               oxm: of(17, 'SCTP_SRC'),            needs: needs.sctp,    ...any,      name: 'sctp_src',      show: show.decimal, inMatch: { name: 'tp_src', show: show.decimalOrHex } },
  sctpDst:      { is: k.u16,  bits: 16,                               oxm: of(18, 'SCTP_DST'),            needs: needs.sctp,    ...any,      name: 'sctp_dst',      show: show.decimal, inMatch: { name: 'tp_dst', show: show.decimalOrHex } },
  tcpFlags:     { is: k.u16,  bits: 12,  nxm: nx(34, 'TCP_FLAGS'),    oxm: onf(42, 'TCP_FLAGS'),          needs: needs.tcp,     ...maskable, name: 'tcp_flags',     show: show.tcpFlagsShown },
} as const satisfies Record<string, Field>

/** The name of a match field: OXM's, in camelCase. */
export type FieldName = keyof typeof fields

/** The value of a match field: a number (a bigint from 64 bits on) or the text of an address. */
export type FieldValue<K extends FieldName> = (typeof fields)[K]['is'] extends ValueKind<infer T> ? T : never

/** The row of a field, without its name's type. */
export const fieldOf = (name: FieldName): Field => fields[name]

/** The Ethernet types that the library's users need. */
export const ethTypes = { ipv4: 0x0800, arp: 0x0806, vlan: 0x8100, ipv6: 0x86dd } as const

/** Which of a field's two headers stands on the wire. */
export type HeaderKind = 'oxm' | 'nxm'

/** The header of a field in a place that prefers one kind, or the one that is asked for. */
export function headerOf(name: FieldName, preferred: HeaderKind): Header {
  const field = fieldOf(name)
  return (preferred === 'oxm' ? (field.oxm ?? field.nxm) : (field.nxm ?? field.oxm))!
}

/** A number that no two headers share: 0xffff has as many spaces of numbers as there are experimenters. */
const keyOf = (oxmClass: number, field: number, experimenter = 0): number =>
  experimenter * 0x80_0000 + oxmClass * 0x80 + field

const byHeader = new Map<number, { name: FieldName; kind: HeaderKind }>(
  (Object.keys(fields) as FieldName[]).flatMap((name) =>
    (['nxm', 'oxm'] as const).flatMap((kind) => {
      const at = fieldOf(name)[kind]
      return at === undefined ? [] : [[keyOf(at.class, at.field, at.experimenter), { name, kind }] as const]
    }),
  ),
)

/** The field that a header names, and which of its headers that is. */
export function fieldAt(
  oxmClass: number,
  number: number,
  experimenter?: number,
): { name: FieldName; kind: HeaderKind } | undefined {
  return byHeader.get(keyOf(oxmClass, number, experimenter))
}
