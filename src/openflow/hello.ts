/** Version negotiation (OF 1.3.5 §6.3.1): what becomes of the switch's first message. It knows no connection. */

import { encode, type Message } from './messages.ts'
import { errorOf } from './requests.ts'

const openFlow13 = 4

/** What we say first. */
export const hello = { kind: 'hello', versions: [openFlow13] } as const

/** Why there is no session, and the message that tells the switch so, if it is to be told. */
export interface Disagreement {
  readonly reason: string
  readonly error?: Buffer
}

/**
 * Whether the switch's first message leads to OpenFlow 1.3: the highest version that both bitmaps hold, or the lower one if
 * one side has no bitmap; undefined if it does.
 */
export function disagreement(
  first: Message | { readonly kind: 'packetIn2' | 'flowReply' },
): Disagreement | undefined {
  if (first.kind !== 'hello') {
    const refusal = first.kind === 'error' ? `: ${errorOf(first, undefined).message}` : ''
    return { reason: `the switch began with ${first.kind} and not with HELLO${refusal}` }
  }
  const { version = openFlow13, versions } = first
  if (versions ? versions.includes(openFlow13) : version >= openFlow13) return undefined
  const spoken = (versions ?? [version]).map((each) => `1.${each - 1}`).join(', ')
  const data = Buffer.from(`OpenFlow 1.3 is needed; offered: ${spoken}`)
  return {
    reason: `the switch offers OpenFlow ${spoken} and not 1.3: \`ovs-vsctl set bridge <bridge> protocols=OpenFlow13\``,
    error: encode({ kind: 'error', xid: first.xid, type: 0, code: 0, data }), // OFPHFC_INCOMPATIBLE
  }
}
