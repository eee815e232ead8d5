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
  stop(): Promise<void>
}

/** The names that every peer serves, with their addresses; the client has the first. */
export const records: readonly (readonly [string, string])[] = [
  ['web.red.example.org', '10.0.0.11'],
  ['db.red.example.org', '10.0.0.12'],
  ['dns.red.example.org', '10.0.0.53'],
]
