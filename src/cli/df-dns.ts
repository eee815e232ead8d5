#!/usr/bin/env node
/**
 * `df-dns`: asks why a query ends as it does, what a port can resolve, and which names serve nobody (docs/df-dns.md).
 * It asks the controller that runs here, through its control socket, or the same application over the rows of the
 * northbound store when none runs. Exit code: 0, 1 if `check` found something, 2 if what a person gave is wrong.
 */

import type { Command } from 'commander'
import { dns } from '../app/dns/dns.ts'
import { reverseKeyOf, textOfKey } from '../app/dns/domain-name.ts'
import type { CheckedRow, Explanation, ListedName } from '../app/dns/inspect.ts'
import type { ReplyText } from '../app/dns/message-text.ts'
import { bytesOf } from '../app/reach.ts'
import { type ConfigSource, configFilesOf, controllerSections, loadConfig } from '../config/index.ts'
import { ConfigError } from '../errors.ts'
import { askController, type Source, sourceOf } from './df-dns-source.ts'
import { traceOf } from './df-dns-trace.ts'
import { Exit, exitCodeOf, exitCodes, type Io, programOf, runIfMain, textTable } from './output.ts'

interface Options {
  readonly format: 'table' | 'json'
  readonly offline?: boolean
}

interface QueryOptions {
  readonly server?: string
}

/** Runs the command on the arguments after its name; resolves to the exit code. */
export function run(argv: readonly string[], io: Io): Promise<number> {
  return exitCodeOf(commands(io), argv, io)
}

const examples = `
PORT is the id of an lport, the beginning of it, or its name if no other port here has that.

Examples:
  df-dns explain 5d4e web.red.example.org            why the answer is what it is, and what the switch does
  df-dns explain 5d4e www.example.net AAAA --server 192.0.2.53
  df-dns lookup 5d4e -x 10.0.0.12                    the answer alone
  df-dns list 5d4e                                   every name that the port can resolve
  df-dns check                                       rows that serve nobody, and names that two ports have
  df-dns stats -f json                               what the controller here has answered and passed on
  df-dns log-level debug                             let it write more, until it starts again
`

function commands(io: Io): Command {
  const sources: ConfigSource[] = []
  const add = (kind: ConfigSource['kind']) => (path: string) => void sources.push({ kind, path })
  const program = programOf('df-dns', io)
    .description('why a name resolves, or does not, on this compute node')
    .option('--config-file <file>', 'a df.conf of the controller (may be repeated)', add('file'))
    .option(
      '--config-dir <directory>',
      'a directory of such files, *.conf (may be repeated)',
      add('directory'),
    )
    .option(
      '--offline',
      'read the northbound store even if a controller runs; every port is asked as if it were here',
    )
  program.addOption(
    program.createOption('-f, --format <format>', 'how to print').choices(['table', 'json']).default('table'),
  )
  const options = () => program.opts<Options>()
  const config = () => {
    const sections = { ...controllerSections, df_dns_app: dns.options }
    return loadConfig({ files: configFilesOf(sources), sections }).values
  }
  const show = (value: unknown, text: () => string) =>
    io.out(options().format === 'json' ? `${JSON.stringify(value, undefined, 2)}\n` : text())
  const asking = async <T>(inspection: string, request: object): Promise<{ answer: T; source: Source }> => {
    const source = await sourceOf(config(), options().offline === true)
    io.err(`df-dns: ${source.about}`)
    return { answer: (await source.ask(inspection, request)) as T, source }
  }

  const question = (command: Command): Command =>
    command
      .argument('<port>', 'who asks')
      .argument('[name]', 'the name; an address after -x')
      .argument('[type]', 'the record type, like AAAA or TYPE65', 'A')
      .option('-x, --reverse <address>', 'ask for the name of an address')
      .option('--server <ip>', 'the server that is asked (one that the subnet announces, else 198.51.100.53)')
  const requestOf = (
    port: string,
    name: string | undefined,
    type: string,
    given: QueryOptions & Reverse,
  ) => ({
    ...{ port, ...(given.server === undefined ? {} : { server: given.server }) },
    ...(given.reverse === undefined
      ? { name: nameIn(name), type }
      : { name: reverseName(given.reverse), type: 'PTR' }),
  })

  question(program.command('explain'))
    .description('tell, step by step, what becomes of a query, and what the switch does with it')
    .action(async (port: string, name: string | undefined, type: string, given: QueryOptions & Reverse) => {
      const { answer, source } = await asking<Explanation>('explain', requestOf(port, name, type, given))
      const trace = source.isLive ? await traceOf(config(), answer) : noTrace
      show({ ...answer, switch: trace }, () => explanationText(answer, trace))
    })

  question(program.command('lookup'))
    .description('tell the answer alone')
    .action(async (port: string, name: string | undefined, type: string, given: QueryOptions & Reverse) => {
      const { answer } = await asking<Explanation>('explain', requestOf(port, name, type, given))
      const { server, verdict, reply } = answer
      show({ verdict, ...reply }, () =>
        reply ? replyText(reply) : `not answered here: ${server} is asked\n`,
      )
    })

  program
    .command('list <port>')
    .description('list every name that a port can resolve')
    .action(async (port: string) => {
      const { answer } = await asking<ListedName[]>('list', { port })
      show(answer, () =>
        textTable(
          ['name', 'type', 'ttl', 'data'],
          answer.map(({ name, type, ttl, data }) => [name, type, `${ttl}`, data]),
        ),
      )
    })

  program
    .command('check')
    .description('list the rows that serve nobody, and why; always from the northbound store')
    .action(async () => {
      const source = await sourceOf(config(), true)
      const rows = [...source.rejected, ...((await source.ask('check', {})) as CheckedRow[])]
      show(rows, () => (rows.length === 0 ? '' : checkText(rows)))
      io.err(`df-dns: ${rows.length === 0 ? 'every name can be served' : `${rows.length} found`}`)
      if (rows.length > 0) throw new Exit(exitCodes.found)
    })

  program
    .command('stats')
    .description('show what the controller here has counted')
    .action(async () => {
      const { text } = (await askController(config(), { method: 'metrics' })) as { text: string }
      const lines = statsIn(text)
      show(lines, () =>
        textTable(
          ['metric', 'labels', 'value'],
          lines.map(({ name, labels, value }) => [name, labels, `${value}`]),
        ),
      )
    })

  program
    .command('log-level [level]')
    .description('tell how much the controller here writes to its log, or change it while it runs')
    .action(async (level: string | undefined) => {
      const answer = (await askController(config(), { method: 'log_level', level })) as { level: string }
      show(answer, () => `${answer.level}\n`)
    })

  program.addHelpText('after', examples)
  return program
}

interface Reverse {
  readonly reverse?: string
}

const noTrace = {
  isTraced: false,
  why: 'no controller runs here, so there is no switch to ask',
  path: [],
} as const

function nameIn(name: string | undefined): string {
  if (name !== undefined) return name
  throw new ConfigError('no name is given: df-dns explain PORT NAME [TYPE], or -x ADDRESS')
}

/** The name that a PTR query asks for an address (RFC 1035 §3.5, RFC 3596 §2.5). */
function reverseName(address: string): string {
  const bytes = bytesOf(address)
  if (bytes === undefined) throw new ConfigError(`-x ${address}: not an IP address`)
  return textOfKey(reverseKeyOf(bytes))
}

function explanationText(answer: Explanation, trace: Awaited<ReturnType<typeof traceOf>>): string {
  const { reasons, reply } = answer
  const steps = reasons.map((reason, index) => `${`${index + 1}.`.padStart(4)} ${reason}\n`).join('')
  const path = trace.path.map((step) => `      ${step}\n`).join('')
  return `the controller\n${steps}${reply ? `\n${replyText(reply)}` : ''}\nthe switch\n      ${trace.why}\n${path}`
}

function replyText({ status, flags, answer, authority }: ReplyText): string {
  const sections = [
    ...answer.map((line) => `${line}\n`),
    ...authority.map((line) => `; authority: ${line}\n`),
  ]
  return `; ${status}, flags ${flags.join(' ')}\n${sections.join('')}`
}

const checkText = (rows: readonly CheckedRow[]) =>
  textTable(
    ['row', 'reason'],
    rows.map(({ row, reason }) => [row, reason]),
  )

/** The lines of Prometheus' text that are about names and what stands under them. */
function statsIn(text: string): { name: string; labels: string; value: number }[] {
  const line = /^(df_(?:dns|punts?|lease|nb|view|of)_\w+)(?:\{(.*)\})? (\S+)$/gm
  return [...text.matchAll(line)].map(([, name, labels, value]) => ({
    name: name!,
    labels: labels ?? '',
    value: Number(value),
  }))
}

await runIfMain(import.meta.filename, run)
