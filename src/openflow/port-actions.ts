/**
 * The bodies of the actions that name ports, tables and controllers: resubmit, controller, dec_ttl with ids (nicira-ext.h
 * and lib/ofp-actions.c of Open vSwitch). It knows no other action.
 */

import {
  type Codec,
  CodecError,
  mapped,
  pad,
  rest,
  struct,
  u8,
  u16,
  u32,
  type ValueOf,
} from '../wire/codec.ts'
import { flag, properties } from './property.ts'
import { dotted, portShown, ports } from './show.ts'

/** A port as OpenFlow 1.0 numbers it, in 16 bits: the reserved ones are 0xff00 and above. */
export const port16: Codec<number> = mapped(
  u16,
  (port) => (port >= 0xff00 ? port + 0xffff0000 : port),
  (port) => (port >= 0xffffff00 ? port - 0xffff0000 : port),
)

export const resubmitBody = mapped(
  struct({ inPort: port16, tableId: u8, _: pad(3) }),
  ({ inPort, tableId }): { readonly tableId?: number; readonly inPort?: number } => ({
    ...(tableId === 255 ? {} : { tableId }),
    ...(inPort === ports.inPort ? {} : { inPort }),
  }),
  ({ tableId, inPort }) => ({ inPort: inPort ?? ports.inPort, tableId: tableId ?? 255 }),
)

export function resubmitText(
  { tableId, inPort }: { tableId?: number; inPort?: number },
  suffix = '',
): string {
  const port = inPort === undefined ? '' : portShown(inPort)
  return tableId === undefined && inPort !== undefined
    ? `resubmit:${port}`
    : `resubmit(${port},${tableId ?? ''}${suffix})`
}

export const controllerIdsBody = mapped(
  struct({ count: u16, _: pad(4), ids: rest }),
  ({ count, ids }) => {
    if (ids.length < count * 2) throw new CodecError(`${count} ids in ${ids.length} bytes`)
    return {
      controllerIds: Array.from({ length: count }, (_, i) => ids.readUInt16BE(i * 2)) as readonly number[],
    }
  },
  ({ controllerIds }) => {
    const ids = Buffer.alloc(controllerIds.length * 2)
    for (const [i, id] of controllerIds.entries()) ids.writeUInt16BE(id, i * 2)
    return { count: controllerIds.length, ids }
  },
)

/** Why a packet came, as `ovs-ofctl` prints it. */
export const packetInReasons = ['no_match', 'action', 'invalid_ttl', 'action_set', 'group', 'packet_out']

/** A 16-bit number in a property: its length counts two bytes of padding. */
const paddedU16 = mapped(
  struct({ value: u16, _: pad(2) }),
  ({ value }) => value,
  (value) => ({ value }),
)

// biome-ignore format: one property a line, in the order in which Open vSwitch writes them
const controllerProperties = properties({
  maxLen:       { type: 0, body: paddedU16, absent: 0xffff },
  controllerId: { type: 1, body: paddedU16, absent: 0 },
  reason:       { type: 2, body: u8,        absent: 1 },
  userdata:     { type: 3, body: rest,      absent: Buffer.alloc(0) },
  pause:        { type: 4, body: flag,      absent: false },
  meterId:      { type: 5, body: u32 },
})
export const controllerBody: Codec<ValueOf<typeof controllerProperties>> = {
  read: (r) => {
    r.skip(6)
    return controllerProperties.read(r)
  },
  write: (w, value) => {
    w.zeros(6)
    controllerProperties.write(w, value)
  },
}

export function controllerText(a: {
  readonly maxLen: number
  readonly controllerId: number
  readonly reason: number
  readonly userdata?: Buffer
  readonly pause?: boolean
  readonly meterId?: number
}): string {
  const words = [
    a.reason !== 1 && `reason=${packetInReasons[a.reason] ?? a.reason}`,
    a.maxLen !== 0xffff && `max_len=${a.maxLen}`,
    a.controllerId !== 0 && `id=${a.controllerId}`,
    a.userdata !== undefined && a.userdata.length > 0 && `userdata=${dotted(a.userdata)}`,
    a.pause === true && 'pause',
    a.meterId !== undefined && `meter_id=${a.meterId}`,
  ].filter((word) => word !== false)
  const isPlain = words.every((word) => word.startsWith('max_len='))
  return isPlain ? `CONTROLLER:${a.maxLen}` : `controller(${words.join(',')})`
}
