/**
 * The match fields: number, size, value, prerequisites and text of each, as one table. Codec, type and the text of
 * `ovs-ofctl` follow from it (match.ts, format.ts). Numbers and names are those of OpenFlow 1.3.5 §A.2.3.7 and of Open
 * vSwitch's include/openvswitch/meta-flow.h. It knows no message.
 */

import * as address from '../wire/address.ts'
import type { Codec } from '../wire/codec.ts'
import * as codecs from '../wire/codec.ts'
import { type Needs, needs } from './needs.ts'
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
const et = header(0xffff, 'NXOXM_ET', 0x2320)
const nshOxm = header(0xffff, 'NXOXM_NSH', 0x5ad650)
const eric = header(0x1000, 'ERICOXM_OF')

/** A kind of value: its codec and its size in bytes. */
export interface ValueKind<T> {
  readonly codec: Codec<T>
  readonly size: number
}

/** Bytes as hexadecimal text, `0x0005`: two digits for each byte, so that the text tells how many there are. */
const digits: Codec<string> = {
  read: (r) => `0x${r.bytes(r.size).toString('hex')}`,
  write: (w, value) => {
    if (!/^0x([0-9a-f]{2})+$/i.test(value))
      throw new codecs.CodecError(`'${value}' is not 0x and pairs of digits`)
    w.bytes(Buffer.from(value.slice(2), 'hex'))
  },
}

const valued = <T>(codec: Codec<T>, size: number) => ({
  is: { codec, size } as ValueKind<T>,
  bits: size * 8,
})
const [u8, u16, u32] = [valued(codecs.u8, 1), valued(codecs.u16, 2), valued(codecs.u32, 4)]
const [u64, u128] = [valued(codecs.u64, 8), valued(codecs.u128, 16)]
const [mac, ipv4, ipv6] = [valued(address.mac, 6), valued(address.ipv4, 4), valued(address.ipv6, 16)]

/** A row of the table. */
export interface Field {
  /** The value. */
  readonly is: ValueKind<number> | ValueKind<bigint> | ValueKind<string>
  /** How many of its low bits count. */
  readonly bits: number
  /** Whether `is.size` is only the most that it may have: each switch has its own size. */
  readonly isVariable?: boolean
  /** The header that Open vSwitch uses in a match and in set-field, where it has one of its own. */
  readonly oxm?: Header
  /** The header that Open vSwitch uses in move, load and learn, where it has one of its own. */
  readonly nxm?: Header
  /** What a match must say of other fields. */
  readonly needs?: Needs
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
  /** The field, with a certain value or with any, without which a match's text leaves it out. */
  readonly isShownBeside?: { readonly field: string; readonly value?: bigint }
  /** The fields that it is another view of, most significant first. */
  readonly parts?: readonly string[]
}

type Digit = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9
/** The fields for the options of Geneve: which option each one is, the table of TLVs in the switch says. */
type OptionName = `tunMetadata${Digit | `${1 | 2 | 3 | 4 | 5}${Digit}` | `6${0 | 1 | 2 | 3}`}`

const any = { isMaskable: true, isWritable: true }
const whole = { isMaskable: false, isWritable: true }
const maskable = { isMaskable: true, isWritable: false }
const fixed = { isMaskable: false, isWritable: false }

const tpSrc = { name: 'tp_src', show: show.decimalOrHex }
const tpDst = { name: 'tp_dst', show: show.decimalOrHex }
const port16: show.Show<number> = (port) => show.portShown(port >= 0xff00 ? port + 0xffff0000 : port)
/** The text of a match may say nothing of the mask. */
const unmasked =
  <T>(shown: show.Show<T>): show.Show<T> =>
  (value) =>
    shown(value)
const beside = (field: string, value?: bigint) => ({
  isShownBeside: value === undefined ? { field } : { field, value },
})
const nshContext = (n: number) => ({
  ...{ ...u32, ...any, oxm: nshOxm(n + 5, `C${n}`), needs: needs.nsh },
  ...{ name: `nsh_c${n}`, show: show.hex, ...beside('nshMdtype', 1n) },
})
const reg = (n: number) => ({
  ...u32,
  nxm: nx(n, `REG${n}`),
  ...any,
  name: `reg${n}`,
  show: show.hex,
})
const xreg = (n: number) => ({
  ...u64,
  oxm: pktReg(n, `PKT_REG${n}`),
  ...any,
  name: `xreg${n}`,
  show: show.hex,
  parts: [`reg${2 * n}`, `reg${2 * n + 1}`],
})
const xxreg = (n: number) => ({
  ...u128,
  nxm: nx(111 + n, `XXREG${n}`),
  ...any,
  name: `xxreg${n}`,
  show: show.hex,
  parts: [`reg${4 * n}`, `reg${4 * n + 1}`, `reg${4 * n + 2}`, `reg${4 * n + 3}`],
})
const option = (n: number) => ({
  ...{ ...valued(digits, 124), isVariable: true, ...any, nxm: nx(40 + n, `TUN_METADATA${n}`) },
  ...{ name: `tun_metadata${n}`, show: show.digitsShown, inMatch: { show: show.digitsCompared } },
})
const options = Object.fromEntries(
  Array.from({ length: 64 }, (_, n) => [`tunMetadata${n}`, option(n)]),
) as Record<OptionName, ReturnType<typeof option>>

// biome-ignore format: one field a line, in columns, in the order in which ovs-ofctl prints a match
/** The fields, in the order in which `ovs-ofctl` prints a match. */
export const fields = {
  pktMark:       { ...u32,              ...any,                                           nxm: nx(33, 'PKT_MARK'),                            name: 'pkt_mark', show: show.hex },
  recircId:      { ...u32,              ...fixed,                                         nxm: nx(36, 'RECIRC_ID'),                           name: 'recirc_id', show: show.decimal, inMatch: { show: show.hex } },
  dpHash:        { ...u32,              ...maskable,                                      nxm: nx(35, 'DP_HASH'),                             name: 'dp_hash', show: show.hex },
  conjId:        { ...u32,              ...fixed,                                         nxm: nx(37, 'CONJ_ID'),                             name: 'conj_id', show: show.decimal },
  actsetOutput:  { ...u32,              ...fixed,     oxm: onf(43, 'ACTSET_OUTPUT'),                                                          name: 'actset_output', show: show.portShown },
  ctState:       { ...u32,              ...maskable,                                      nxm: nx(105, 'CT_STATE'),                           name: 'ct_state', show: show.ctStateShown, inMatch: { bits: 8 } },
  ctZone:        { ...u16,              ...fixed,                                         nxm: nx(106, 'CT_ZONE'),                            name: 'ct_zone', show: show.hex, inMatch: { show: show.decimalOrHex } },
  ctMark:        { ...u32,              ...any,                                           nxm: nx(107, 'CT_MARK'),                            name: 'ct_mark', show: show.hex },
  ctLabel:       { ...u128,             ...any,                                           nxm: nx(108, 'CT_LABEL'),                           name: 'ct_label', show: show.hex },
  ctNwSrc:       { ...ipv4,             ...maskable,                                      nxm: nx(120, 'CT_NW_SRC'),    needs: needs.ctIpv4,  name: 'ct_nw_src', show: show.ipv4Shown },
  ctIpv6Src:     { ...ipv6,             ...maskable,                                      nxm: nx(122, 'CT_IPV6_SRC'),  needs: needs.ctIpv6,  name: 'ct_ipv6_src', show: show.ipv6Shown },
  ctNwDst:       { ...ipv4,             ...maskable,                                      nxm: nx(121, 'CT_NW_DST'),    needs: needs.ctIpv4,  name: 'ct_nw_dst', show: show.ipv4Shown },
  ctIpv6Dst:     { ...ipv6,             ...maskable,                                      nxm: nx(123, 'CT_IPV6_DST'),  needs: needs.ctIpv6,  name: 'ct_ipv6_dst', show: show.ipv6Shown },
  ctNwProto:     { ...u8,               ...fixed,                                         nxm: nx(119, 'CT_NW_PROTO'),  needs: needs.ct,      name: 'ct_nw_proto', show: show.decimal },
  ctTpSrc:       { ...u16,              ...maskable,                                      nxm: nx(124, 'CT_TP_SRC'),    needs: needs.ct,      name: 'ct_tp_src', ...beside('ctNwProto'), show: show.decimal, inMatch: { show: show.decimalOrHex } },
  ctTpDst:       { ...u16,              ...maskable,                                      nxm: nx(125, 'CT_TP_DST'),    needs: needs.ct,      name: 'ct_tp_dst', ...beside('ctNwProto'), show: show.decimal, inMatch: { show: show.decimalOrHex } },
  packetType:    { ...u32,              ...fixed,     oxm: of(44, 'PACKET_TYPE'),                                                             name: 'packet_type', show: show.packetTypeShown, inMatch: { show: show.packetTypeCompared } },
  reg0:  reg(0),  reg1:  reg(1),  reg2:  reg(2),  reg3:  reg(3),  reg4:  reg(4),  reg5:  reg(5),  reg6:  reg(6),  reg7:  reg(7),
  reg8:  reg(8),  reg9:  reg(9),  reg10: reg(10), reg11: reg(11), reg12: reg(12), reg13: reg(13), reg14: reg(14), reg15: reg(15),
  xreg0: xreg(0), xreg1: xreg(1), xreg2: xreg(2), xreg3: xreg(3), xreg4: xreg(4), xreg5: xreg(5), xreg6: xreg(6), xreg7: xreg(7),
  xxreg0: xxreg(0), xxreg1: xxreg(1), xxreg2: xxreg(2), xxreg3: xxreg(3),
  tunnelId:      { ...u64,              ...any,       oxm: of(38, 'TUNNEL_ID'),           nxm: nx(16, 'TUN_ID'),                              name: 'tun_id', show: show.hex },
  tunIpv4Src:    { ...ipv4,             ...any,                                           nxm: nx(31, 'TUN_IPV4_SRC'),                        name: 'tun_src', show: show.ipv4Shown },
  tunIpv4Dst:    { ...ipv4,             ...any,                                           nxm: nx(32, 'TUN_IPV4_DST'),                        name: 'tun_dst', show: show.ipv4Shown },
  tunIpv6Src:    { ...ipv6,             ...any,                                           nxm: nx(109, 'TUN_IPV6_SRC'),                       name: 'tun_ipv6_src', show: show.ipv6Shown },
  tunIpv6Dst:    { ...ipv6,             ...any,                                           nxm: nx(110, 'TUN_IPV6_DST'),                       name: 'tun_ipv6_dst', show: show.ipv6Shown },
  tunGbpId:      { ...u16,              ...any,                                           nxm: nx(38, 'TUN_GBP_ID'),                          name: 'tun_gbp_id', show: show.decimal, inMatch: { show: show.decimalOrHex } },
  tunGbpFlags:   { ...u8,               ...any,                                           nxm: nx(39, 'TUN_GBP_FLAGS'),                       name: 'tun_gbp_flags', show: show.hex, inMatch: { show: unmasked(show.hex) } },
  tunErspanVer:  { ...u8, bits: 4,      ...any,       oxm: et(12, 'ERSPAN_VER'),                                                              name: 'tun_erspan_ver', show: show.decimal, inMatch: { show: unmasked(show.decimal) } },
  tunErspanIdx:  { ...u32, bits: 20,    ...any,       oxm: et(11, 'ERSPAN_IDX'),                                                              name: 'tun_erspan_idx', ...beside('tunErspanVer', 1n), show: show.hex, inMatch: { show: unmasked(show.hex) } },
  tunErspanDir:  { ...u8, bits: 1,      ...any,       oxm: et(13, 'ERSPAN_DIR'),                                                              name: 'tun_erspan_dir', ...beside('tunErspanVer', 2n), show: show.decimal, inMatch: { show: unmasked(show.decimal) } },
  tunErspanHwid: { ...u8, bits: 6,      ...any,       oxm: et(14, 'ERSPAN_HWID'),                                                             name: 'tun_erspan_hwid', ...beside('tunErspanVer', 2n), show: show.hex, inMatch: { show: unmasked(show.hex) } },
  tunGtpuFlags:  { ...u8,               ...maskable,  oxm: et(15, 'GTPU_FLAGS'),                                                              name: 'tun_gtpu_flags', show: show.hex, inMatch: { name: 'gtpu_flags', show: unmasked(show.hex) } },
  tunGtpuMsgtype:{ ...u8,               ...maskable,  oxm: et(16, 'GTPU_MSGTYPE'),                                                            name: 'tun_gtpu_msgtype', show: show.decimal, inMatch: { name: 'gtpu_msgtype', show: unmasked(show.decimal) } },
  tunFlags:      { ...u16, bits: 1,     ...any,                                           nxm: nx(104, 'TUN_FLAGS'),                          name: 'tun_flags', show: show.tunFlagsShown, inMatch: { show: show.tunFlagsCompared } },
  ...options,
  metadata:      { ...u64,              ...any,       oxm: of(2, 'METADATA'),                                                                 name: 'metadata', show: show.hex },
  inPort:        { ...u32,              ...whole,     oxm: of(0, 'IN_PORT'),                                                                  name: 'in_port_oxm', show: show.portShown, inMatch: { name: 'in_port' }, isOnlyLoaded: true },
  inPortNxm:     { ...u16,              ...whole,                                         nxm: nxm(0, 'IN_PORT'),                             name: 'in_port', show: port16 },
  vlanTci:       { ...u16,              ...any,                                           nxm: nxm(4, 'VLAN_TCI'),    needs: needs.ether,   name: 'vlan_tci', show: show.hex, inMatch: { show: show.hexDigits(4) } },
  vlanVid:       { ...u16, bits: 12,    ...any,       oxm: of(6, 'VLAN_VID'),                                         needs: needs.ether,   name: 'vlan_vid', show: show.decimal, inMatch: { bits: 13 } },
  vlanPcp:       { ...u8, bits: 3,      ...whole,     oxm: of(7, 'VLAN_PCP'),                                           needs: needs.vlan,    name: 'vlan_pcp', show: show.decimal },
  ethSrc:        { ...mac,              ...any,       oxm: of(4, 'ETH_SRC'),              nxm: nxm(2, 'ETH_SRC'),     needs: needs.ether,   name: 'eth_src', show: show.macShown, inMatch: { name: 'dl_src' } },
  ethDst:        { ...mac,              ...any,       oxm: of(3, 'ETH_DST'),              nxm: nxm(1, 'ETH_DST'),     needs: needs.ether,   name: 'eth_dst', show: show.macShown, inMatch: { name: 'dl_dst' } },
  ethType:       { ...u16,              ...fixed,     oxm: of(5, 'ETH_TYPE'),             nxm: nxm(3, 'ETH_TYPE'),    needs: needs.ether,   name: 'eth_type', show: show.hex, inMatch: { name: 'dl_type', show: show.hexDigits(4) } },
  ipv6Src:       { ...ipv6,             ...any,       oxm: of(26, 'IPV6_SRC'),            nxm: nx(19, 'IPV6_SRC'),      needs: needs.ipv6,    name: 'ipv6_src', show: show.ipv6Shown },
  ipv6Dst:       { ...ipv6,             ...any,       oxm: of(27, 'IPV6_DST'),            nxm: nx(20, 'IPV6_DST'),      needs: needs.ipv6,    name: 'ipv6_dst', show: show.ipv6Shown },
  ipv6Flabel:    { ...u32, bits: 20,    ...any,       oxm: of(28, 'IPV6_FLABEL'),         nxm: nx(27, 'IPV6_LABEL'),    needs: needs.ipv6,    name: 'ipv6_label', show: show.hex, inMatch: { show: show.hexDigits(5) } },
  nshFlags:      { ...u8,               ...any,       oxm: nshOxm(1, 'FLAGS'),                                          needs: needs.nsh,     name: 'nsh_flags', show: show.decimal, inMatch: { show: show.decimalOrHexDigits(2) } },
  nshTtl:        { ...u8,               ...whole,     oxm: nshOxm(10, 'TTL'),                                           needs: needs.nsh,     name: 'nsh_ttl', show: show.decimal, inMatch: { bits: 6 } },
  nshMdtype:     { ...u8,               ...fixed,     oxm: nshOxm(2, 'MDTYPE'),                                         needs: needs.nsh,     name: 'nsh_mdtype', show: show.decimal },
  nshNp:         { ...u8,               ...fixed,     oxm: nshOxm(3, 'NP'),                                             needs: needs.nsh,     name: 'nsh_np', show: show.decimal },
  nshSpi:        { ...u32, bits: 24,    ...whole,     oxm: nshOxm(4, 'SPI'),                                            needs: needs.nsh,     name: 'nsh_spi', show: show.hex, inMatch: { show: show.hexDigits(1) } },
  nshSi:         { ...u8,               ...whole,     oxm: nshOxm(5, 'SI'),                                             needs: needs.nsh,     name: 'nsh_si', show: show.decimal },
  nshC1: nshContext(1), nshC2: nshContext(2), nshC3: nshContext(3), nshC4: nshContext(4),
  arpSpa:        { ...ipv4,             ...any,       oxm: of(22, 'ARP_SPA'),             nxm: nxm(16, 'ARP_SPA'),      needs: needs.arp,     name: 'arp_spa', show: show.ipv4Shown },
  arpTpa:        { ...ipv4,             ...any,       oxm: of(23, 'ARP_TPA'),             nxm: nxm(17, 'ARP_TPA'),      needs: needs.arp,     name: 'arp_tpa', show: show.ipv4Shown },
  ipv4Src:       { ...ipv4,             ...any,       oxm: of(11, 'IPV4_SRC'),            nxm: nxm(7, 'IP_SRC'),        needs: needs.ipv4,    name: 'ip_src', show: show.ipv4Shown, inMatch: { name: 'nw_src' } },
  ipv4Dst:       { ...ipv4,             ...any,       oxm: of(12, 'IPV4_DST'),            nxm: nxm(8, 'IP_DST'),        needs: needs.ipv4,    name: 'ip_dst', show: show.ipv4Shown, inMatch: { name: 'nw_dst' } },
  arpOp:         { ...u16,              ...whole,     oxm: of(21, 'ARP_OP'),              nxm: nxm(15, 'ARP_OP'),       needs: needs.arp,     name: 'arp_op', show: show.decimal, inMatch: { bits: 8 } },
  ipProto:       { ...u8,               ...fixed,     oxm: of(10, 'IP_PROTO'),            nxm: nxm(6, 'IP_PROTO'),      needs: needs.ip,      name: 'nw_proto', show: show.decimal },
  arpSha:        { ...mac,              ...any,       oxm: of(24, 'ARP_SHA'),             nxm: nx(17, 'ARP_SHA'),       needs: needs.arp,     name: 'arp_sha', show: show.macShown },
  arpTha:        { ...mac,              ...any,       oxm: of(25, 'ARP_THA'),             nxm: nx(18, 'ARP_THA'),       needs: needs.arp,     name: 'arp_tha', show: show.macShown },
  ipDscp:        { ...u8, bits: 6,      ...whole,     oxm: of(8, 'IP_DSCP'),                                            needs: needs.ip,      name: 'ip_dscp', show: show.decimal, inMatch: { name: 'nw_tos', show: (dscp: number) => `${dscp << 2}` } },
  nwTos:         { ...u8,               ...whole,                                         nxm: nxm(5, 'IP_TOS'),        needs: needs.ip,      name: 'nw_tos', show: show.decimal },
  ipEcn:         { ...u8, bits: 2,      ...whole,     oxm: of(9, 'IP_ECN'),               nxm: nx(28, 'IP_ECN'),        needs: needs.ip,      name: 'nw_ecn', show: show.decimal },
  nwTtl:         { ...u8,               ...whole,                                         nxm: nx(29, 'IP_TTL'),        needs: needs.ip,      name: 'nw_ttl', show: show.decimal },
  mplsLabel:     { ...u32, bits: 20,    ...whole,     oxm: of(34, 'MPLS_LABEL'),                                        needs: needs.mpls,    name: 'mpls_label', show: show.decimal },
  mplsTc:        { ...u8, bits: 3,      ...whole,     oxm: of(35, 'MPLS_TC'),                                           needs: needs.mpls,    name: 'mpls_tc', show: show.decimal },
  mplsTtl:       { ...u8,               ...whole,                                         nxm: nx(30, 'MPLS_TTL'),      needs: needs.mpls,    name: 'mpls_ttl', show: show.decimal },
  mplsBos:       { ...u8, bits: 1,      ...fixed,     oxm: of(36, 'MPLS_BOS'),                                          needs: needs.mpls,    name: 'mpls_bos', show: show.decimal },
  ipFrag:        { ...u8, bits: 2,      ...maskable,                                      nxm: nx(26, 'IP_FRAG'),       needs: needs.ip,      name: 'ip_frag', show: show.fragmentShown, inMatch: { name: 'nw_frag' } },
  icmpv4Type:    { ...u8,               ...whole,     oxm: of(19, 'ICMPV4_TYPE'),         nxm: nxm(13, 'ICMP_TYPE'),    needs: needs.icmpv4,  name: 'icmp_type', show: show.decimal },
  icmpv4Code:    { ...u8,               ...whole,     oxm: of(20, 'ICMPV4_CODE'),         nxm: nxm(14, 'ICMP_CODE'),    needs: needs.icmpv4,  name: 'icmp_code', show: show.decimal },
  icmpv6Type:    { ...u8,               ...whole,     oxm: of(29, 'ICMPV6_TYPE'),         nxm: nx(21, 'ICMPV6_TYPE'),   needs: needs.icmpv6,  name: 'icmpv6_type', show: show.decimal, inMatch: { name: 'icmp_type' } },
  icmpv6Code:    { ...u8,               ...whole,     oxm: of(30, 'ICMPV6_CODE'),         nxm: nx(22, 'ICMPV6_CODE'),   needs: needs.icmpv6,  name: 'icmpv6_code', show: show.decimal, inMatch: { name: 'icmp_code' } },
  ndTarget:      { ...ipv6,             ...any,       oxm: of(31, 'IPV6_ND_TARGET'),      nxm: nx(23, 'ND_TARGET'),     needs: needs.nd,      name: 'nd_target', show: show.ipv6Shown },
  ndSll:         { ...mac,              ...any,       oxm: of(32, 'IPV6_ND_SLL'),         nxm: nx(24, 'ND_SLL'),        needs: needs.ndAsk,   name: 'nd_sll', show: show.macShown },
  ndTll:         { ...mac,              ...any,       oxm: of(33, 'IPV6_ND_TLL'),         nxm: nx(25, 'ND_TLL'),        needs: needs.ndTell,  name: 'nd_tll', show: show.macShown },
  ndReserved:    { ...u32,              ...whole,     oxm: eric(1, 'ICMPV6_ND_RESERVED'),                               needs: needs.nd,      name: 'nd_reserved', show: show.decimal },
  ndOptionsType: { ...u8,               ...whole,     oxm: eric(2, 'ICMPV6_ND_OPTIONS_TYPE'),                              needs: needs.nd,      name: 'nd_options_type', show: show.decimal },
  tcpSrc:        { ...u16,              ...any,       oxm: of(13, 'TCP_SRC'),             nxm: nxm(9, 'TCP_SRC'),       needs: needs.tcp,     name: 'tcp_src', show: show.decimal, inMatch: tpSrc },
  tcpDst:        { ...u16,              ...any,       oxm: of(14, 'TCP_DST'),             nxm: nxm(10, 'TCP_DST'),      needs: needs.tcp,     name: 'tcp_dst', show: show.decimal, inMatch: tpDst },
  udpSrc:        { ...u16,              ...any,       oxm: of(15, 'UDP_SRC'),             nxm: nxm(11, 'UDP_SRC'),      needs: needs.udp,     name: 'udp_src', show: show.decimal, inMatch: tpSrc },
  udpDst:        { ...u16,              ...any,       oxm: of(16, 'UDP_DST'),             nxm: nxm(12, 'UDP_DST'),      needs: needs.udp,     name: 'udp_dst', show: show.decimal, inMatch: tpDst },
  sctpSrc:       { ...u16,              ...any,       oxm: of(17, 'SCTP_SRC'),                                          needs: needs.sctp,    name: 'sctp_src', show: show.decimal, inMatch: tpSrc },
  sctpDst:       { ...u16,              ...any,       oxm: of(18, 'SCTP_DST'),                                          needs: needs.sctp,    name: 'sctp_dst', show: show.decimal, inMatch: tpDst },
  tcpFlags:      { ...u16, bits: 12,    ...maskable,  oxm: onf(42, 'TCP_FLAGS'),          nxm: nx(34, 'TCP_FLAGS'),     needs: needs.tcp,     name: 'tcp_flags', show: show.tcpFlagsShown },
} as const satisfies Record<string, Field>

/** The name of a match field: OXM's, in camelCase. */
export type FieldName = keyof typeof fields

/** The value of a match field: a number (a bigint from 64 bits on) or the text of an address. */
export type FieldValue<K extends FieldName> = (typeof fields)[K]['is'] extends ValueKind<infer T> ? T : never

/** What a match on a field, or an action on it, must find in the match. */
export const needsOf = (name: FieldName): Needs => fieldOf(name).needs ?? {}

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
