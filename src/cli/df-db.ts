#!/usr/bin/env node
/**
 * `df-db`: shows and changes the rows of the northbound store (docs/northbound.md). It reads the command line
 * and prints; what a row is and how it is written, src/nb knows. Exit code: 0, 1 if `check` or `dump` found
 * rows that are wrong, 2 if what a person gave, or the store, is wrong.
 */

import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { type ConfigSource, configFilesOf, controllerSections, loadConfig } from '../config/index.ts'
import { ConfigError, reasonOf } from '../errors.ts'
import {
  addRow,
  counterTable,
  findingsOf,
  isJsonObject,
  type JsonObject,
  loadRows,
  missingRow,
  type NbDriver,
  northboundOf,
  openNbDriver,
  pythonJson,
  type RawRow,
  type Rejected,
  tableNamed,
  updateRow,
} from '../nb/index.ts'
import { completionScript, hiddenCommand, shells } from './df-db-completion.ts'
import { documentOf, type Format, formats, itemOf } from './df-db-format.ts'
import { commandHelp, programHelp } from './df-db-help.ts'
import { fieldsOf, rowsIn } from './df-db-input.ts'
import { rejectedTable, rowTable, shownField, tableTable } from './df-db-tables.ts'
import { followed, type News, newsLine } from './df-db-watch.ts'
import { Exit, exitCodeOf, exitCodes, type Io, interruption, programOf, runIfMain } from './output.ts'

interface Options {
  readonly nbPath?: string
  readonly format: Format
}

/**
 * Runs the command on the arguments after its name; resolves to the exit code. `ended` is called by `watch`,
 * which goes on until it resolves.
 */
export function run(argv: readonly string[], io: Io, ended = interruption): Promise<number> {
  return exitCodeOf(commands(io, ended), argv, io)
}

function commands(io: Io, ended: () => Promise<void>): Command {
  const sources: ConfigSource[] = []
  const source = (kind: ConfigSource['kind']) => (path: string) => {
    sources.push({ kind, path })
  }
  const program = programOf('df-db', io)
    .description('the rows of the northbound store: networks, subnets, ports, and their names')
    .option(
      '--config-file <file>',
      'a df.conf that says where the store is (may be repeated)',
      source('file'),
    )
    .option(
      '--config-dir <directory>',
      'a directory of such files, *.conf (may be repeated)',
      source('directory'),
    )
    .option('--nb-path <directory>', 'the directory of the store, whatever df.conf says')
  program.addOption(
    program.createOption('-f, --format <format>', 'how to print').choices(formats).default('table'),
  )
  const format = () => program.opts<Options>().format
  const show = (value: unknown, text: () => string) => {
    const chosen = format()
    io.out(chosen === 'table' ? text() : documentOf(chosen, value))
  }
  const withDriver = <T>(createMissing: boolean, work: (driver: NbDriver) => Promise<T>) =>
    withDriverOf(sources, program.opts(), createMissing, work)
  const reading = <T>(work: (driver: NbDriver) => Promise<T>) => withDriver(false, work)
  /** Runs a change and says which rows it has left without what they need. */
  const writing = (work: (driver: NbDriver) => Promise<unknown>, createMissing = false) =>
    withDriver(createMissing, async (driver) => {
      const before = northboundOf(await driver.list())
      await work(driver)
      const after = northboundOf(await driver.list(), before)
      warnOf(io, after.rejected, before.rejected)
    })

  program
    .command('init')
    .description('make an empty store, if there is none')
    .action(() => withDriver(true, () => Promise.resolve()))

  program
    .command('ls [table]')
    .description('list the tables, or the rows of a table')
    .action((table?: string) =>
      reading(async (driver) => {
        if (table !== undefined) return listRows(table, await driver.list(table))
        const rows = await driver.list()
        const names = [...new Set(rows.map((row) => row.table))]
        const counts = names.map((name) => ({
          table: name,
          rows: rows.filter((row) => row.table === name).length,
        }))
        return show(counts, () => tableTable(counts))
      }),
    )
  const listRows = (table: string, rows: readonly RawRow[]) => {
    if (rows.length === 0 && table !== counterTable) tableNamed(table)
    show(rows.map(storedValue), () => rowTable(table, rows))
  }

  program
    .command('get <table> <id> [field]')
    .description('show a row, or one of its fields')
    .action((table: string, id: string, field?: string) =>
      reading(async (driver) => {
        const stored = await driver.get(table, id)
        if (stored === undefined) throw missingRow(table, id)
        const value = storedValue({ table, id, value: stored })
        if (field === undefined) return show(value, () => shownField(value))
        if (!isJsonObject(value) || value[field] === undefined)
          throw new ConfigError(`${table} ${id} has no ${field}: see df-db get ${table} ${id}`)
        return show(value[field], () => shownField(value[field]))
      }),
    )

  program
    .command('add <table> <fields...>')
    .description('add a row; fields are field=value, a JSON object, or - for one on standard input')
    .action(async (table: string, given: string[]) => {
      const fields = await fieldsOf(tableNamed(table), given, io)
      await writing(async (driver) => io.out(`${await addRow(driver, tableNamed(table), fields)}\n`), true)
    })

  program
    .command('update <table> <id> <fields...>')
    .description('change fields of a row; null removes one')
    .action(async (table: string, id: string, given: string[]) => {
      const fields = await fieldsOf(tableNamed(table), given, io)
      await writing((driver) => updateRow(driver, tableNamed(table), id, fields))
    })

  program
    .command('rm <table> <id>')
    .description('remove a row')
    .action((table: string, id: string) =>
      writing(async (driver) => {
        if (!(await driver.delete(table, id))) throw missingRow(table, id)
      }),
    )

  program
    .command('load <file>')
    .description('write the rows of a file as `dump` makes it (- for standard input), over those that exist')
    .action(async (file: string) => {
      const rows = rowsIn(file === '-' ? await io.input() : textOf(file), file)
      await writing((driver) => loadRows(driver, rows), true)
      io.err(`df-db: ${counted(rows.length, 'row', 'rows')} loaded`)
    })

  program
    .command('dump')
    .description('write all rows as lines of JSON, {"key": "/<table>/<id>", "value": "<the text stored>"}')
    .action(() =>
      reading(async (driver) => {
        const rows = await driver.list()
        const unread = rows.filter(({ problem }) => problem !== undefined)
        for (const { table, id, value, problem } of rows)
          if (problem === undefined) io.out(`${pythonJson({ key: `/${table}/${id}`, value })}\n`)
        for (const { table, id, problem } of unread) io.err(`df-db: ${table} ${id} is left out: ${problem}`)
        if (unread.length > 0) throw new Exit(exitCodes.found)
      }),
    )

  program
    .command('check')
    .description('list the rows that do not count or not wholly, why, and what to do')
    .action(() =>
      reading(async (driver) => {
        const rows = await driver.list()
        const northbound = northboundOf(rows)
        const { rejected } = northbound
        const listed = [...rejected, ...findingsOf(northbound)]
        show(listed, () => (listed.length > 0 ? rejectedTable(listed) : ''))
        const verdict =
          rejected.length > 0 ? `${counted(rejected.length, 'does', 'do')} not count` : 'all count'
        io.err(`df-db: ${counted(rows.length, 'row', 'rows')}, ${verdict}`)
        if (listed.length > 0) throw new Exit(exitCodes.found)
      }),
    )
  program
    .command('watch [table]')
    .description('show every change of the store, or of a table, until Ctrl-C')
    .action((table?: string) => {
      if (table !== undefined && table !== counterTable) tableNamed(table)
      const isEnded = ended()
      const chosen = format()
      const started = (rows: number) =>
        io.err(`df-db: ${counted(rows, 'row', 'rows')}; changes follow until Ctrl-C`)
      const told = (news: News) => io.out(chosen === 'table' ? newsLine(news) : itemOf(chosen, news))
      return reading((driver) => followed(driver, table, { started, told }, isEnded))
    })

  program
    .command('completion')
    .addArgument(program.createArgument('<shell>', 'the shell').choices(shells))
    .description('write what makes a shell complete commands, tables, fields and ids')
    .action((shell: (typeof shells)[number]) => io.out(completionScript(program, shell)))

  program.command(`${hiddenCommand} <table>`, { hidden: true }).action((table: string) =>
    reading(async (driver) => {
      for (const { id } of await driver.list(table)) if (!/\p{Cc}/u.test(id)) io.out(`${id}\n`)
    }),
  )

  program.addHelpText('after', programHelp)
  for (const command of program.commands) command.addHelpText('after', commandHelp(command.name()))
  return program
}

async function withDriverOf<T>(
  sources: readonly ConfigSource[],
  { nbPath }: Options,
  createMissing: boolean,
  work: (driver: NbDriver) => Promise<T>,
): Promise<T> {
  const { values } = loadConfig({ files: configFilesOf(sources), sections: controllerSections })
  const config = {
    ...values.df,
    ...(nbPath !== undefined && { nb_db_class: 'file_nb_db_driver', nb_path: nbPath }),
  }
  const driver = await openNbDriver(config, { createMissing })
  try {
    return await work(driver)
  } finally {
    await driver.close()
  }
}

/** Names the rows that did count, or were not there, before a change. */
function warnOf(io: Io, after: readonly Rejected[], before: readonly Rejected[]): void {
  const known = new Set(before.map(({ table, id, reason }) => `${table} ${id} ${reason}`))
  const fresh = after.filter(({ table, id, reason }) => !known.has(`${table} ${id} ${reason}`))
  for (const { table, id, field, reason } of fresh.slice(0, 5))
    io.err(
      `df-db: warning: ${table} ${id} does not count: ${field === undefined ? '' : `${field} `}${reason}`,
    )
  if (fresh.length > 5) io.err(`df-db: warning: and ${fresh.length - 5} more: see df-db check`)
}

/** The JSON that is stored, or its text if it is none. */
function storedValue({ value }: RawRow): JsonObject | string {
  try {
    const parsed: unknown = JSON.parse(value)
    return isJsonObject(parsed) ? parsed : value
  } catch {
    return value
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new ConfigError(
      `${file} cannot be read (${reasonOf(error)}): give the name of a file that df-db dump wrote`,
    )
  }
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`
}

await runIfMain(import.meta.filename, run)
