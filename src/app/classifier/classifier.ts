/**
 * The classifier application: ties OpenFlow ports to logical ports at both ends of the pipeline. It knows neither
 * addresses nor what happens in between (docs/pipeline.md, tables 0 and 115).
 */

import { type Flow, output, setField } from '../../openflow/index.ts'
import { type Application, flowsIn, type Part, type Unit } from '../app.ts'
import { createMemo, type Memo, partOf } from '../memo.ts'
import { flow, goto } from '../pipeline.ts'
import type { LocalPort, View } from '../view.ts'

const options = {}

/** The application `classifier`. */
export const classifier: Application<typeof options> = {
  name: 'classifier',
  section: 'df_classifier_app',
  options,
  factory: () => {
    const memo = createMemo<Unit>()
    return {
      name: 'classifier',
      onFailure: 'drop',
      units: (view) => units(view, memo),
      flows: (view) => flowsIn(units(view, memo)),
    }
  },
}

const priority = { port: 100 }

/** What a port's flows are made of. */
interface Ends {
  readonly key: number
  readonly ofport: number
  readonly networkKey: number
}

function* units(view: View, memo: Memo<Unit>): Iterable<Unit> {
  for (const port of view.localPorts) {
    const network = view.networks.get(port.networkId)
    if (network !== undefined) yield memo(port, `${network.key}`, () => [bothEnds(port, network.key)])
  }
}

const bothEnds = ({ key, ofport }: LocalPort, networkKey: number): Part =>
  partOf({ key, ofport, networkKey }, flowsOf)

function* flowsOf({ key, ofport, networkKey }: Ends): Iterable<Flow> {
  // in_port stays as it is: the switch queues packet-ins by it, and never outputs to it.
  const identity = [setField({ reg6: key }), setField({ metadata: BigInt(networkKey) })]
  yield flow('classify', priority.port, { inPort: ofport }, [...identity, goto('portsec')])
  yield flow('dispatch', priority.port, { reg7: key }, [output(ofport)])
}
