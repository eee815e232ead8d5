/** The gate of the packet room: what others may use. */

export { copyBytes } from './copy.ts'
export { datagram, type Endpoint } from './datagram.ts'
export { ethernetSize } from './ethernet.ts'
export { emptyFrame, headersSize, parseFrame, type UdpFrame, writeAnswer } from './frame.ts'
export { type Icmpv6Frame, icmpv6Frame, parseIcmpv6 } from './icmpv6.ts'
export { type IpFrame, protocols, readIpFrame, type Unanswerable } from './ip-frame.ts'
export type { Reach, Unparsed } from './reasons.ts'
export { type Complaint, icmpError, tcpReset } from './refusal.ts'
export { readUdp } from './udp.ts'
