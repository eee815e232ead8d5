/**
 * The DNS part of the pipeline (docs/pipeline.md): which UDP packets to port 53 are punted, of whom, and the group that
 * lets them pass when nobody is there to decide. Everything is keyed by the network's or the asker's register, so that
 * no tenant's rows touch another's packets. It knows which ports own names, not which names, and of destinations only
 * what intercept.ts says.
 */

import { controller, ethTypes, type Flow, type Group, ports } from '../../openflow/index.ts'
import { selfCheckPort, type Unit } from '../app.ts'
import { createParts, partOf } from '../memo.ts'
import { flow, goto, group, groups, through, toGroup } from '../pipeline.ts'
import { destination } from '../reach.ts'
import type { LocalPort, View } from '../view.ts'
import { createInterceptions, type Intercept, type Interception, linkLocal } from './intercept.ts'

/** The userdata by which the host finds the application of a punt. */
export const userdata = 'dns'

const udp = 17
const domainPort = 53
const wholePacket = 0xffff

const priorities = { probe: 300, exception: 200, row: 100, miss: 1 } as const

/** The rows of the lease: queries leave the usual path, as far as they are whole, untagged and for one host. */
export function leaseRows(): Flow[] {
  const unicast = { value: '00:00:00:00:00:00', mask: '01:00:00:00:00:00' }
  return [ethTypes.ipv4, ethTypes.ipv6].map((ethType) => {
    const match = { ethDst: unicast, ethType, vlanTci: 0, ipProto: udp, ipFrag: 0, udpDst: domainPort }
    return flow('services', priorities.row, match, [goto('dns')])
  })
}

/** The flows of a view for its askers, in units that stay the same while nothing in them changes. */
export type AskersFlows = (view: View, askers: readonly LocalPort[]) => Iterable<Unit>

/** Makes the function that gives the flows for these askers, the local ports that own names. */
export function createFlows(intercept: Intercept): AskersFlows {
  const interceptions = createInterceptions(intercept)
  const ofNetworks = createParts()
  const ofAskers = createParts()
  const rows = commonRows(intercept)
  return function* (view, askers) {
    yield rows.first
    yield ofNetworks(interceptions(view, askers).map((each) => partOf(each, undefined, networkFlows)))
    yield rows.between
    yield ofAskers([...askers, selfCheckPort].map((asker) => partOf(asker, undefined, askerFlows)))
    yield rows.last
  }
}

/**
 * What all networks and askers share, by where it stands among their rows. The probe has a row before all others: it must
 * come up in every mode, whatever destinations are intercepted.
 */
function commonRows(intercept: Intercept) {
  const punt = controller({ maxLen: wholePacket, userdata: Buffer.from(userdata), pause: true })
  const rest = intercept === 'external' ? 'dnsPorts' : 'lookup'
  return {
    first: [
      flow('dns', priorities.probe, { reg6: selfCheckPort.key }, [goto('dnsPorts')]),
      flow('dns', priorities.row, destination(linkLocal), [goto('lookup')]),
    ],
    between: [flow('dns', priorities.miss, {}, [goto(rest)])],
    last: [
      flow('dnsPorts', priorities.miss, {}, [goto('lookup')]),
      flow('dnsPunt', priorities.miss, {}, [punt, through('lookup')]),
    ],
  }
}

function* askerFlows({ key }: LocalPort): Iterable<Flow> {
  yield flow('dnsPorts', priorities.row, { reg6: key }, [toGroup('dnsLive')])
}

/** The row by which an overloaded port's queries go on without being punted. */
export const bypassRow = ({ key }: LocalPort): Flow =>
  flow('dnsPorts', priorities.exception, { reg6: key }, [goto('lookup')])

/**
 * The dead-man's switch: the first bucket is alive while a controller is connected, the second always, because the group
 * it watches has no liveness of its own. Buckets are action sets, hence one resubmit each and the punt in a table.
 */
export function* groupsOfDns(): Iterable<Group> {
  yield group('dnsAlways', { type: 'indirect', buckets: [{ actions: [] }] })
  yield group('dnsLive', {
    type: 'fastFailover',
    buckets: [
      { watchPort: ports.controller, actions: [through('dnsPunt')] },
      { watchGroup: groups.dnsAlways.id, actions: [through('lookup')] },
    ],
  })
}

function* networkFlows({ network, asked, exempt }: Interception): Iterable<Flow> {
  const metadata = BigInt(network.key)
  for (const reach of asked)
    yield flow('dns', priorities.exception, { metadata, ...destination(reach) }, [goto('dnsPorts')])
  for (const reach of exempt)
    yield flow('dns', priorities.row, { metadata, ...destination(reach) }, [goto('lookup')])
}
