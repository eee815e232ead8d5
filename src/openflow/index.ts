/**
 * The library `openflow`: OpenFlow 1.3 and the Nicira extensions as values, their bytes and their text. It speaks to one
 * switch and knows no network.
 */

export { CodecError } from '../wire/codec.ts'
export { type Action, actionsText } from './actions.ts'
export { bundleFlags } from './bundle.ts'
export { type Clock, systemClock } from './clock.ts'
export type { Nat } from './ct.ts'
export { errorName } from './errors.ts'
export { ListenError, OpenFlowError, SessionClosedError } from './failure.ts'
export {
  checkFlow,
  controller,
  ct,
  type Flow,
  flowContent,
  flowFlags,
  flowIdentity,
  formatActions,
  formatFlow,
  formatMatch,
  load,
  move,
  output,
  popVlan,
  pushVlan,
  resubmit,
  setField,
} from './flow.ts'
export { type FlowMonitor, type FlowUpdate, monitorFlags } from './flow-monitor.ts'
export { decodeFlow, FlowLook, type TakeFlow } from './flow-reply.ts'
export { formatMessage } from './format.ts'
export { type Bucket, formatGroup, type Group, type GroupType, groupIds } from './group.ts'
export type { Instruction } from './instructions.ts'
export type { LearnSpec } from './learn.ts'
export { type Listener, type ListenOptions, listen } from './listener.ts'
export type { Compared, Match, UnknownField } from './match.ts'
export {
  decode,
  encode,
  type Features,
  type Message,
  type MessageOf,
  type UnknownMessage,
} from './messages.ts'
export { type MeterBand, type MeterStats, meterFlags, meterIds } from './meter.ts'
export {
  type FlowStats,
  type GroupStats,
  type MultipartReply,
  type MultipartRequest,
  moreFlag,
  type Part,
} from './multipart.ts'
export { ethTypes, type FieldName, type FieldValue } from './oxm.ts'
export { PacketIn } from './packet-in.ts'
export { parseActions, parseInstructions } from './parse-actions.ts'
export { type Meter, parseFlow, parseGroup, parseMeter } from './parse-flow.ts'
export { parseMatch } from './parse-match.ts'
export type { Port } from './port.ts'
export type { NshProperty } from './select-actions.ts'
export type { Counts, Outgoing, Session, SessionHandlers } from './session-contract.ts'
export { ports } from './show.ts'
export type { Place, Subfield } from './subfield.ts'
export type { Queue } from './switch-config.ts'
export type { TableFeatures } from './table-features.ts'
