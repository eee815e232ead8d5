/** Applications for tests of the host. */

import type { App, Punt, Verdict } from '../../src/app/app.ts'
import type { LocalPort, View } from '../../src/app/view.ts'
import type { Flow } from '../../src/openflow/index.ts'

/** An application of that name; by default it wants nothing and passes every packet. */
export function appOf(name: string, rest: Partial<App> = {}): App {
  return { name, onFailure: 'pass', flows: () => [], ...rest }
}

/** A frame of a port, that stands among bytes of others as in what a switch sends. */
export function puntOf(port: LocalPort, frame: Buffer, rest: Partial<Punt> = {}): Punt {
  const others = Buffer.alloc(7, 0xee)
  const bytes = Buffer.concat([others, frame, others])
  return { port, bytes, start: 7, end: 7 + frame.length, frame, atMs: 0, ...rest }
}

/** An application that decides packets. */
export function deciderOf(
  name: string,
  packetIn: (punt: Punt, view: View) => Verdict,
  rest: Partial<App> = {},
): App {
  return appOf(name, { packetIn, ...rest })
}

/** A flow without a match field that needs another one. */
export function flowOf(
  tableId: number,
  priority: number,
  match: Flow['match'] = {},
  gotoTable?: number,
): Flow {
  const instructions = gotoTable === undefined ? [] : [{ kind: 'gotoTable' as const, tableId: gotoTable }]
  return { tableId, priority, match, instructions }
}
