/**
 * The text of a continuation, the state that a switch puts into a packet-in to get it back with `resume`. It is private to
 * the switch and may differ in another version; this reads what Open vSwitch 3.1 writes (lib/ofp-packet.c), for people,
 * and skips what it does not know.
 */

import { CodecError, list, Reader } from '../wire/codec.ts'
import { type Action, action, actionsText, actionText } from './actions.ts'
import { hexText } from './show.ts'

// biome-ignore format: one property a line
const types = {
  bridge:      0x8000,
  stack:       0x8001,
  mirrors:     0x8002,
  conntracked: 0x8003,
  tableId:     0x8004,
  cookie:      0x8005,
  actions:     0x8006,
  actionSet:   0x8007,
  odpPort:     0x8008,
} as const

const noBridge = '00000000-0000-0000-0000-000000000000'

interface Found {
  bridge?: string
  stack: string[]
  mirrors?: number
  isConntracked: boolean
  actions: string[]
  actionSet: readonly Action[]
  odpPort?: number
}

/** The lines that `ovs-ofctl` prints for a continuation, each with its line feed; its size if it cannot be read. */
export function continuationText(bytes: Buffer): string {
  try {
    return linesText(read(new Reader(bytes)))
  } catch (error) {
    if (!(error instanceof CodecError)) throw error
    return ` continuation=${bytes.length} bytes\n`
  }
}

function linesText(found: Found): string {
  const lines = [
    found.bridge !== undefined && found.bridge !== noBridge && `bridge=${found.bridge}`,
    found.stack.length > 0 && `stack=(top) ${found.stack.join(' ')} (bottom)`,
    found.mirrors !== undefined && `mirrors=0x${found.mirrors.toString(16)}`,
    found.isConntracked && 'conntracked=true',
    found.actions.length > 0 && `actions=${found.actions.join(',')}`,
    found.actionSet.length > 0 && `action_set=${actionsText(found.actionSet)}`,
    found.odpPort !== undefined && `odp_port=${found.odpPort}`,
  ]
  return lines.map((line) => (line === false ? '' : ` continuation.${line}\n`)).join('')
}

function read(r: Reader): Found {
  const found: Found = { stack: [], isConntracked: false, actions: [], actionSet: [] }
  let tableId = 0
  let cookie = 0n
  while (r.size > 0) {
    const type = r.u16()
    const length = r.u16()
    const body = r.part(length - 4)
    r.skip(Math.min(-length & 7, r.size))
    switch (type) {
      case types.bridge:
        found.bridge = uuidText(body.bytes(16))
        break
      case types.stack:
        found.stack.push(hexText(BigInt(`0x0${body.bytes(body.size).toString('hex')}`)))
        break
      case types.mirrors:
        found.mirrors = body.u32()
        break
      case types.conntracked:
        found.isConntracked = true
        break
      case types.tableId:
        tableId = body.u8()
        break
      case types.cookie:
        body.skip(4)
        cookie = body.u64()
        break
      case types.actions:
        body.skip(4)
        found.actions.push(
          `unroll_xlate(table=${tableId}, cookie=${cookie})`,
          ...list(action).read(body).map(actionText),
        )
        break
      case types.actionSet:
        body.skip(4)
        found.actionSet = list(action).read(body)
        break
      case types.odpPort:
        found.odpPort = body.u32()
        break
    }
  }
  return found
}

/** A UUID as its owner has it in memory: four words, whose bytes stand in the order of a little-endian machine. */
function uuidText(bytes: Buffer): string {
  const hex = Buffer.from(bytes).swap32().toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
