/** The gate of the OVSDB room (RFC 7047): what others may use. */

export { connectOvsdb, type OvsdbClient, type OvsdbOptions } from './client.ts'
export type { ControllerSettings } from './controller.ts'
export { MissingBridgeError, OvsdbError } from './errors.ts'
export type { PatchPorts, PatchRequest } from './patch.ts'
export type { OvsdbState, PortType, SwitchBridge, SwitchPort } from './state.ts'
export type { Condition, Operation, OperationResult } from './transact.ts'
export type { TunnelRequest } from './tunnel.ts'
