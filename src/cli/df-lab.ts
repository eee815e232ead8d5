#!/usr/bin/env node
/**
 * `df-lab`: a small cloud on one machine (docs/lab.md). It reads the command line and prints; what a lab is, src/lab
 * knows. Exit code: 0, 1 if the machine refused, 2 if what a person gave is wrong, 130 or 143 when interrupted, and
 * that of the command for `exec` and `dig`.
 */

import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'
import { type Command, CommanderError } from 'commander'
import { ConfigError, reasonOf } from '../errors.ts'
import { Interruption, interruptible, outliveReaders } from '../lab/interrupt.ts'
import { down, labPlan, namespaceOf, plugPort, portOf, up } from '../lab/lab.ts'
import { unplug } from '../lab/port.ts'
import { type LabStatus, labStatus } from '../lab/status.ts'
import { type Io, programOf, textTable } from './output.ts'

/** The controller of the same build. */
const builtController = fileURLToPath(new URL('../main.js', import.meta.url))

const io: Io = {
  out: (text) => process.stdout.write(text),
  err: (line) => process.stderr.write(`${line}\n`),
  input: async () => '',
}

const report = (line: string) => process.stderr.write(`df-lab: ${line}\n`)

function commands(): Command {
  const program = programOf('df-lab', io)
    .description(
      'a small cloud on one machine: switches, VMs, gateways and DNS servers in network namespaces',
    )
    .option('--name <name>', 'the lab; labs of different names run side by side', 'default')
    .enablePositionalOptions()
  const name = () => program.opts<{ name: string }>().name

  program
    .command('up')
    .description('bring a lab up from a file, as examples/two-tenants.yaml')
    .argument('<file>', 'the lab file (YAML)')
    .option('--controller <main.js>', 'the controller to start on the compute nodes', builtController)
    .option('--no-controller', 'start none')
    .addOption(
      program
        .createOption('--nb <store>', 'what holds the northbound rows')
        .choices(['file', 'etcd'])
        .default('file'),
    )
    .action(async (file: string, options: { controller: string | false; nb: 'file' | 'etcd' }) => {
      const controller = options.controller === false ? undefined : options.controller
      await interruptible((signal) => up({ name: name(), file, controller, nb: options.nb, signal, report }))
      report(`lab ${name()} is up; try: df-lab --name ${name()} status`)
    })

  program
    .command('down')
    .description('take the lab down; nothing is left behind')
    .action(async () => {
      // Once begun it goes on to its end: half a lab is no use to anybody.
      const wasUp = await interruptible(() => down(name()))
      report(wasUp ? `lab ${name()} is down` : `there is no lab ${name()}: nothing to do`)
    })

  program
    .command('status')
    .description('show the controllers, ports and processes of the lab')
    .addOption(
      program.createOption('-f, --format <format>', 'output').choices(['table', 'json']).default('table'),
    )
    .action(async ({ format }: { format: string }) => {
      const status = await labStatus(name())
      process.stdout.write(format === 'json' ? `${jsonOf(status)}\n` : `${textOf(status)}\n`)
    })

  program
    .command('exec')
    .description('run a command as a VM would (or a gateway, a server, a node)')
    .argument('<port>')
    .argument('<command...>')
    .passThroughOptions()
    .action(async (port: string, [first, ...rest]: string[]) =>
      inside(name(), port, first === '--' ? rest : [first!, ...rest]),
    )

  program
    .command('dig')
    .description('ask a DNS question as a VM would')
    .argument('<port>')
    .argument('[arguments...]', "dig's own")
    .allowUnknownOption()
    .passThroughOptions()
    .action(async (port: string, args: string[]) => inside(name(), port, ['dig', ...args]))

  program
    .command('plug')
    .description(
      "plug a VM's interface into the integration bridge; an lport that is only in the store gets a VM",
    )
    .argument('<port>', "a port of the lab's file, or the id of an lport")
    .action(async (key: string) => {
      report(`${await plugPort(name(), key)} is plugged`)
    })

  program
    .command('unplug')
    .description("unplug a VM's interface from the integration bridge")
    .argument('<port>')
    .action(async (key: string) => {
      const { port, node } = portOf(labPlan(name()), key)
      await unplug(port, node)
      report(`${port.key} is unplugged`)
    })
  return program
}

/** Runs a command in a namespace of the lab on this terminal; its exit code becomes ours. */
async function inside(name: string, key: string, command: string[]): Promise<void> {
  const namespace = namespaceOf(labPlan(name), key)
  const child = spawn('ip', ['netns', 'exec', namespace, ...command], { stdio: 'inherit' })
  // A terminal's Ctrl-C reaches the command too: it decides what becomes of it.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  process.exitCode = await new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal!]))
  })
}

/** JSON with null for what is missing, so that every key is always there. */
const jsonOf = (status: LabStatus) => JSON.stringify(status, (_, value: unknown) => value ?? null, 2)

function textOf({ name, state, directory, controllers, ports, processes }: LabStatus): string {
  const lines = [`lab ${name} is ${state}; its files are in ${directory}`]
  for (const { node, isReady, reasons } of controllers)
    lines.push(`controller of ${node}: ${isReady ? 'ready' : `not ready: ${reasons.join('; ')}`}`)
  const portRows = ports.map(
    ({ key, namespace, node, dnsName = '', addresses, boot, configured, ofport }) => {
      const plugged = ofport === undefined ? 'no' : `port ${ofport}`
      const booted = addresses.every((ip) => configured.includes(ip))
        ? ''
        : ` (has ${fewOf(configured) || 'none'})`
      return [key, namespace, node, dnsName, fewOf(addresses), `${boot}${booted}`, plugged]
    },
  )
  const processRows = processes.map(({ name: process, pid, isRunning }) => [
    process,
    `${pid}`,
    isRunning ? 'running' : 'ended',
  ])
  return [
    ...lines,
    '',
    textTable(['port', 'namespace', 'node', 'name', 'addresses', 'boot', 'plugged'], portRows),
    textTable(['process', 'pid', 'state'], processRows).trimEnd(),
  ].join('\n')
}

/** Some ports have many addresses, and a table is to be read; JSON has them all. */
function fewOf(addresses: readonly string[]): string {
  const shown = addresses.slice(0, 4)
  const more = addresses.length - shown.length
  return [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join(' ')
}

function exitCodeOf(error: unknown): number {
  if (error instanceof Interruption) return error.exitCode
  return error instanceof ConfigError ? 2 : 1
}

outliveReaders()
try {
  await commands().parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2
  else {
    report(reasonOf(error))
    process.exitCode = exitCodeOf(error)
  }
}
