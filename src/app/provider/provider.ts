/**
 * The application provider: networks of type `flat` and `vlan`, which go on behind a bridge of the node that is patched
 * to the integration bridge (docs/pipeline.md, tables 0, 2, 55, 75 and 80). It knows the patch port as `view.uplinks`
 * gives it, and not how it came to be.
 */

import { fixed, option } from '../../config/index.ts'
import {
  type Action,
  ethTypes,
  type Flow,
  type Match,
  output,
  popVlan,
  pushVlan,
  setField,
} from '../../openflow/index.ts'
import { type Application, flowsIn, type Unit } from '../app.ts'
import { createOwners, type Owners } from '../claims.ts'
import { createParts, type Parts, partOf } from '../memo.ts'
import { flow, goto } from '../pipeline.ts'
import { createReachedNetworks } from '../segments.ts'
import type { Network, View } from '../view.ts'
import { bridgesOf } from './bridges.ts'

const options = {
  bridge_mappings: fixed(
    option.list([], 'Physical networks and the bridges that lead to them: physnet1:br-ex,physnet2:br-lab.'),
  ),
}

/** The application `provider`. Its factory throws `ConfigError` for a mapping that is none. */
export const provider: Application<typeof options> = {
  name: 'provider',
  section: 'df_provider_networks',
  options,
  factory: ({ bridge_mappings }) => {
    const common = [flow('externalIngress', priority.miss, {}, [goto('lookup')])]
    const parts = createParts()
    const reachedIn = createReachedNetworks()
    const ownersIn = createOwners(wireOf)
    function* units(view: View): Iterable<Unit> {
      yield common
      yield parts(attachmentsOf(view, reachedIn(view), ownersIn(view.networks)))
    }
    return {
      name: 'provider',
      onFailure: 'drop',
      units,
      flows: (view) => flowsIn(units(view)),
      bridges: bridgesOf(bridge_mappings),
    }
  },
}

// biome-ignore format: columns
const priority = {
  uplink:   50, // classify: from outside
  unknown:  50, // lookup: behind l2's rows for the MAC addresses it knows
  outside:  50, // egress: behind l2's rows for local ports
  returned: 51, // egress: what came from outside does not go back there
  wire:    100, // egressExternal
  miss:      1,
}

const untagged: Match = { vlanTci: { value: 0, mask: 0x1000 } }
/** The bit of a VLAN id in OpenFlow that says "there is a tag" (OF 1.3.5 §7.2.3.7, OFPVID_PRESENT). */
const present = 0x1000

/** A network with ports here, which leaves the node by that patch port; into the others packets are only routed. */
function* attached(network: Network, ofport: number): Iterable<Flow> {
  yield* entering(network, ofport)
  yield* leaving(network, ofport)
}

function* entering(network: Network, ofport: number): Iterable<Flow> {
  const vlanId = vlanIdOf(network)
  const metadata = BigInt(network.key)
  const here = setField({ metadata })
  yield vlanId === undefined
    ? flow('classify', priority.uplink, { inPort: ofport, ...untagged }, [here, goto('externalIngress')])
    : flow('classify', priority.uplink, { inPort: ofport, vlanVid: present | vlanId }, [
        here,
        popVlan(),
        goto('externalIngress'),
      ])

  const unicast = { value: '00:00:00:00:00:00', mask: '01:00:00:00:00:00' }
  yield flow('lookup', priority.unknown, { metadata, ethDst: unicast }, [goto('egress')])
  yield flow('egress', priority.returned, { metadata, reg6: 0 }, [])
}

function* leaving(network: Network, ofport: number): Iterable<Flow> {
  const vlanId = vlanIdOf(network)
  const metadata = BigInt(network.key)
  const tag: Action[] =
    vlanId === undefined ? [] : [pushVlan(ethTypes.vlan), setField({ vlanVid: present | vlanId })]
  // A frame that carries a tag already stays here: outside, the tag would name somebody else's network.
  yield flow('egress', priority.outside, { metadata, ...untagged }, [...tag, goto('egressExternal')])
  yield flow('egressExternal', priority.wire, { metadata }, [output(ofport)])
}

/** The networks in reach that have a wire of their own and an uplink to it, in order of their keys. */
function attachmentsOf(view: View, networks: readonly Network[], owners: Owners): Parts {
  const inUse = new Set(view.localPorts.map((port) => port.networkId))
  return networks.flatMap((network) => {
    const ofport = view.uplinks.get(network.physicalNetwork ?? '')
    const wire = wireOf(network)
    if (ofport === undefined || wire === undefined || owners.get(wire) !== network) return []
    return [partOf(network, ofport, inUse.has(network.id) ? attached : leaving)]
  })
}

/** The physical network and what tells the network's packets apart there; undefined if it claims none. */
function wireOf(network: Network): string | undefined {
  const { physicalNetwork, networkType } = network
  const vlanId = vlanIdOf(network)
  if (physicalNetwork === undefined || (networkType !== 'flat' && vlanId === undefined)) return undefined
  return `${vlanId ?? 'untagged'} ${physicalNetwork}`
}

function vlanIdOf({ networkType, segmentationId: id }: Network): number | undefined {
  return networkType === 'vlan' && id !== undefined && id >= 1 && id <= 4094 ? id : undefined
}
