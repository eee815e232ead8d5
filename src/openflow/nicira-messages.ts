/**
 * The messages of Nicira that are neither about flows nor about packets, and their text: ids of controllers, connection
 * tracking zones, options of tunnels (nicira-ext.h and lib/ofp-match.c of Open vSwitch). It knows no other message.
 */

import { choice, list, pad, struct, u8, u16, u32, type ValueOf } from '../wire/codec.ts'
import { hexText } from './show.ts'

/** NXT_SET_CONTROLLER_ID: `controller` actions with that id come here. */
export const controllerId = struct({ _: pad(6), controllerId: u16 })

/** NXT_CT_FLUSH_ZONE: forgets the connections of a zone. */
export const zoneId = struct({ _: pad(6), zone: u16 })

// biome-ignore format: one field a line
/** Which option of a tunnel is in which field `tun_metadata`. */
const tlvMap = struct({
  optionClass:  u16,
  optionType:   u8,
  /** Bytes, a multiple of 4. */
  optionLength: u8,
  index:        u16,
  _:            pad(2),
})

/** NXT_TLV_TABLE_MOD. */
export const tlvTableMod = struct({
  command: choice(u16, { add: 0, delete: 1, clear: 2 }),
  _: pad(6),
  mappings: list(tlvMap),
})

/** NXT_TLV_TABLE_REPLY: the mappings, and how much room there is. */
export const tlvTableReply = struct({
  maxOptionSpace: u32,
  maxFields: u16,
  _: pad(10),
  mappings: list(tlvMap),
})

function mappingsText(mappings: readonly ValueOf<typeof tlvMap>[]): string {
  const lines = mappings.map(
    (one) =>
      `\n ${hexText(one.optionClass).padStart(6)}  ${hexText(one.optionType).padStart(4)}  ` +
      `${`${one.optionLength}`.padStart(6)}  tun_metadata${one.index}`,
  )
  return ` mapping table:\n  class  type  length  match field\n ------  ----  ------  --------------${lines.join('')}`
}

const commands = { add: 'ADD', delete: 'DEL', clear: 'CLEAR' } as const

export const tlvTableModText = ({ command, mappings }: ValueOf<typeof tlvTableMod>): string =>
  `\n ${commands[command]}${command === 'clear' ? '' : mappingsText(mappings)}`

export const tlvTableReplyText = (reply: ValueOf<typeof tlvTableReply>): string =>
  `\n max option space=${reply.maxOptionSpace} max fields=${reply.maxFields}\n` +
  ` allocated option space=${reply.mappings.reduce((sum, one) => sum + one.optionLength, 0)}\n\n` +
  mappingsText(reply.mappings)
