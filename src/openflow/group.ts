/**
 * Groups and their buckets (OpenFlow 1.3.5 §5.6, §7.3.4.3). It knows no message.
 */

import { type Codec, CodecError, choice, inside, list, pad, struct, u8, u16, u32 } from '../wire/codec.ts'
import { type Action, action, actionsText } from './actions.ts'
import { portShown } from './show.ts'

/** What a group does with its buckets: all of them, one of them, its only one, or the first live one. */
export type GroupType = 'all' | 'select' | 'indirect' | 'fastFailover'

/** One of a group's action sets. */
export interface Bucket {
  /** Its share in a `select` group. */
  readonly weight?: number
  /** The port whose liveness makes the bucket live. */
  readonly watchPort?: number
  /** The group whose liveness makes the bucket live. */
  readonly watchGroup?: number
  readonly actions: readonly Action[]
}

/** A group. */
export interface Group {
  readonly groupId: number
  readonly type: GroupType
  readonly buckets: readonly Bucket[]
}

const none = 0xffff_ffff

/** The groups that stand for no group and for every group. */
export const groupIds = { all: 0xffff_fffc, any: none } as const

const bucketHead = struct({ weight: u16, watchPort: u32, watchGroup: u32, _: pad(4) })

/** `struct ofp_bucket`. */
const bucket: Codec<Bucket> = {
  read(r) {
    const length = r.u16()
    const body = r.part(length - 2)
    const { weight, watchPort, watchGroup } = bucketHead.read(body)
    return {
      ...(weight === 0 ? {} : { weight }),
      ...(watchPort === none ? {} : { watchPort }),
      ...(watchGroup === none ? {} : { watchGroup }),
      actions: inside('actions', () => list(action).read(body)),
    }
  },
  write(w, value) {
    const start = w.size
    w.u16(0)
    bucketHead.write(w, {
      weight: value.weight ?? 0,
      watchPort: value.watchPort ?? none,
      watchGroup: value.watchGroup ?? none,
    })
    inside('actions', () => list(action).write(w, value.actions))
    if (w.size - start > 0xffff) throw new CodecError('more than 65535 bytes')
    w.setU16(start, w.size - start)
  },
}

export const buckets = list(bucket)

// biome-ignore format: one type a line
export const groupType = choice(u8, {
  all:          0,
  select:       1,
  indirect:     2,
  fastFailover: 3,
})

/** A group as `ovs-ofctl dump-groups` prints it. Throws `CodecError` if it has no bytes. */
export function formatGroup(group: Group): string {
  const type = group.type === 'fastFailover' ? 'ff' : group.type
  const all = group.buckets.map((one) => `,bucket=${bucketText(one, group.type)}`).join('')
  return `group_id=${group.groupId},type=${type}${all}`
}

function bucketText({ weight = 0, watchPort, watchGroup, actions }: Bucket, type: GroupType): string {
  const words = [
    weight !== (type === 'select' ? 1 : 0) && `weight:${weight}`,
    watchPort !== undefined && `watch_port:${portShown(watchPort)}`,
    watchGroup !== undefined && `watch_group:${watchGroup}`,
    `actions=${actionsText(actions)}`,
  ]
  return words.filter((word) => word !== false).join(',')
}
