/**
 * Meters: their bands, the messages and multipart bodies about them, and their text (OpenFlow 1.3.5 §7.3.4.4 and
 * §7.3.5.11 to §7.3.5.13; lib/ofp-meter.c of Open vSwitch). It knows no other message.
 */

import {
  type Codec,
  choice,
  list,
  mapped,
  optional,
  pad,
  struct,
  u8,
  u16,
  u32,
  u64,
  type ValueOf,
} from '../wire/codec.ts'
import { bitNames, durationText, hexText } from './show.ts'
import { sized, typed } from './sized.ts'

// biome-ignore format: one meter a line
/** The meters that stand for others. */
export const meterIds = { slowPath: 0xffff_fffd, controller: 0xffff_fffe, all: 0xffff_ffff } as const

// biome-ignore format: one flag a line
/** `ofp_meter_flags`. */
export const meterFlags = { kbps: 1, pktps: 2, burst: 4, stats: 8 } as const

/** What happens to packets above a rate: they are dropped, or their drop precedence rises. */
export type MeterBand =
  | { readonly kind: 'drop'; readonly rate: number; readonly burstSize: number }
  | { readonly kind: 'dscpRemark'; readonly rate: number; readonly burstSize: number; readonly level: number }

const drop = mapped(
  struct({ rate: u32, burstSize: u32, _: pad(4) }),
  (body): MeterBand => ({ kind: 'drop', ...body }),
  (band) => band,
)
const dscpRemark = mapped(
  struct({ rate: u32, burstSize: u32, level: u8, _: pad(3) }),
  (body): MeterBand => ({ kind: 'dscpRemark', ...body }),
  (band) => band as Extract<MeterBand, { kind: 'dscpRemark' }>,
)
const bandCodecs = new Map<number, Codec<MeterBand>>([
  [1, drop],
  [2, dscpRemark],
])

const band = typed<MeterBand>(
  (type) => bandCodecs.get(type),
  ({ kind }) => (kind === 'drop' ? 1 : 2),
)

/** `struct ofp_meter_mod` after its header. */
export const meterMod = struct({
  command: choice(u16, { add: 0, modify: 1, delete: 2 }),
  flags: u16,
  meterId: u32,
  bands: list(band),
})

/** Which meter is asked for. */
export const meterRequest = struct({ meterId: optional(u32, meterIds.all), _: pad(4) })

/** `struct ofp_meter_config`. */
export const meterConfig = sized(struct({ flags: u16, meterId: u32, bands: list(band) }))

const meterStatsBody = struct({
  _: pad(6),
  flowCount: u32,
  packetInCount: u64,
  byteInCount: u64,
  durationSec: u32,
  durationNsec: u32,
  bands: list(struct({ packetCount: u64, byteCount: u64 })),
})

/** The counters of a meter. */
export type MeterStats = ValueOf<typeof meterStatsBody> & { readonly meterId: number }

/** `struct ofp_meter_stats`: its length stands behind the id. */
export const meterStats: Codec<MeterStats> = {
  read(r) {
    const meterId = r.u32()
    const body = r.part(r.u16() - 6)
    return { meterId, ...meterStatsBody.read(body) }
  },
  write(w, value) {
    const start = w.size
    u32.write(w, value.meterId)
    w.u16(0)
    meterStatsBody.write(w, value)
    w.setU16(start + 4, w.size - start)
  },
}

// biome-ignore format: one field a line
/** `struct ofp_meter_features`. */
export const meterFeatures = struct({
  maxMeters:    u32,
  bandTypes:    u32,
  capabilities: u32,
  maxBands:     u8,
  maxColor:     u8,
  _:            pad(2),
})

const maxMeter = 0xffff_0000
const names = new Map<number, string>([
  [meterIds.slowPath, 'slowpath'],
  [meterIds.controller, 'controller'],
  [meterIds.all, 'all'],
])

export const meterIdText = (id: number, separator: string): string =>
  `meter${separator}${id <= maxMeter ? id : (names.get(id) ?? 'unknown')}`

function bandText(one: MeterBand, flags: number): string {
  const burst = flags & meterFlags.burst ? ` burst_size=${one.burstSize}` : ''
  return one.kind === 'drop'
    ? `\ntype=drop rate=${one.rate}${burst}`
    : `\ntype=dscp_remark rate=${one.rate}${burst} prec_level=${one.level}`
}

function flagsText(flags: number): string {
  const words = Object.entries(meterFlags).flatMap(([word, bit]) => (flags & bit ? [`${word} `] : []))
  const left = flags & ~0xf
  return `${words.join('')}${left === 0 ? '' : `flags:${hexText(left)} `}`
}

/** A meter as `ovs-ofctl` prints it. */
export const meterConfigText = (meter: ValueOf<typeof meterConfig>): string =>
  `${meterIdText(meter.meterId, '=')} ${flagsText(meter.flags)}bands=` +
  `${meter.bands.map((one) => bandText(one, meter.flags)).join('')}\n`

const commands = { add: 'ADD', modify: 'MOD', delete: 'DEL' } as const

/** A deletion tells neither flags nor bands. */
export function meterModText(message: ValueOf<typeof meterMod>): string {
  const meter = message.command === 'delete' ? { ...message, flags: 0, bands: [] } : message
  return ` ${commands[message.command]} ${meterConfigText(meter)}`
}

export function meterStatsText(stats: MeterStats): string {
  const bands = stats.bands.map(
    (one, i) => `${i}: packet_count:${one.packetCount} byte_count:${one.byteCount}\n`,
  )
  return (
    `${meterIdText(stats.meterId, ':')} flow_count:${stats.flowCount} packet_in_count:${stats.packetInCount} ` +
    `byte_in_count:${stats.byteInCount} duration:${durationText(stats.durationSec, stats.durationNsec)} ` +
    `bands:\n${bands.join('')}`
  )
}

const capabilityNames = Object.fromEntries(Object.entries(meterFlags).map(([word, bit]) => [bit, word]))

export const meterFeaturesText = (features: ValueOf<typeof meterFeatures>): string =>
  `\nmax_meter:${features.maxMeters} max_bands:${features.maxBands} max_color:${features.maxColor}\n` +
  `band_types: ${bitNames(features.bandTypes, { 2: 'drop', 4: 'dscp_remark' })}\n` +
  `capabilities: ${bitNames(features.capabilities, capabilityNames)}\n`
