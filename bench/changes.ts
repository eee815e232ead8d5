/** The kinds of changes that figures are made of, and how each one's effect is seen. It knows no process. */

import type { RawRow } from '../src/nb/index.ts'
import { eth, ipv4, udp } from '../test/support/frames.ts'
import { addressOf, type CloudPort, type CloudSize, domainRow, macOf, nameRow, portRow } from './cloud.ts'

/** What is done to the cloud; `turn` makes each change another one. */
export type Kind = (turn: number) => { readonly row: RawRow; readonly effect?: Effect }

/** Where a change shows: in a flow that holds the text, or in the answer for a name that the port asks for. */
export type Effect =
  | { readonly kind: 'flow'; readonly text: string }
  | { readonly kind: 'answer'; readonly port: CloudPort; readonly name: string }

/** Every kind, by what a report calls it. */
export function kindsOf(ports: readonly CloudPort[], size: CloudSize) {
  const local = ports.filter(({ isLocal }) => isLocal)
  const seen = new Set(local.map(({ network }) => network))
  /** Half of the local ports keep their address and ask, the other half moves. */
  const movers = local.filter(({ index }) => index % 2 === 1)
  const askable = ports.filter(({ isLocal, network }) => !isLocal && seen.has(network) && network % 2 === 0)
  const near = ports.filter(({ isLocal, network }) => !isLocal && seen.has(network))
  const far = ports.filter(({ network }) => !seen.has(network))
  const pick = (from: readonly CloudPort[], turn: number) => from[(turn * 7919) % from.length]!
  /** No port of the cloud has it. */
  const fresh = (turn: number) => `10.0.${100 + ((turn >> 8) % 100)}.${turn & 0xff}`
  const moved = (port: CloudPort, turn: number) => ({
    row: portRow(port, size, fresh(turn)),
    effect: { kind: 'flow', text: `arp_tpa=${fresh(turn)}` } as const,
  })
  const renamed = (port: CloudPort, turn: number) => ({
    row: nameRow(port, `renamed-${turn}`, size),
    effect: {
      kind: 'answer',
      port: local.find(({ network, index }) => network === port.network && index % 2 === 0)!,
      name: `renamed-${turn}`,
    } as const,
  })
  const added = (like: CloudPort, turn: number): CloudPort => ({
    ...like,
    id: `port-x${String(turn).padStart(6, '0')}`,
    key: 1_000_000 + turn,
    place: 10_000 + turn,
    isLocal: false,
  })
  return {
    'a name on another network': (turn) => ({ row: nameRow(pick(far, turn), `renamed-${turn}`, size) }),
    'a name near a local port': (turn) => renamed(pick(askable, turn), turn),
    'an address on another network': (turn) => ({ row: portRow(pick(far, turn), size, fresh(turn)) }),
    'an address near a local port': (turn) => moved(pick(near, turn), turn),
    'an address of a local port': (turn) => moved(pick(movers, turn), turn),
    'a new port near a local one': (turn) => moved(added(pick(near, turn), turn), turn),
    'the domain of a local network': (turn) => ({
      row: domainRow(pick(local, turn).network, `d${turn}.example.org`, size),
    }),
  } as const satisfies Record<string, Kind>
}

/** A query of a local port to a server outside. `id` is below 2^14, so that its bytes are text. */
export function queryFrame(port: CloudPort, name: string, id: number): Buffer {
  const text = String.fromCharCode
  const labels = name.split('.').map((label) => text(label.length) + label)
  const message = `${text((id >> 7) & 0x7f, id & 0x7f)}\x01\0\0\x01\0\0\0\0\0\0${labels.join('')}\0\0\x01\0\x01`
  const packet = ipv4(addressOf(port.place), '198.51.100.53', udp(40_000, 53, message))
  return eth(macOf(port.place), 'fa:16:3e:ff:ff:ff', packet)
}

/** Whether a packet capture (pcap-savefile(5)) holds an answer with records to the query of that id. */
export function hasAnswer(capture: Buffer, id: number): boolean {
  const message = 16 + 14 + 20 + 8 // headers of the record, Ethernet, IPv4 and UDP
  for (let at = 0; at + message + 12 <= capture.length; at += 16 + capture.readUInt32LE(at + 8)) {
    const dns = capture.subarray(at + message)
    const isMine = dns[0] === ((id >> 7) & 0x7f) && dns[1] === (id & 0x7f)
    if (isMine && dns[2]! >= 0x80 && (dns[3]! & 0xf) === 0 && dns.readUInt16BE(6) > 0) return true
  }
  return false
}
