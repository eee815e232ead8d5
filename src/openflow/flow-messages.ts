/**
 * The bodies of the messages about flows: flow-mod (OpenFlow 1.3.5 §7.3.4.2) and flow-removed (§7.4.3).
 */

import { choice, list, optional, pad, struct, u8, u16, u32, u64, within } from '../wire/codec.ts'
import { instruction } from './instructions.ts'
import { match } from './match.ts'
import { checkInstructions } from './prerequisites.ts'

const noBuffer = 0xffff_ffff
const anything = 0xffff_ffff

// biome-ignore format: one field a line
const flowModBody = struct({
  cookie:      optional(u64, 0n),
  cookieMask:  optional(u64, 0n),
  tableId:     u8,
  command:     choice(u8, { add: 0, modify: 1, modifyStrict: 2, delete: 3, deleteStrict: 4 }),
  idleTimeout: optional(u16, 0),
  hardTimeout: optional(u16, 0),
  priority:    u16,
  bufferId:    optional(u32, noBuffer),
  outPort:     optional(u32, anything),
  outGroup:    optional(u32, anything),
  flags:       optional(u16, 0),
  _:           pad(2),
  match,
  instructions: list(instruction),
})

/** The prerequisites of a flow's actions are checked where the switch would check them. */
export const flowMod: typeof flowModBody = {
  read: flowModBody.read,
  write(w, value) {
    flowModBody.write(w, value)
    if (value.command === 'delete' || value.command === 'deleteStrict') return
    try {
      checkInstructions(value)
    } catch (error) {
      throw within('instructions', error)
    }
  },
}

// biome-ignore format: one field a line
export const flowRemoved = struct({
  cookie:       u64,
  priority:     u16,
  reason:       choice(u8, { idleTimeout: 0, hardTimeout: 1, delete: 2, groupDelete: 3, meterDelete: 4, eviction: 5 }),
  tableId:      u8,
  durationSec:  u32,
  durationNsec: u32,
  idleTimeout:  u16,
  hardTimeout:  u16,
  packetCount:  u64,
  byteCount:    u64,
  match,
})
