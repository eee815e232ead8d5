/**
 * Steps of flows that turn a packet into its own answer, for an address that the cloud itself speaks for: ARP (RFC 826),
 * neighbour discovery (RFC 4861 §7.2.4) and echo requests (RFC 792, RFC 4443 §4.2). It knows no match and no application.
 *
 * A neighbour advertisement takes two tables: Open vSwitch checks the actions of a flow against its match, and lets an
 * advertisement's option be written only where the match says that the packet is an advertisement.
 */

import { type Action, move, output, ports, setField } from '../openflow/index.ts'
import { type Goto, goto, type TableName, turnBack } from './pipeline.ts'

type Step = Action | Goto

/** Straight to the port that asked, although the packet came in by it. */
const toAsker: readonly Step[] = [move('reg6', 'reg7'), turnBack, goto('dispatch')]

/** Back outside, for what came from there: it has no port of the cloud. */
export const toOutside: readonly Step[] = [output(ports.inPort)]

/** The same in every answer, and made once: there may be a hundred thousand of them. */
const swap = {
  mac: move('ethSrc', 'ethDst'),
  arpMac: move('arpSha', 'arpTha'),
  arpIp: move('arpSpa', 'arpTpa'),
  ipv4: move('ipv4Src', 'ipv4Dst'),
  ipv6: move('ipv6Src', 'ipv6Dst'),
  isReply: setField({ arpOp: 2 }),
  isAdvertisement: setField({ icmpv6Type: 136 }),
}

/** For an ARP request of an IPv4 address: it is at that MAC address. */
export const arpAnswer = (ip: string, mac: string, back = toAsker): readonly Step[] => [
  swap.isReply,
  swap.arpMac,
  swap.arpIp,
  swap.mac,
  setField({ ethSrc: mac }),
  setField({ arpSha: mac }),
  setField({ arpSpa: ip }),
  ...back,
]

/** For a solicitation of an IPv6 address: it is at that MAC address; in the next table the answer becomes complete. */
export const ndAnswer = (ip: string, mac: string, next: TableName = 'ndReply'): readonly Step[] => [
  swap.isAdvertisement,
  swap.mac,
  setField({ ethSrc: mac }),
  swap.ipv6,
  setField({ ipv6Src: ip }),
  goto(next),
]

/** RFC 4861 §4.4: the flags R (router), S (solicited) and O (override), in the 32 bits in front of the target. */
export const ndFlags = { host: 0x6000_0000, router: 0xe000_0000 } as const

/** RFC 4861 §4.6.1: the option "target link-layer address". */
const targetLinkLayerAddress = 2

/** For an answer that has come to the next table: what `ndAnswer` could not write. */
export const ndCompletion = (flags: number, back = toAsker): readonly Step[] => [
  setField({ ndReserved: flags }),
  setField({ ndOptionsType: targetLinkLayerAddress }),
  move('ethSrc', 'ndTll'),
  ...back,
]

const hopLimit: Action = { kind: 'setTtl', ttl: 64 }
/** The MAC addresses change places by way of `metadata`, which nobody needs any more. */
const swapMacs: readonly Step[] = [
  move('ethDst', 'metadata'),
  move('ethSrc', 'ethDst'),
  move('metadata', 'ethSrc'),
]

/** For an echo request to that address of either family. */
export const echoAnswer = (ip: string): readonly Step[] =>
  ip.includes(':')
    ? [...swapMacs, swap.ipv6, setField({ ipv6Src: ip }), hopLimit, setField({ icmpv6Type: 129 }), ...toAsker]
    : [
        ...swapMacs,
        swap.ipv4,
        setField({ ipv4Src: ip }),
        hopLimit,
        setField({ icmpv4Type: 0 }),
        setField({ icmpv4Code: 0 }),
        ...toAsker,
      ]
