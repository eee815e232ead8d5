/**
 * The classifier application: ties OpenFlow ports to logical ports at both ends of the pipeline. It knows neither
 * addresses nor what happens in between (docs/pipeline.md, tables 0 and 115).
 */

import { output, setField } from '../../openflow/index.ts'
import type { Application } from '../app.ts'
import { flow, goto } from '../pipeline.ts'
import type { View } from '../view.ts'

const options = {}

/** The application `classifier`. */
export const classifier: Application<typeof options> = {
  name: 'classifier',
  section: 'df_classifier_app',
  options,
  factory: () => ({ name: 'classifier', onFailure: 'drop', flows }),
}

const priority = { port: 100 }

function* flows(view: View) {
  for (const { key, ofport, networkId } of view.localPorts) {
    const network = view.networks.get(networkId)
    if (network === undefined) continue
    // in_port stays as it is: the switch queues packet-ins by it, and never outputs to it.
    const identity = [setField({ reg6: key }), setField({ metadata: BigInt(network.key) })]
    yield flow('classify', priority.port, { inPort: ofport }, [...identity, goto('portsec')])
    yield flow('dispatch', priority.port, { reg7: key }, [output(ofport)])
  }
}
