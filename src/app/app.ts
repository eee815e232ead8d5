/**
 * The contract between the controller and its applications. An application turns a view into flows and a punted
 * packet into a verdict; it has no socket, no database and no timer.
 */

import type { OptionTable, OptionValues } from '../config/index.ts'
import type { Logger } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import type { Flow, Group } from '../openflow/index.ts'
import type { Extension } from './extension.ts'
import type { LocalPort, View } from './view.ts'

/** What `apps_list` names: a name, the options of its section and the function that makes the application. */
export interface Application<Options extends OptionTable = OptionTable> {
  readonly name: string
  /** The section of df.conf its options stand in. */
  readonly section: string
  readonly options: Options
  /**
   * Makes the application; called again, for one that takes its place, when its options change (SIGHUP). A method, not a
   * property with a function: only so can one list hold applications with different options.
   */
  factory(options: OptionValues<Options>, host: AppHost): App
}

/** What the controller lends to an application. */
export interface AppHost {
  readonly log: Logger
  readonly metrics: Metrics
  /** What df.conf says for all applications (`[DEFAULT]`, `[df]`). */
  readonly common: CommonOptions
  /** Milliseconds that only ever grow; tests inject their own. */
  readonly now: () => number
}

/** What df.conf says for all applications. */
export interface CommonOptions {
  readonly dnsDomain: string
  /** How long a DHCP lease lasts; seconds, -1 for ever. */
  readonly leaseSeconds: number
  /** The address of this node's tunnels; empty if it has none. */
  readonly localIp: string
  readonly tunnelTypes: readonly string[]
}

/** A loaded application. */
export interface App {
  readonly name: string
  /** Every flow wanted while the network looks like `view`. Pure: same view, same flows, same order. */
  flows(view: View): Iterable<Flow>
  /**
   * The same flows, in the same order, in units: one that is the very one of the last view (`===`) is not looked at again.
   * For applications with many flows; what a change costs then follows from the units that it touches.
   */
  units?(view: View): Iterable<Unit>
  /** Every group wanted while the network looks like `view`. Pure, as `flows`. */
  groups?(view: View): Iterable<Group>
  /**
   * Decides a packet that one of this application's flows sent up (its userdata names the application).
   * Runs in the socket's data handler: synchronous, bounded, no waiting.
   */
  packetIn?(punt: Punt, view: View): Verdict
  /**
   * Sees the packets that `packetIn` is about to be asked of, or some of them, with the same view: the first `count` of
   * `sights`, whose objects it is then given. What all of them need can be fetched from memory side by side. Nothing
   * depends on whether it is called.
   */
  foresee?(sights: readonly Sight[], count: number, view: View): void
  /** What becomes of a packet that this application failed on; an optional service says `pass`. */
  readonly onFailure: 'pass' | 'drop'
  /** The rows that lead the packets of a port past this application, when a verdict asks for it. */
  bypass?(port: LocalPort): readonly Flow[]
  /** What is said to local ports unasked while the network looks like `view`; at most one beacon a port. Pure, as `flows`. */
  beacons?(view: View): Iterable<Beacon>
  /** Rows that live only while this application is able to decide packets. */
  readonly lease?: Lease | undefined
  /** Its part of the pipeline, if it comes from outside. */
  readonly extension?: Extension
  /** What people may ask it through the control socket, as `<application>.<inspection>`. */
  readonly inspect?: Readonly<Record<string, Inspection>>
  /** Why the host does not call it any more; undefined while it does. */
  readonly suspendedBecause?: string | undefined
  /** The bridges that the application wants patched to the integration bridge, by physical network. */
  readonly bridges?: ReadonlyMap<string, string>
  /** The tunnel ports that the application wants on the integration bridge: their types, and the node's address. */
  readonly tunnels?: { readonly types: readonly string[]; readonly localIp: string }
}

/**
 * Flows that come and go together. Whoever has it may ask for them at any time and always gets the same ones, so that
 * nobody need keep them: a part that makes them each time (`partOf`) costs less memory than one of them.
 */
export type Part = Iterable<Flow>

/** Flows as such, or parts; no part stands in two units. In a changed unit, only the parts that are new are looked at. */
export type Unit = readonly Flow[] | readonly Part[]

/** The parts of a unit; flows as such are one part together. */
export function partsOf(unit: Unit): readonly Part[] {
  const isOfParts = unit[0] !== undefined && Symbol.iterator in unit[0]
  return isOfParts ? (unit as readonly Part[]) : [unit as readonly Flow[]]
}

/** Every flow of these units, in their order. */
export function* flowsIn(units: Iterable<Unit>): Iterable<Flow> {
  for (const unit of units) for (const part of partsOf(unit)) yield* part
}

/**
 * Answers a person's question by that view with a value that has a JSON form, and changes nothing. Runs between packets:
 * synchronous, some milliseconds. What the person must mend is thrown as `ConfigError`.
 */
export type Inspection = (request: Readonly<Record<string, unknown>>, view: View) => unknown

/** What can be seen of a packet before it is its turn. */
export interface Sight {
  /** The asking port, from the register `reg6`: never from an address that the guest chose. */
  readonly port: LocalPort
  /** The Ethernet frame is what stands here between `start` and `end`, valid until the packet was decided. */
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
}

/** A packet on its way through the switch, paused for a verdict, and valid until then: the next one takes its place. */
export interface Punt extends Sight {
  /** The frame as a Buffer, made when it is asked for: for those who need not save it. */
  readonly frame: Buffer
  /** When the host took it up, in milliseconds of `AppHost.now`: for those who need no better clock. */
  readonly atMs: number
  /** Where the frame of a reply may be written instead of to a buffer of one's own. */
  readonly room?: Room | undefined
  /** What the pipeline wrote into its registers, by their numbers; undefined is 0. */
  readonly registers?: { register(number: number): number | undefined } | undefined
}

/** Room for a frame of at most 1,500 bytes, from `at` on. Whoever has it may leave it as it likes. */
export interface Room {
  readonly bytes: Buffer
  readonly at: number
}

/** What an application wants done with a punted packet. `why` is a metric label: one of a fixed set of words. */
export type Verdict =
  /** Sends `frame` to the port the packet came from, past the rest of the pipeline, and drops the packet. */
  | { readonly kind: 'reply'; readonly frame: Buffer; readonly why: string }
  /** The same with the first `size` bytes of the punt's `room`: they are not copied any more. */
  | { readonly kind: 'written'; readonly size: number; readonly why: string }
  /**
   * Lets the packet go on as if it had never been punted. With `bypassSeconds` the next packets of its port go on by
   * themselves for so long: the host puts the rows of `bypass(port)` into the switch, which end by a hard timeout.
   */
  | { readonly kind: 'pass'; readonly why: string; readonly bypassSeconds?: number }
  /** With `bypassSeconds` as above; what those rows do is the application's to say. */
  | { readonly kind: 'drop'; readonly why: string; readonly bypassSeconds?: number }

/**
 * A frame for a local port, straight to it past the rest of the pipeline: sent when it is new, then over and over. The very
 * object of the last view (`===`) is unchanged; another one takes its place.
 */
export interface Beacon {
  readonly port: LocalPort
  readonly frame: Buffer
  /** The pause between two is a random number of seconds between these. */
  readonly everySeconds: { readonly least: number; readonly most: number }
  /** The frame that takes back what `next`, the beacon in its place, does not say any more; undefined if there is nothing. */
  endFor?(next: Beacon | undefined): Buffer | undefined
}

/**
 * The dead-man's lease (docs/architecture.md): the host installs `rows` with a hard timeout and renews them only after
 * `probe`, sent through the switch's table `tableId` as a packet of `selfCheckPort`, came back and was decided.
 */
export interface Lease {
  readonly rows: readonly Flow[]
  readonly probe: { readonly tableId: number; readonly frame: Buffer }
}

/**
 * The port that the host's own probes come from. Its key is reserved (Dragonflow counts keys up from 1), and it has no
 * topic: it neither asks nor is found.
 */
export const selfCheckPort: LocalPort = {
  id: 'self-check',
  key: 0xffff_ffff,
  topic: '',
  networkId: '',
  name: 'self-check',
  dnsName: undefined,
  macs: [],
  addresses: [],
  allowedAddressPairs: [],
  isPortSecurityEnabled: false,
  isEnabled: true,
  deviceOwner: '',
  chassis: undefined,
  vtepAddress: undefined,
  securityGroups: [],
  dhcp: undefined,
  ofport: 0,
}
