/**
 * The switch's half of an explanation: the very packet, traced through the live bridge (`ofproto/trace`, ovs-vswitchd(8)),
 * in the names of the pipeline's tables.
 */

import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Explanation } from '../app/dns/inspect.ts'
import { tables } from '../app/pipeline.ts'
import { reasonOf } from '../errors.ts'
import { run } from '../lab/process.ts'
import { ipv4Text, ipv6Text, macText } from '../wire/address.ts'
import type { DnsConfig } from './df-dns-source.ts'

/** What the switch does with the packet. */
export interface Trace {
  readonly isTraced: boolean
  /** In a sentence: whether it comes to the controller, or which row lets it go on. */
  readonly why: string
  /** The rows that it meets, one a table. */
  readonly path: readonly string[]
}

/** Traces the explained query. What stands in the way is told in `why`. */
export async function traceOf({ df }: DnsConfig, { ofport, frame }: Explanation): Promise<Trace> {
  const directory = /^unix:(.*)/.exec(df.ovsdb_connection)?.[1]
  if (directory === undefined)
    return untraced(`the switch at ${df.ovsdb_connection} is not on this machine: run this where it is`)
  const control = controlOf(dirname(directory))
  if (control === undefined)
    return untraced(`no ovs-vswitchd has its control socket in ${dirname(directory)}: is it running?`)
  try {
    const flow = flowOf(ofport, Buffer.from(frame, 'hex'))
    const words = ['-t', control, 'ofproto/trace', df.integration_bridge, flow]
    return readTrace(await run('ovs-appctl', words))
  } catch (error) {
    return untraced(`the switch cannot be asked: ${reasonOf(error).split('\n')[0]}`)
  }
}

/**
 * The query as ovs-vswitchd(8) takes a flow. Not as a packet: one that is traced as a packet really goes to the
 * controller.
 */
export function flowOf(ofport: number, frame: Buffer): string {
  const isIpv4 = frame.readUInt16BE(12) === 0x0800
  const [at, size] = isIpv4 ? [26, 4] : [22, 16]
  const [from, to] = [frame.subarray(at, at + size), frame.subarray(at + size, at + 2 * size)]
  const ports = at + 2 * size
  return [
    ...[isIpv4 ? 'udp' : 'udp6', `in_port=${ofport}`, 'nw_ttl=64'],
    ...[`dl_src=${macText(frame.subarray(6, 12))}`, `dl_dst=${macText(frame.subarray(0, 6))}`],
    ...(isIpv4
      ? [`nw_src=${ipv4Text(from)}`, `nw_dst=${ipv4Text(to)}`]
      : [`ipv6_src=${ipv6Text(from)}`, `ipv6_dst=${ipv6Text(to)}`]),
    ...[`udp_src=${frame.readUInt16BE(ports)}`, `udp_dst=${frame.readUInt16BE(ports + 2)}`],
  ].join(',')
}

/** Reads what `ofproto/trace` printed. */
export function readTrace(output: string): Trace {
  const rows = [...output.matchAll(/^ *(\d+)\. (.*)$/gm)].map(([, id, row]) => ({
    id: Number(id),
    row: row!,
  }))
  const path = rows.map(({ id, row }) => `${nameOf(id)}: ${row}`)
  if (rows.some(({ id }) => id === tables.dnsPunt.id))
    return { isTraced: true, why: 'it comes to the controller', path }
  const last = rows.findLast(({ id }) => deciding.includes(id))
  if (last === undefined || rows.length === 1)
    return { isTraced: true, why: 'it never gets as far as DNS', path }
  return { isTraced: true, why: `${whyNot[last.id] ?? 'it goes on'}: ${nameOf(last.id)}: ${last.row}`, path }
}

/** The tables that decide whether a query is looked at, in the order of the pipeline. */
const deciding: readonly number[] = [tables.services.id, tables.dns.id, tables.dnsPorts.id]

const whyNot: Readonly<Record<number, string>> = {
  [tables.services.id]: 'it is no query, or no controller answers at the moment',
  [tables.dns.id]: 'the server that is asked is left alone',
  [tables.dnsPorts.id]: 'no controller is connected, or the port is passed by',
}

const nameOf = (id: number) =>
  `${Object.entries(tables).find(([, table]) => table.id === id)?.[0] ?? 'table'}(${id})`

/** The control socket of ovs-vswitchd: with or without its pid in the name. */
function controlOf(directory: string): string | undefined {
  if (!existsSync(directory)) return undefined
  const name = readdirSync(directory).find((entry) => /^ovs-vswitchd(\.\d+)?\.ctl$/.test(entry))
  return name && join(directory, name)
}

const untraced = (why: string): Trace => ({ isTraced: false, why, path: [] })
