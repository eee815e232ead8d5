/**
 * The prerequisites of fields and actions: what a match must say of the headers before it may speak of what is in them
 * (OpenFlow 1.3.5 §A.2.3.6, include/openvswitch/meta-flow.h of Open vSwitch). It knows no field but by name.
 */

/** What a match must say of another field: one of these values, exactly, or something else in words. */
export type Need =
  | readonly number[]
  | { readonly words: string; readonly holds: (value: number, mask: number) => boolean }

/** What must stand in a match before a field may, by the name of the other field. */
export type Needs = Readonly<Record<string, Need>>

const tagged: Need = { words: 'the bit 0x1000', holds: (vid) => (vid & 0x1000) !== 0 }
const begins: Need = { words: 'not the bit of later fragments', holds: (fragment) => (fragment & 2) === 0 }
const tracked: Need = {
  words: 'a state of a connection',
  holds: (state, mask) => (state & 0xcf) !== 0 || ((state & 0x20) !== 0 && (mask & ~state & 0x10) !== 0),
}

// biome-ignore format: one prerequisite a line
/** The prerequisites that fields and actions have. */
export const needs = {
  ether:  { packetType: [0] },
  vlan:   { vlanVid: tagged },
  mpls:   { ethType: [0x8847, 0x8848] },
  ip:     { ethType: [0x0800, 0x86dd] },
  ipv4:   { ethType: [0x0800] },
  ipv6:   { ethType: [0x86dd] },
  nsh:    { ethType: [0x894f] },
  arp:    { ethType: [0x0806, 0x8035] },
  tcp:    { ipProto: [6], ipFrag: begins },
  udp:    { ipProto: [17], ipFrag: begins },
  sctp:   { ipProto: [132], ipFrag: begins },
  icmpv4: { ethType: [0x0800], ipProto: [1] },
  icmpv6: { ethType: [0x86dd], ipProto: [58] },
  nd:     { icmpv6Type: [135, 136], icmpv6Code: [0] },
  ndAsk:  { icmpv6Type: [135], icmpv6Code: [0] },
  ndTell: { icmpv6Type: [136], icmpv6Code: [0] },
  ct:     { ctState: tracked },
  ctIpv4: { ctState: tracked, ethType: [0x0800] },
  ctIpv6: { ctState: tracked, ethType: [0x86dd] },
} as const satisfies Record<string, Needs>
