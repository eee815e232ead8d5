/** The tables of src/openflow as Markdown, for docs/openflow.md. */

import { actionTable } from '../../src/openflow/actions.ts'
import { instructionTable } from '../../src/openflow/instructions.ts'
import { messageTable } from '../../src/openflow/messages.ts'
import { multipartTable } from '../../src/openflow/multipart.ts'
import type { Need } from '../../src/openflow/needs.ts'
import { type FieldName, fieldOf, fields, needsOf } from '../../src/openflow/oxm.ts'

type Rows = readonly (readonly string[])[]

const markdown = (head: readonly string[], rows: Rows): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')

const code = (text: string) => `\`${text}\``
const numberOf = (row: { type: number; vendor?: number; subtype?: number }) =>
  row.subtype === undefined ? `${row.type}` : `${row.vendor === undefined ? 'Nicira' : 'ONF'} ${row.subtype}`

function needText(name: string, need: Need): string {
  if ('words' in need) return `${code(name)} with ${need.words}`
  return `${code(name)} = ${need.map((value) => (name === 'ethType' ? `0x${value.toString(16).padStart(4, '0')}` : value)).join(' or ')}`
}

/** The 64 options of tunnels are one line: they differ by their number alone. */
const isShown = (name: FieldName) => !/^tunMetadata[1-9]/.test(name)

function fieldRow(name: FieldName): string[] {
  const field = fieldOf(name)
  const headers = [field.oxm, field.nxm].flatMap((at) => (at === undefined ? [] : [code(at.name)]))
  const needs = Object.entries(needsOf(name)).map(([other, need]) => needText(other, need))
  const writes = field.isOnlyLoaded === true ? 'load, move' : field.isWritable ? 'yes' : 'no'
  const isOption = name === 'tunMetadata0'
  return [
    isOption ? `${code(name)} to ${code('tunMetadata63')}` : code(name),
    isOption ? `${headers[0]} to ${code('NXM_NX_TUN_METADATA63')}` : headers.join(', '),
    `${isOption ? 'up to ' : ''}${field.is.size} (${field.inMatch?.bits ?? field.bits})`,
    field.isMaskable ? 'yes' : 'no',
    writes,
    needs.join(', ') || '–',
  ]
}

const rowsOf = <T>(table: Readonly<Record<string, T>>, cells: (name: string, row: T) => string[]) =>
  Object.entries(table).map(([name, row]) => cells(name, row))

/** Heading of the section, and the table that must stand below it. */
export const documentTables: ReadonlyMap<string, string> = new Map([
  [
    'Messages',
    markdown(
      ['kind', 'type'],
      rowsOf(messageTable, (name, row) => [code(name), numberOf(row)]),
    ),
  ],
  [
    'Multipart',
    markdown(
      ['kind', 'type'],
      rowsOf(multipartTable, (name, row) => [code(name), numberOf(row)]),
    ),
  ],
  [
    'Match fields',
    markdown(
      ['field', 'headers', 'bytes (bits compared)', 'mask', 'written', 'needs'],
      (Object.keys(fields) as FieldName[]).filter(isShown).map(fieldRow),
    ),
  ],
  [
    'Actions',
    markdown(
      ['kind', 'number'],
      rowsOf(actionTable, (name, row) => [code(name), numberOf(row)]),
    ),
  ],
  [
    'Instructions',
    markdown(
      ['kind', 'type'],
      rowsOf(instructionTable, (name, row) => [code(name), `${row.type}`]),
    ),
  ],
])
