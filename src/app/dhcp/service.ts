/**
 * One protocol of the application dhcp: DHCP for IPv4, and what configures IPv6. It says what an application says to the
 * host, as far as it concerns the protocol; the application joins them (dhcp.ts).
 */

import type { Punt, Unit, Verdict } from '../app.ts'
import type { View } from '../view.ts'

/** A protocol that configures hosts. */
export interface Service {
  /** Its flows, in units that stay the same arrays while nothing in them changes (`App.units`). */
  units(view: View): Iterable<Unit>
  /** Decides a packet that its flows sent up; undefined if the packet is of another protocol. */
  decide(punt: Punt, view: View): Verdict | undefined
  /** What it cannot tell anybody of the rows of this node's ports. */
  problems(view: View): Problem[]
}

/** Something that a person must mend. */
export interface Problem {
  /** `<table>/<id>`. */
  readonly row: string
  readonly reason: string
}

/** What holds for all protocols; df.conf says it. */
export interface ServiceRules {
  /** The resolvers of subnets that name none. */
  readonly dnsServers: readonly string[]
  /** The domain of subnets without one of their own. */
  readonly defaultDomain: string | undefined
  /** Of networks whose row says none; bytes. */
  readonly defaultMtu: number
  /** How long an address may be used without asking again. */
  readonly leaseSeconds: number
}
