/** The gate of the packet room: what others may use. */

export { copyBytes } from './copy.ts'
export { parseFrame, type UdpFrame, writeAnswer } from './frame.ts'
export type { Unparsed } from './reasons.ts'
