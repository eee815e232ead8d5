/** What is measured: somebody who answers the queries of one client behind a real switch. */

/** A peer that runs. */
export interface Peer {
  readonly name: string
  /** What it is and how it was started, for the reader of the figures. */
  readonly about: string
  /** Where dnsperf runs. */
  readonly clientNamespace: string
  readonly server: string
  /** Whose CPU an answer costs; the switch's own is counted apart. */
  readonly controller: number
  readonly vswitchd: number
  /** What it answers to each of `records`, if not their own addresses. */
  readonly answersAlways?: string
  stop(): Promise<void>
}

/** The names that every peer serves, with their addresses; the client has the first. */
export const records: readonly (readonly [string, string])[] = [
  ['web.red.example.org', '10.0.0.11'],
  ['db.red.example.org', '10.0.0.12'],
  ['dns.red.example.org', '10.0.0.53'],
]

/** Names of the outside server of examples/two-tenants.yaml, which nobody answers in its place. */
export const outsideRecords: readonly (readonly [string, string])[] = [
  ['ext.example.net', '192.0.2.80'],
  ['mail.example.net', '192.0.2.25'],
]
