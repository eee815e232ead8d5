/**
 * The bodies of the messages that carry a packet: packet-in (OpenFlow 1.3.5 §7.4.1), packet-out (§7.3.7), and Nicira's
 * packet-in and resume (nicira-ext.h of Open vSwitch, NXT_PACKET_IN2).
 */

import { type Codec, list, mapped, pad, rest, struct, u8, u16, u32, u64, within } from '../wire/codec.ts'
import { type Action, action } from './actions.ts'
import { match, metadata } from './match.ts'
import { properties } from './property.ts'

const noBuffer = 0xffff_ffff

// biome-ignore format: one field a line
export const packetIn = struct({
  bufferId: u32,
  totalLen: u16,
  reason:   u8,
  tableId:  u8,
  cookie:   u64,
  match,
  _:        pad(2),
  data:     rest,
})

/** `struct ofp_packet_out`. */
export interface PacketOut {
  readonly bufferId?: number
  /** The port that the packet is said to come from; the controller if absent. */
  readonly inPort?: number
  readonly actions: readonly Action[]
  readonly data: Buffer
}

export const packetOut: Codec<PacketOut> = {
  read(r) {
    const bufferId = r.u32()
    const inPort = r.u32()
    const length = r.u16()
    r.skip(6)
    const part = r.part(length)
    try {
      return { bufferId, inPort, actions: list(action).read(part), data: rest.read(r) }
    } catch (error) {
      throw within('actions', error)
    }
  },
  write(w, { bufferId = noBuffer, inPort = 0xffff_fffd, actions, data }) {
    u32.write(w, bufferId)
    u32.write(w, inPort)
    const at = w.size
    w.zeros(8)
    try {
      list(action).write(w, actions)
    } catch (error) {
      throw within('actions', error)
    }
    w.setU16(at, w.size - at - 8)
    w.bytes(data)
  },
}

/** The body of a property that holds properties: it begins at a multiple of 8 bytes. */
const nested = mapped(
  struct({ _: pad(4), bytes: rest }),
  ({ bytes }) => bytes,
  (bytes) => ({ bytes }),
)

const cookie = mapped(
  struct({ _: pad(4), value: u64 }),
  ({ value }) => value,
  (value) => ({ value }),
)

const emptyBuffer = Buffer.alloc(0)

// biome-ignore format: one property a line, in the order in which Open vSwitch writes them
/** NXT_PACKET_IN2 and NXT_RESUME; `continuation` is the switch's own (nicira-ext.h). */
export const packetIn2 = properties({
  packet:       { type: 0, body: rest,     absent: emptyBuffer, isAlwaysWritten: true },
  fullLength:   { type: 1, body: u32 },
  bufferId:     { type: 2, body: u32 },
  tableId:      { type: 3, body: u8,       absent: 0, isAlwaysWritten: true },
  cookie:       { type: 4, body: cookie,   absent: 0xffff_ffff_ffff_ffffn },
  reason:       { type: 5, body: u8,       absent: 0, isAlwaysWritten: true },
  metadata:     { type: 6, body: metadata, absent: {}, isAlwaysWritten: true },
  continuation: { type: 8, body: nested,   absent: emptyBuffer },
  userdata:     { type: 7, body: rest,     absent: emptyBuffer },
})
