/** An Ethernet segment of the lab: a Linux bridge in a namespace of its own, which the lab's parts join with one link each. */

import { deviceOf } from './ids.ts'
import { createNamespace, createVeth, ip } from './namespace.ts'

/** The bridge of a segment. */
const bridge = 'segment'

/** Makes a segment. */
export async function createSegment(namespace: string): Promise<void> {
  await createNamespace(namespace, { 'ipv6/conf/default/disable_ipv6': '1' })
  // Without snooping: a young bridge that has seen no querier would hold back neighbour discovery.
  await ip(namespace, [`link add ${bridge} type bridge mcast_snooping 0`, `link set ${bridge} up`])
}

/** A part's end of its link to a segment. */
export interface SegmentEnd {
  readonly namespace: string
  readonly device: string
  /** Of the part: it tells the segment's ends apart. */
  readonly key: string
  readonly mtu?: number
}

/** Links a part of the lab to the segment in that namespace. */
export async function joinSegment(segment: string, { key, ...end }: SegmentEnd): Promise<void> {
  const far = deviceOf('seg', 'segment', key)
  const size = end.mtu === undefined ? {} : { mtu: end.mtu }
  await createVeth({ namespace: segment, device: far, ...size }, end)
  await ip(segment, [`link set ${far} master ${bridge}`])
}
