/** What the kernel tells of a process and of the machine, for figures. It knows nothing of what is measured. */

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'

/** Linux counts CPU time in ticks of 10 ms (proc(5), USER_HZ). */
const tickMs = 10

/** CPU time that a process has used with all its threads, user and system, in ms. */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * tickMs
}

/** Resident memory of a process, and its share of it where pages are shared, in MB of 2^20 bytes. */
export function memoryMb(pid: number): { rss: number; pss: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1')
  const mb = (text: string, field: string) =>
    Math.round(Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]) / 1024)
  return { rss: mb(status, 'VmRSS'), pss: mb(rollup, 'Pss'), peak: mb(status, 'VmHWM') }
}

/** A process's share of the memory that it has in pages, in KB of 2^10 bytes. */
export const pssKb = (pid: number): number =>
  Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1])

/** The machine and its versions in one line. */
export function machineLine(): string {
  const ovs = execFileSync('ovs-vswitchd', ['--version'], { encoding: 'utf8' }).split('\n')[0]
  return `${cpus().length} cores (${cpus()[0]?.model.trim()}), Node ${process.version}, ${ovs}`
}

/** The load average of the last minute, which says how much else the machine had to do. */
export const load = (): string => loadavg()[0]!.toFixed(1)

/** Median, 95th percentile and largest of some durations, in whole ms. */
export function spread(values: readonly number[]): string {
  if (values.length === 0) return 'none'
  const sorted = values.toSorted((a, b) => a - b)
  const at = (part: number) =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]!)
  return `median ${at(0.5)} ms, 95 % ${at(0.95)} ms, most ${at(1)} ms (${sorted.length})`
}

/** The median; NaN of nothing. */
export function middle(numbers: readonly number[]): number {
  const sorted = numbers.filter((value) => !Number.isNaN(value)).toSorted((a, b) => a - b)
  const half = Math.floor(sorted.length / 2)
  if (sorted.length === 0) return Number.NaN
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2
}
