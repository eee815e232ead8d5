/**
 * The package export `dragonflow-dns/app`: everything that an application from outside may use (docs/writing-an-app.md).
 * What is not here may change at any time.
 */

export { fixed, type OptionTable, type OptionValues, option } from '../config/index.ts'
export type { Logger } from '../log.ts'
export type { Metrics } from '../metrics.ts'
export {
  type Action,
  ethTypes,
  type Flow,
  load,
  type Match,
  move,
  output,
  popVlan,
  pushVlan,
  setField,
} from '../openflow/index.ts'
export type { Punt, Verdict } from './app.ts'
export type { ExtensionPoint, ForeignTable } from './extension.ts'
export { type ForeignStep, goto, punt } from './extension-flow.ts'
export type { ForeignApp, ForeignApplication, ForeignHost } from './foreign.ts'
export { registers, turnBack } from './pipeline.ts'
export type { Address, AddressPair, Domain, LocalPort, Network, Port, Subnet, View } from './view.ts'
