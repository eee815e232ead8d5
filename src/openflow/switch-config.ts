/**
 * The messages that configure ports, tables and queues, and their text (OpenFlow 1.3.5 §7.3.3, §7.3.4.5 and §7.3.6;
 * lib/ofp-port.c, ofp-table.c and ofp-queue.c of Open vSwitch). It knows no other message.
 */

import { mac } from '../wire/address.ts'
import { type Codec, list, mapped, pad, rest, struct, u8, u16, u32, type ValueOf } from '../wire/codec.ts'
import { portShown } from './show.ts'

// biome-ignore format: one field a line
/** `struct ofp_port_mod` after its header: bits of the configuration, and which of them are changed. */
export const portMod = struct({
  portNo:    u32,
  _1:        pad(4),
  hwAddr:    mac,
  _2:        pad(2),
  config:    u32,
  mask:      u32,
  /** Features; 0 leaves them as they are. */
  advertise: u32,
  _3:        pad(4),
})

/** `struct ofp_table_mod` after its header: it does nothing in OpenFlow 1.3. */
export const tableMod = struct({ tableId: u8, _: pad(3), config: u32 })

const allTables = 0xff

export const tableModText = ({ tableId }: ValueOf<typeof tableMod>): string =>
  tableId === allTables ? ' table_id: ALL_TABLES' : ` table_id=${tableId}`

/** The rates of a queue, in tenths of a percent of the port's. */
export interface Queue {
  readonly queueId: number
  readonly portNo: number
  readonly minRate?: number
  readonly maxRate?: number
  /** Properties that are neither, as bytes. */
  readonly others: readonly { readonly type: number; readonly body: Buffer }[]
}

const rate = mapped(
  struct({ _1: pad(4), rate: u16, _2: pad(6) }),
  ({ rate }) => rate,
  (value) => ({ rate: value }),
)
const rates = [
  { type: 1, name: 'minRate' },
  { type: 2, name: 'maxRate' },
] as const

/** `struct ofp_packet_queue`. */
const queue: Codec<Queue> = {
  read(r) {
    const queueId = r.u32()
    const portNo = r.u32()
    const body = r.part(r.u16() - 10)
    body.skip(6)
    const others: { type: number; body: Buffer }[] = []
    const value: { minRate?: number; maxRate?: number } = {}
    while (body.size > 0) {
      const type = body.u16()
      const part = body.part(body.u16() - 4)
      const known = rates.find((one) => one.type === type)
      if (known === undefined) others.push({ type, body: rest.read(part) })
      else value[known.name] = rate.read(part)
      part.finish()
    }
    return { queueId, portNo, ...value, others }
  },
  write(w, value) {
    const start = w.size
    u32.write(w, value.queueId)
    u32.write(w, value.portNo)
    w.u16(0)
    w.zeros(6)
    for (const { type, name } of rates) {
      const known = value[name]
      if (known === undefined) continue
      w.u16(type)
      w.u16(16)
      rate.write(w, known)
    }
    for (const { type, body } of value.others) {
      u16.write(w, type)
      u16.write(w, body.length + 4)
      w.bytes(body)
    }
    w.setU16(start + 8, w.size - start)
  },
}

/** `struct ofp_queue_get_config_request` after its header. */
export const queueConfigRequest = struct({ portNo: u32, _: pad(4) })

/** `struct ofp_queue_get_config_reply` after its header. */
export const queueConfigReply = struct({ portNo: u32, _: pad(4), queues: list(queue) })

export const queueConfigRequestText = ({ portNo }: { readonly portNo: number }): string =>
  ` port=${portShown(portNo)}`

const disabled = 1000

function rateText(name: string, value = 0xffff): string {
  if (value <= disabled) return ` ${name}:${Math.floor(value / 10)}.${value % 10}%`
  return value < 0xffff ? ` ${name}:(disabled)` : ''
}

export function queueConfigText({ portNo, queues }: ValueOf<typeof queueConfigReply>): string {
  const lines = [...queues]
    .sort((a, b) => a.queueId - b.queueId)
    .map(
      (one) =>
        `queue ${one.queueId}:${rateText('min_rate', one.minRate)}${rateText('max_rate', one.maxRate)}\n`,
    )
  return lines.length === 0 ? '' : ` port=${portShown(portNo)}\n${lines.join('')}`
}
