/**
 * The classifier application: ties OpenFlow ports to logical ports at both ends of the pipeline. It knows neither
 * addresses nor what happens in between (docs/pipeline.md, tables 0 and 115).
 */

import { type Flow, output, setField } from '../../openflow/index.ts'
import { type Application, flowsIn, type Unit } from '../app.ts'
import { createParts, partOf } from '../memo.ts'
import { flow, goto } from '../pipeline.ts'
import type { LocalPort, View } from '../view.ts'

const options = {}

/** The application `classifier`. */
export const classifier: Application<typeof options> = {
  name: 'classifier',
  section: 'df_classifier_app',
  options,
  factory: () => {
    const parts = createParts()
    const units = ({ localPorts, networks }: View): Unit[] => [
      parts(
        localPorts.flatMap((port) => {
          const network = networks.get(port.networkId)
          return network === undefined ? [] : [partOf(port, network.key, bothEnds)]
        }),
      ),
    ]
    return { name: 'classifier', onFailure: 'drop', units, flows: (view) => flowsIn(units(view)) }
  },
}

const priority = { port: 100 }

function* bothEnds({ key, ofport }: LocalPort, networkKey: number): Iterable<Flow> {
  // in_port stays as it is: the switch queues packet-ins by it, and never outputs to it.
  const identity = [setField({ reg6: key }), setField({ metadata: BigInt(networkKey) })]
  yield flow('classify', priority.port, { inPort: ofport }, [...identity, goto('portsec')])
  yield flow('dispatch', priority.port, { reg7: key }, [output(ofport)])
}
