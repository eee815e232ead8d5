/** The gate of the northbound room: what others may use. */

export {
  counterTable,
  type Hold,
  type NbDriver,
  type NbEvent,
  type RawChange,
  type RawRow,
} from './driver.ts'
export { fieldValue, newRowText, tableNamed } from './edit.ts'
export { findingsOf } from './finding.ts'
export { describedRule } from './finding-group.ts'
export { isJsonObject, type Json, type JsonObject, pythonJson } from './json.ts'
export {
  changedNorthbound,
  emptyNorthbound,
  type Northbound,
  northboundAfter,
  northboundOf,
  type Rows,
} from './model.ts'
export { type NbConfig, openNbDriver } from './open.ts'
export {
  type Chassis,
  type DnsName,
  type DomainName,
  type FloatingIp,
  fieldsOfTable,
  hasField,
  isTableName,
  type LogicalPort,
  type LogicalRouter,
  type LogicalSubnet,
  type LogicalSwitch,
  type Rejected,
  type RowOf,
  readRow,
  referencesOf,
  type SecurityGroup,
  type Service,
  type TableName,
  tableNames,
  writeRow,
} from './row.ts'
export { feedTable } from './tables.ts'
export { addRow, ensureRow, hasFields, loadRows, missingRow, takeUniqueKeys, updateRow } from './write.ts'
