/** The option `bridge_mappings` (dragonflow.md has it as `[df_provider_networks]`): pairs of a physical network and a bridge. */

import { ConfigError } from '../../errors.ts'

/** The bridge that leads to each physical network. Throws `ConfigError` for a bad pair or a name that stands twice. */
export function bridgesOf(mappings: readonly string[]): ReadonlyMap<string, string> {
  const bridges = new Map<string, string>()
  for (const mapping of mappings) {
    const [network, bridge, ...rest] = mapping.split(':').map((part) => part.trim())
    if (!network || !bridge || rest.length > 0)
      throw bad(mapping, 'is not <physical network>:<bridge>; write, for example, physnet1:br-ex')
    if (bridges.has(network)) throw bad(mapping, `names ${network} a second time; keep one of the two`)
    if ([...bridges.values()].includes(bridge))
      throw bad(mapping, `names ${bridge} a second time; give each physical network a bridge of its own`)
    bridges.set(network, bridge)
  }
  return bridges
}

const bad = (mapping: string, why: string) =>
  new ConfigError(`[df_provider_networks] bridge_mappings: '${mapping}' ${why}`)
