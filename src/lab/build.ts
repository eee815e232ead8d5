/** What the builders of the lab's parts (node, port, outside) share: the plan, the record and how to wait. */

import type { Plan } from './plan.ts'
import type { ProcessRef } from './process.ts'

/** One `up` under way. */
export interface Build {
  readonly plan: Plan
  /** Whether the kernel ends every process of the lab with the process that builds it. */
  readonly diesWithParent: boolean
  /** Aborted when the person does not want the lab any more. */
  readonly signal: AbortSignal | undefined
  /** Puts a process on record as soon as it exists. */
  record(name: string, process: ProcessRef): void
}

/** Kernel parameters of a namespace that holds an IPv6 host: no router of the machine's may configure it. */
export const hostSettings = {
  'ipv6/conf/all/disable_ipv6': '0',
  'ipv6/conf/default/disable_ipv6': '0',
  'ipv6/conf/default/accept_ra': '0',
}

/** The `ip` command for an address; without duplicate address detection, so that it can be used at once. */
export const addressLine = (address: string, device: string) =>
  `address add ${address} dev ${device}${address.includes(':') ? ' nodad' : ''}`
