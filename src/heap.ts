/** How much memory V8 takes for its heap; of a process that lives for months, most of it after a start that makes much. */

import { Session } from 'node:inspector'
import { setFlagsFromString } from 'node:v8'

/**
 * Lets the heap grow by a quarter at most between collections, in place of the double, and keeps the room for new objects
 * small: 253 MB in place of 310 at 100,000 ports, together with the collection below, and no slower. That room is
 * collected by one thread: so little lives in it that waking others costs more. Code is optimized when it has run 24 times
 * as much as V8 would have it: what only a start runs mostly is not, and what packets run is after some seconds of load.
 */
export function growSlowly(): void {
  setFlagsFromString('--heap-growing-percent=25')
  setFlagsFromString('--semi-space-growth-factor=1')
  setFlagsFromString('--no-parallel-scavenge')
  setFlagsFromString('--interrupt-budget=3000000')
}

/**
 * From now on lets the heap grow by a tenth at most, or 2 MB in place of V8's 8, so that no more of it is dead. To be called
 * when the process has what it will keep.
 */
export function stayAsSmall(): void {
  setFlagsFromString('--heap-growing-percent=10')
  setFlagsFromString('--optimize-for-size')
}

/** However long it takes, the controller must go on. */
const patienceMs = 10_000

/**
 * Collects all garbage and gives the pages back, those of the room for new objects too: some 12 ms for every 10 MB that are
 * in use, in which nothing else runs. `gc` of `--expose-gc` leaves a tenth of the heap empty and that room as large as it
 * was; what a debugger asks for is V8's own answer to a lack of memory.
 */
export function collectGarbage(): Promise<void> {
  const session = new Session()
  session.connect()
  return new Promise((resolve) => {
    const end = () => {
      session.disconnect()
      resolve()
    }
    // The timer holds the session, too, which would be garbage otherwise.
    const waiting = setTimeout(end, patienceMs)
    session.post('HeapProfiler.collectGarbage', () => {
      clearTimeout(waiting)
      setImmediate(end) // a session that ends inside its own answer hangs (Node 20.20)
    })
  })
}
