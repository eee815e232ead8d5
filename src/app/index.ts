/**
 * The applications, in the order in which their flows are made; the order of `apps_list` does not matter. It knows their
 * names and nothing of what they do. docs/applications.md says why a name stands in which list.
 */

import type { Application } from './app.ts'
import { classifier } from './classifier/classifier.ts'
import { dhcp } from './dhcp/dhcp.ts'
import { dns } from './dns/dns.ts'
import { l2 } from './l2/l2.ts'
import { l3 } from './l3/l3.ts'
import { portsec } from './portsec/portsec.ts'
import { provider } from './provider/provider.ts'
import { sg } from './sg/sg.ts'
import { snat } from './snat/snat.ts'
import { tunneling } from './tunneling/tunneling.ts'

/** Every application there is. */
export const applications: readonly Application[] = [
  classifier,
  portsec,
  l2,
  provider,
  tunneling,
  sg,
  l3,
  snat,
  dhcp,
  dns,
]

/** Names that are accepted and need no application: the controller does their work. */
export const builtIn: readonly string[] = ['portbinding']

// biome-ignore format: a list of words
/** Names of Dragonflow's applications that are not ported; they are left out with a warning. */
export const notPorted: readonly string[] = [
  'active_port_detection', 'aging', 'dnat', 'fc', 'l3_reactive', 'legacy_snat',
  'log', 'metadata_service', 'migration', 'portqos', 'sfc', 'trunk',
]
