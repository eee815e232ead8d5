/**
 * A port of the switch (`struct ofp_port`, OpenFlow 1.3.5 §7.2.1). It knows no message.
 */

import { mac } from '../wire/address.ts'
import { pad, struct, text, u32, type ValueOf } from '../wire/codec.ts'

// biome-ignore format: one field a line
export const port = struct({
  portNo:     u32,
  _1:         pad(4),
  hwAddr:     mac,
  _2:         pad(2),
  name:       text(16),
  /** Bit 0 is set if a person took the port down. */
  config:     u32,
  /** Bit 0 is set without a link, bit 2 if the port is live. */
  state:      u32,
  curr:       u32,
  advertised: u32,
  supported:  u32,
  peer:       u32,
  currSpeed:  u32,
  maxSpeed:   u32,
})

/** A port of the switch. */
export type Port = ValueOf<typeof port>
