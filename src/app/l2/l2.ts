/**
 * The application l2: switching inside one network, by the MAC addresses of the northbound rows and never by learning,
 * and the answers to ARP and neighbour discovery that the switch gives itself. It also holds the rows that lead a packet
 * past services and security groups that are not there (docs/pipeline.md, tables 10 to 105).
 */

import { option } from '../../config/index.ts'
import { type Action, ethTypes, type Flow, setField } from '../../openflow/index.ts'
import { type Application, flowsIn, type Unit } from '../app.ts'
import { createCells, createParts, keptParts, type Parts, partOf } from '../memo.ts'
import { flow, goto, through } from '../pipeline.ts'
import { createSegments, type Segment } from '../segments.ts'
import type { LocalPort, Port, View } from '../view.ts'
import { macsAt, type Place, placeOf, placesIn, type Words } from './places.ts'
import { answersFor, ownQuestionsOf, staticResponders } from './responders.ts'

const options = {
  l2_responder: option.boolean(true, 'Answer ARP requests and neighbour solicitations in the switch.'),
}

/** The application `l2`. */
export const l2: Application<typeof options> = {
  name: 'l2',
  section: 'df_l2_app',
  options,
  factory: ({ l2_responder: isResponding }) => {
    const common = [...defaults(), ...(isResponding ? staticResponders() : [])]
    const ofPorts = createParts()
    const ofSegments = createCells<Parts>()
    const arrivingAt = createCells<Parts>()
    const segmentsAt = createSegments()
    function* portFlows(port: LocalPort): Iterable<Flow> {
      yield egressOf(port)
      if (isResponding) yield* ownQuestionsOf(port)
    }
    function* placeFlows(port: Port, words: Words): Iterable<Flow> {
      const place = placeOf(port, words)
      yield* deliveryTo(place)
      if (isResponding) yield* answersFor(place)
    }
    const partsIn = (segment: Segment) => [
      ...placesIn(segment).map(([port, words]) => partOf(port, words, placeFlows)),
      partOf(segment, undefined, flooding),
    ]
    function* units(view: View): Iterable<Unit> {
      yield common
      yield ofPorts(view.localPorts.map((port) => partOf(port, undefined, portFlows)))
      const [ofSegment, arriving] = [ofSegments(), arrivingAt()]
      for (const segment of segmentsAt(view).filter(({ localPorts }) => localPorts.length > 0)) {
        const { id } = segment.network
        yield ofSegment(id, [segment], (before = []) => keptParts(before, partsIn(segment)))
        if (isTunnelled(segment, view))
          yield arriving(id, [segment], (before = []) => keptParts(before, arrivalsIn(segment)))
      }
    }
    return { name: 'l2', onFailure: 'drop', units, flows: (view) => flowsIn(units(view)) }
  },
}

const priority = { arrived: 200, known: 100, miss: 1 }

const egressOf = ({ key }: LocalPort) =>
  flow('egress', priority.known, { reg7: key }, [goto('ingressConntrack')])

/** Where a packet goes that nobody asked for. */
function* defaults(): Iterable<Flow> {
  yield flow('egressConntrack', priority.miss, {}, [goto('services')])
  yield flow('services', priority.miss, {}, [goto('lookup')])
  yield flow('services', priority.known, { ethType: ethTypes.arp }, [goto('arp')])
  yield flow('services', priority.known, { ethType: ethTypes.ipv6, ipProto: 58 }, [goto('nd')])
  yield flow('arp', priority.miss, {}, [goto('lookup')])
  yield flow('nd', priority.miss, {}, [goto('lookup')])
  yield flow('ingressConntrack', priority.miss, {}, [goto('dispatch')])
}

function* deliveryTo(place: Place): Iterable<Flow> {
  const metadata = BigInt(place.networkKey)
  const steps = [setField({ reg7: place.port.key }), goto('egress')]
  for (const mac of macsAt(place)) yield flow('lookup', priority.known, { metadata, ethDst: mac }, steps)
}

function* flooding({ network, localPorts }: Segment): Iterable<Flow> {
  const metadata = BigInt(network.key)
  yield flow('lookup', priority.known, { metadata, ethDst: many }, [
    ...localPorts.flatMap(copyTo),
    ...copyTo({ key: 0 }),
  ])
}

/** Whether packets of the network may come out of a tunnel. */
const isTunnelled = ({ network }: Segment, { tunnels }: View) => tunnels.has(network.networkType ?? '')

/** What came out of a tunnel goes to ports of this node, and nowhere else. */
function arrivalsIn(segment: Segment): Parts {
  const localKeys = new Set(segment.localPorts.map(({ key }) => key))
  const places = placesIn(segment).filter(([{ key }]) => localKeys.has(key))
  return [
    ...places.map(([port, words]) => partOf(port, words, arrivalAt)),
    partOf(segment, undefined, arrivingFlood),
  ]
}

function* arrivalAt(port: Port, words: Words): Iterable<Flow> {
  const place = placeOf(port, words)
  const metadata = BigInt(place.networkKey)
  const steps = [setField({ reg7: place.port.key }), goto('ingressConntrack')]
  for (const mac of macsAt(place))
    yield flow('ingressLookup', priority.arrived, { metadata, ethDst: mac }, steps)
}

function* arrivingFlood({ network, localPorts }: Segment): Iterable<Flow> {
  const metadata = BigInt(network.key)
  const copies = localPorts.flatMap(({ key }) => [setField({ reg7: key }), through('ingressConntrack')])
  yield flow('ingressLookup', priority.arrived, { metadata, ethDst: many }, copies)
}

const many = { value: '01:00:00:00:00:00', mask: '01:00:00:00:00:00' }

/** A copy to that port; the switch gives none to the port that the packet came in by. 0 is whatever is outside. */
const copyTo = ({ key }: Pick<LocalPort, 'key'>): Action[] => [setField({ reg7: key }), through('egress')]
