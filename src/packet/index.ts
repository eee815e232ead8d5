/** The gate of the packet room: what others may use. */

export { copyBytes } from './copy.ts'
export { answer, parseFrame, type UdpFrame } from './frame.ts'
export type { Unparsed } from './reasons.ts'
