/**
 * Where the tables of applications from outside hang on the pipeline: the built-in tables that lend them rows, the numbers
 * from 201 up, and where their packets may go on. It knows declarations, no application and no flow
 * (docs/decisions/0002-foreign-applications.md).
 */

import { ConfigError } from '../errors.ts'
import { type TableName, type TableSpec, tables } from './pipeline.ts'

/** A built-in table in which every application from outside may write rows that lead into its own tables. */
interface ExtensionPointSpec {
  /** The lowest and the highest priority it lends: above the row for whatever nobody asked for, below its own. */
  readonly priorities: readonly [number, number]
  /** Where packets may go on from there; the first is where those go on that no application wants. */
  readonly waysOn: readonly [TableName, ...TableName[]]
  /** Whether packets may be sent up from there: only where `reg6` says which port of this node they come from. */
  readonly canPunt: boolean
}

/** The tables that lend rows: to packets from a port, and to packets on their way to a port of this node. */
export const extensionPoints = {
  services: { priorities: [10, 89], waysOn: ['lookup', 'dispatch'], canPunt: true },
  ingressConntrack: { priorities: [10, 89], waysOn: ['dispatch'], canPunt: false },
} as const satisfies Partial<Record<TableName, ExtensionPointSpec>>

export type ExtensionPoint = keyof typeof extensionPoints

/** A table as an application from outside declares it. */
export interface ForeignTable {
  /** The built-in table from which its packets come. */
  readonly after: ExtensionPoint
  /** Whether its flows may send packets up to the application; only after `services`. */
  readonly canPunt?: boolean
}

/** A table with its number. */
export interface AllottedTable {
  readonly id: number
  readonly after: ExtensionPoint
  /** The table that sends its packets up, if it may. */
  readonly puntId: number | undefined
}

/** The part of the pipeline that belongs to one application from outside. */
export interface Extension {
  readonly owner: string
  readonly tables: ReadonlyMap<string, AllottedTable>
}

/** Dragonflow's `datapath_autoalloc_table_offset`, and the last number below those that Open vSwitch keeps. */
const numbers = { first: 201, last: 253 }

/** The groups of applications from outside have the numbers of their tables; whatever stands there is ours. */
export const foreignGroupIds: ReadonlySet<number> = new Set(
  Array.from({ length: numbers.last - numbers.first + 1 }, (_, index) => numbers.first + index),
)

/**
 * Numbers the tables of these applications, in order. Throws `ConfigError` for a name that is taken and when there are
 * more tables than numbers.
 */
export function allotTables(
  applications: readonly {
    readonly name: string
    readonly tables: Readonly<Record<string, ForeignTable>>
  }[],
): Extension[] {
  const owners = new Map<string, string>(Object.entries(tables).map(([name, { owner }]) => [name, owner]))
  let next = numbers.first
  const allotted = (owner: string, table: string, { after, canPunt }: ForeignTable): AllottedTable => {
    const other = owners.get(table)
    if (other !== undefined)
      throw new ConfigError(`application ${owner}: table ${table} is a table of ${other}; rename it`)
    owners.set(table, owner)
    const id = next
    const puntId = canPunt ? id + 1 : undefined
    next = (puntId ?? id) + 1
    if (next - 1 > numbers.last)
      throw new ConfigError(
        `application ${owner}: there is no number left for table ${table}; all applications from outside together ` +
          `have ${foreignGroupIds.size}, and a table that sends packets up takes two`,
      )
    return { id, after, puntId }
  }
  return applications.map(({ name: owner, tables: declared }) => ({
    owner,
    tables: new Map(
      Object.entries(declared).map(([name, table]): [string, AllottedTable] => [
        name,
        allotted(owner, name, table),
      ]),
    ),
  }))
}

/** Where packets of a table go on that nobody wants. */
export const wayOnFrom = (after: ExtensionPoint): TableName => extensionPoints[after].waysOn[0]

/** The numbers of an extension's tables, those that send packets up included. */
export function tableIdsOf({ tables: own }: Extension): number[] {
  return [...own.values()].flatMap(({ id, puntId }) => (puntId === undefined ? [id] : [id, puntId]))
}

/** The numbers of an extension's groups: two for each table that may send packets up. */
export function groupIdsOf({ tables: own }: Extension): number[] {
  return [...own.values()].flatMap(({ id, puntId }) => (puntId === undefined ? [] : [id, puntId]))
}

/** The extension's table of that number, that which sends packets up not counted; undefined if there is none. */
export function ownTableOf({ tables: own }: Extension, id: number): AllottedTable | undefined {
  return [...own.values()].find((table) => table.id === id)
}

/** The extension point of that number; undefined if the table lends nothing. */
export function pointOf(id: number): ExtensionPoint | undefined {
  const all: Readonly<Record<ExtensionPoint, TableSpec>> = tables
  return (Object.keys(extensionPoints) as ExtensionPoint[]).find((name) => all[name].id === id)
}
