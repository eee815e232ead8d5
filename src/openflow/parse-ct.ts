/**
 * Connection tracking from the text that `ovs-ofctl` takes: `ct` and `nat`. It knows no other action.
 */

import { CodecError } from '../wire/codec.ts'
import type { Action } from './actions.ts'
import type { Ct, Nat } from './ct.ts'
import { subfieldFrom } from './parse-field.ts'
import { intFrom, readWords } from './scan.ts'

const algs = new Map([
  ['ftp', 21],
  ['tftp', 69],
])

/** `ct` of what stands in its brackets; `execFrom` reads what it does to the connection. Throws `CodecError`. */
export function ctFrom(text: string, execFrom: (text: string) => readonly Action[]): Action {
  const actions: Action[] = []
  const readers = {
    commit: () => ({ commit: true }),
    force: () => ({ force: true }),
    table: (value: string) => ({ tableId: intFrom(value, 8) }),
    zone: (value: string) => ({ zone: /^\d/.test(value) ? intFrom(value, 16) : subfieldFrom(value) }),
    alg: (value: string) => {
      const alg = algs.get(value)
      if (alg === undefined) throw new CodecError(`'${value}' is none of ftp, tftp`)
      return { alg }
    },
    nat: (value: string) => {
      actions.push(natFrom(value))
      return {}
    },
    exec: (value: string) => {
      actions.push(...execFrom(value))
      return {}
    },
  }
  const given = readWords<Ct<Action>>(readers, text)
  if (given.force === true && given.commit !== true) throw new CodecError('force needs commit')
  if (given.tableId === 0xff) throw new CodecError('255 is not a table')
  return { kind: 'ct', commit: false, force: false, zone: 0, alg: 0, ...given, actions }
}

/** `nat` of what stands in its brackets. Throws `CodecError`. */
export function natFrom(text: string): Action {
  const towards = (direction: 'src' | 'dst') => (range: string) => ({ direction, ...rangeFrom(range) })
  const nat = readWords<Nat>(
    {
      src: towards('src'),
      dst: towards('dst'),
      persistent: () => ({ isPersistent: true }),
      hash: () => ({ isHashed: true }),
      random: () => ({ isRandom: true }),
    },
    text,
  )
  if (nat.direction === undefined && text !== '') throw new CodecError('needs src or dst')
  if (nat.isHashed && nat.isRandom) throw new CodecError('hash and random exclude one another')
  return { kind: 'nat', ...nat }
}

/** `10.0.0.1-10.0.0.9:80-90`, `[2001:db8::1]-[2001:db8::9]:80`, `2001:db8::1`. */
function rangeFrom(text: string): Partial<Nat> {
  if (text === '') return {}
  const address = '(\\[[0-9a-fA-F:.]+\\]|[0-9.]+|[0-9a-fA-F:.]+)'
  const found = new RegExp(`^${address}(?:-${address})?(?::(\\d+)(?:-(\\d+))?)?$`).exec(text)
  if (found === null) throw new CodecError(`'${text}' is not a range of addresses and ports`)
  const [addressMin, addressMax] = found.slice(1, 3).map((one) => one?.replace(/[[\]]/g, ''))
  const [portMin, portMax] = found
    .slice(3, 5)
    .map((one) => (one === undefined ? undefined : intFrom(one, 16)))
  return Object.fromEntries(
    Object.entries({ addressMin, addressMax, portMin, portMax }).filter(([, value]) => value !== undefined),
  )
}
