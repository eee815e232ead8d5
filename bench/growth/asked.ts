/**
 * A process of `npm run bench:growth`: a controller's listener over a cloud of one size in memory. It is told its size by
 * its arguments; writes queries for names from all over the cloud into a file, and tells its parent how long the cloud
 * took and, when asked, how much CPU it has used and how much memory it has.
 */

import { writeFileSync } from 'node:fs'
import { collectGarbage, growSlowly, stayAsSmall } from '../../src/heap.ts'
import { listen } from '../../src/openflow/index.ts'
import { connectedSession, createLane, handlersOf } from '../micro/lane.ts'

/** What the parent is told. */
export interface Said {
  readonly builtMs: number
  readonly cpuUs: number
  readonly rssMb: number
}

const queryCount = 25_600
const [names = 0, networks = 1, localPorts = 1] = process.argv.slice(4).map(Number)
const [path, file] = process.argv.slice(2) as [string, string]

// As the controller does it (src/local-controller.ts): otherwise what is measured is garbage. The first query has the names made.
growSlowly()
const startedAt = performance.now()
const lane = createLane({ tenants: 10, networks, ports: names, localPorts })
connectedSession(lane).receive(lane.packetIn(lane.localPorts[0]!, 0, 0))
const builtMs = performance.now() - startedAt
await collectGarbage()
stayAsSmall()

let seed = 1
/** Even over its range, and the same in every run. */
function random(limit: number): number {
  seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
  return Math.floor((seed / 2 ** 32) * limit)
}
const queries = Array.from({ length: queryCount }, (_, i) => {
  const port = lane.localPorts[random(localPorts)]!
  return lane.packetIn(port, random(names / networks), i & 0x3fff)
})
writeFileSync(file, Buffer.concat(queries))
// The fake switch answers no echo, and waits for its turn.
await listen(`unix:${path}`, handlersOf(lane), { inactivityProbeMs: 3_600_000 })

const say = () => {
  const { user, system } = process.cpuUsage()
  const said: Said = { builtMs, cpuUs: user + system, rssMb: process.memoryUsage().rss / 2 ** 20 }
  process.send!(said)
}
process.on('message', say)
process.on('disconnect', () => process.exit())
say()
