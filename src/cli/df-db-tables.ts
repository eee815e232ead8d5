/** How `df-db` shows rows to people: the columns of each table as data, and the text of a value. */

import {
  isJsonObject,
  type Json,
  type JsonObject,
  pythonJson,
  type RawRow,
  type Rejected,
  type TableName,
} from '../nb/index.ts'
import { textTable } from './output.ts'

// biome-ignore format: one table a line
const columns: Readonly<Record<TableName, readonly string[]>> = {
  chassis:    ['id', 'ip', 'tunnel_types'],
  service:    ['id', 'chassis', 'binary', 'last_seen_up'],
  secgroup:   ['id', 'name', 'topic', 'unique_key'],
  lswitch:    ['id', 'name', 'topic', 'unique_key', 'network_type', 'physical_network', 'segmentation_id'],
  lsubnet:    ['id', 'name', 'topic', 'cidr', 'gateway_ip', 'lswitch'],
  lrouter:    ['id', 'name', 'topic', 'unique_key'],
  lport:      ['id', 'name', 'topic', 'unique_key', 'ips', 'macs', 'lswitch'],
  floatingip: ['id', 'topic', 'floating_ip_address', 'fixed_ip_address', 'lport'],
  domainname: ['id', 'topic', 'domain_name', 'ttl', 'authoritative'],
  dnsname:    ['id', 'topic', 'dns_name'],
  publisher:  ['id', 'name', 'uri', 'last_activity_timestamp'],
  listener:   ['id', 'ppid', 'timestamp'],
  qospolicy:  ['id', 'name', 'topic', 'rules'],
  migration:  ['id', 'lport', 'dest_chassis', 'status'],
  activeport: ['id', 'topic', 'ip', 'network', 'detected_mac', 'detected_lport'],
  child_port_segmentation: ['id', 'topic', 'parent', 'port', 'segmentation_type', 'segmentation_id'],
  bgp_peer:    ['id', 'name', 'topic', 'peer_ip', 'remote_as'],
  bgp_speaker: ['id', 'name', 'topic', 'local_as', 'peers', 'ip_version'],
  sfc_portpair:      ['id', 'name', 'topic', 'ingress_port', 'egress_port'],
  sfc_portpairgroup: ['id', 'name', 'topic', 'port_pairs'],
  sfc_portchain:     ['id', 'name', 'topic', 'port_pair_groups', 'flow_classifiers'],
  sfc_flowclassifier: ['id', 'name', 'topic', 'unique_key', 'protocol', 'source_port', 'dest_port'],
}

/** The tables with the number of their rows. */
export function tableTable(counts: readonly { readonly table: string; readonly rows: number }[]): string {
  return textTable(
    ['table', 'rows'],
    counts.map(({ table, rows }) => [table, String(rows)]),
  )
}

/** The rows of a table, one a line; a row that is not JSON shows its text. */
export function rowTable(table: string, rows: readonly RawRow[]): string {
  const head = columnsOf(table)
  return textTable(
    head,
    rows.map((row) => head.map((column) => (column === 'id' ? row.id : shownCell(row, column)))),
  )
}

/** The fields that tell the rows of a table apart; `value` stands for the text of a row of no known table. */
export function columnsOf(table: string): readonly string[] {
  return Object.hasOwn(columns, table) ? columns[table as TableName] : ['id', 'value']
}

/** The rows that do not count. */
export function rejectedTable(rejected: readonly Rejected[]): string {
  return textTable(
    ['row', 'reason', 'remedy'],
    rejected.map(({ table, id, field, reason, remedy }) => [
      `${table} ${id}`,
      field === undefined ? reason : `${field} ${reason}`,
      remedy,
    ]),
  )
}

/** A value by itself: an object as a table of its fields, text as it is, others as JSON. */
export function shownField(value: Json | undefined): string {
  if (!isJsonObject(value)) return `${shown(value)}\n`
  return textTable(
    ['field', 'value'],
    Object.entries(value).map(([field, inside]) => [field, shown(inside)]),
  )
}

function shownCell({ value, problem }: RawRow, column: string): string {
  if (column === 'value') return problem ?? value
  const row = objectIn(value)
  return row ? shown(row[column]) : ''
}

function shown(value: Json | undefined): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'string') return value
  const isPlainList = Array.isArray(value) && value.every((item) => typeof item === 'string')
  return isPlainList ? value.join(' ') : pythonJson(value)
}

function objectIn(value: string): JsonObject | undefined {
  try {
    const parsed: unknown = JSON.parse(value)
    return isJsonObject(parsed) ? parsed : undefined
  } catch {
    return undefined
  }
}
