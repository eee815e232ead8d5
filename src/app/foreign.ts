/**
 * The contract between the controller and an application from outside (docs/writing-an-app.md): that of `app.ts`, without
 * what the host sees to itself. It is what a file or package that `apps_list` names exports as `application`.
 */

import type { OptionTable, OptionValues } from '../config/index.ts'
import type { Flow, Match } from '../openflow/index.ts'
import type { App, AppHost } from './app.ts'
import type { ForeignTable } from './extension.ts'
import type { ForeignStep } from './extension-flow.ts'

/** An application from outside, as it declares itself. */
export interface ForeignApplication<Options extends OptionTable = OptionTable> {
  /** Lower case letters, digits and `_`; its options stand in the section `[df_<name>_app]`. */
  readonly name: string
  /** Its own tables, in the order in which its packets meet them. */
  readonly tables: Readonly<Record<string, ForeignTable>>
  readonly options: Options
  /** Runs once, within 5 s. What it throws ends the start with one line. */
  factory(options: OptionValues<Options>, host: ForeignHost): ForeignApp
}

/** What the controller lends to an application from outside. */
export interface ForeignHost extends AppHost {
  /**
   * Makes a flow in one of the application's tables (priority 1 and up; whatever matches nothing goes on) or in an
   * extension point (`services`, `ingressConntrack`: priority 10 to 89). Throws with the reason and the flow's text.
   */
  flow(table: string, priority: number, match: Match, steps: readonly ForeignStep[]): Flow
}

/** A loaded application from outside. `flows` has 1 s for a view, `packetIn` 100 ms for a packet. */
export type ForeignApp = Pick<App, 'flows' | 'packetIn' | 'onFailure'>
