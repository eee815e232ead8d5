/**
 * The application tunneling: networks of type `geneve`, `vxlan` and `gre`, whose ports on other nodes are reached by way of
 * flow-based tunnel ports (docs/pipeline.md, tables 0, 3 and 75; decision 0006). It knows the tunnel ports as
 * `view.tunnels` gives them, and not how they came to be.
 */

import { ConfigError } from '../../errors.ts'
import type { Logger } from '../../log.ts'
import type { Flow } from '../../openflow/index.ts'
import type { Application } from '../app.ts'
import { createCells, createMemo, type Memo } from '../memo.ts'
import { createSegments, type Segment } from '../segments.ts'
import type { View } from '../view.ts'
import { entry, mostCopies, sender, toMany, toPort } from './flows.ts'
import { type Here, type Obstacle, reachOf, remotePortsOf } from './reach.ts'
import { createWires, type Wire } from './wires.ts'

const options = {}

/** The application `tunneling`. Its factory throws `ConfigError` if the node has no address for tunnels. */
export const tunneling: Application<typeof options> = {
  name: 'tunneling',
  section: 'df_tunneling_app',
  options,
  factory: (_, { common: { localIp, tunnelTypes: types }, log, metrics }) => {
    if (localIp === '')
      throw new ConfigError(
        '[df] local_ip is empty: the application tunneling needs the address at which other nodes reach this one',
      )
    const segmentsAt = createSegments()
    const wiresOf = createWires()
    const cells = createCells<Part>()
    const memo = createMemo<readonly Flow[]>()
    const senders = new Map<string, readonly Flow[]>()
    const notice = createNotice(log)
    let unreached: Readonly<Record<string, number>> = {}
    metrics.readings(
      'df_tunneling_unreached_ports',
      'Ports of other nodes that tunnels do not reach, by reason',
      'reason',
      () => unreached,
    )

    function* units(view: View): Iterable<readonly Flow[]> {
      const wireOf = wiresOf(view.networks)
      const cell = cells()
      const parts = segmentsAt(view).map((segment) => {
        const wire = wireOf(segment.network)
        const ofport = wire.kind === 'carried' ? view.tunnels.get(wire.type) : undefined
        const why = wire.kind === 'refused' ? wire.why : wire.kind
        return cell(segment.network.id, [segment, view.chassis, view.host, why, ofport], () =>
          partOf(segment, wire, ofport, { ...view, localIp }, memo),
        )
      })
      unreached = counted(parts)
      notice(unreached)
      for (const address of new Set(parts.flatMap(({ addresses }) => addresses))) {
        const known = senders.get(address) ?? [sender(address)]
        senders.set(address, known)
        yield known
      }
      for (const part of parts) yield* part.units
    }
    return {
      name: 'tunneling',
      onFailure: 'drop',
      units,
      flows: (view) => [...units(view)].flat(),
      tunnels: { types, localIp },
    }
  },
}

/** What comes of one network. */
interface Part {
  readonly units: readonly (readonly Flow[])[]
  /** Where its ports on other nodes are. */
  readonly addresses: readonly string[]
  readonly obstacles: readonly Obstacle[]
}

const nothing: Part = { units: [], addresses: [], obstacles: [] }

function partOf(
  segment: Segment,
  wire: Wire,
  ofport: number | undefined,
  here: Here,
  memo: Memo<readonly Flow[]>,
): Part {
  const { network, localPorts } = segment
  if (wire.kind === 'other') return nothing
  const remote = remotePortsOf(segment, here)
  if (wire.kind === 'refused') return { ...nothing, obstacles: remote.map(() => wire.why) }
  if (ofport === undefined) return { ...nothing, obstacles: remote.map(() => 'noTunnelPort') }
  const carrier = { network, ofport, id: wire.id }
  const { reached, obstacles } = reachOf(remote, wire.type, here)
  const addresses = [...new Set(reached.map(({ address }) => address))].sort()
  const ofPorts = reached.map((one) =>
    memo(one.port, `${one.address} ${ofport} ${wire.id}`, () => [toPort(one, carrier)]),
  )
  const many = addresses.length === 0 ? [] : [toMany(addresses.slice(0, mostCopies), carrier)]
  const ofNetwork = localPorts.length === 0 ? [] : [entry(carrier), ...many]
  return { units: [ofNetwork, ...ofPorts], addresses, obstacles }
}

/** How many ports each reason keeps from being reached. */
function counted(parts: readonly Part[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const why of parts.flatMap(({ obstacles }) => obstacles)) counts[why] = (counts[why] ?? 0) + 1
  return counts
}

/** Tells people when there is a reason that there was not before. */
function createNotice(log: Logger): (unreached: Readonly<Record<string, number>>) => void {
  let known: readonly string[] = []
  return (unreached) => {
    const reasons = Object.keys(unreached)
    if (reasons.some((reason) => !known.includes(reason)))
      log.warn({ unreached }, 'ports of other nodes are not reached; df-db check tells which rows are wrong')
    known = reasons
  }
}
