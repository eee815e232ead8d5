/** The plan of a compute node: its switch's bridges, its links to other nodes and outside, and its controller's df.conf. */

import { join } from 'node:path'
import { deviceOf } from './ids.ts'
import { isTunnelled, type LabFile } from './lab-file.ts'
import type { EtcdPlan, ExternalPlan, NodePlan, UnderlayPlan } from './plan-parts.ts'

/** What a node is planned with. */
export interface NodeSite {
  readonly directory: string
  readonly etcd: EtcdPlan | undefined
  /** The namespace that belongs to a key. */
  readonly namespaceOf: (key: string) => string
}

/** Plans the compute nodes. */
export function nodePlans(lab: LabFile, site: NodeSite): NodePlan[] {
  return lab.nodes.map((key, index) => nodePlan(key, index + 1, lab, site))
}

/** Where the northbound rows are, as the options of `[df]` say it. */
export function northboundOf({ directory, etcd }: Pick<NodeSite, 'directory' | 'etcd'>) {
  const nb_path = join(directory, 'nb')
  if (etcd === undefined) return { nb_db_class: 'file_nb_db_driver', nb_path }
  const remote_db_hosts = [`unix:${join(etcd.directory, 'client:0')}`]
  return { nb_db_class: 'etcd_nb_db_driver', nb_path, remote_db_hosts }
}

/** `br-ex` for the first physical network, `br-ex-2` for the second, and so on. */
export function bridgesOf({ networks }: LabFile): Record<string, string> {
  const named = Object.values(networks).flatMap(({ physical_network }) => physical_network ?? [])
  const bridges = [...new Set(named)].map((name, index) => [
    name,
    index === 0 ? 'br-ex' : `br-ex-${index + 1}`,
  ])
  return Object.fromEntries(bridges)
}

/** The kinds of tunnel that nodes with an underlay have. */
export const tunnelTypes = ['geneve', 'vxlan']

function nodePlan(key: string, number: number, lab: LabFile, site: NodeSite): NodePlan {
  const directory = join(site.directory, key)
  const ip = `192.0.2.${number}`
  const parts = {
    key,
    namespace: site.namespaceOf(key),
    directory,
    switchDirectory: join(directory, 'ovs'),
    runDir: join(directory, 'run'),
    integrationBridge: 'br-int',
    bridges: bridgesOf(lab),
    ip,
    underlay: underlayPlan(key, ip, lab, site),
    external: externalPlan(key, number, lab),
  }
  return { ...parts, config: withOptions(derivedConfig(parts, site), lab.options) }
}

function underlayPlan(key: string, ip: string, lab: LabFile, site: NodeSite): UnderlayPlan | undefined {
  if (!Object.values(lab.networks).some(({ type }) => isTunnelled(type))) return undefined
  return {
    namespace: site.namespaceOf('underlay'),
    bridge: 'br-phy',
    device: deviceOf('ul', 'underlay', key),
    address: `${ip}/24`,
  }
}

function externalPlan(key: string, number: number, { outside }: LabFile): ExternalPlan | undefined {
  const hostIps = outside?.external_host_ips[key]
  if (hostIps === undefined) return undefined
  const { subnets } = outside!
  return { bridge: 'br-ext', hostIps, kernelAddress: `169.254.0.${number}/32`, subnets }
}

type Config = Record<string, Record<string, string>>

/** The options that follow from the plan. */
function derivedConfig(node: Omit<NodePlan, 'config'>, site: NodeSite): Config {
  const { key, runDir, integrationBridge, switchDirectory, bridges, ip, underlay, external } = node
  const northbound = Object.entries(northboundOf(site)).map(([name, value]) => [name, String(value)])
  return {
    DEFAULT: { host: key, run_dir: runDir },
    df: {
      ...Object.fromEntries(northbound),
      integration_bridge: integrationBridge,
      ovsdb_connection: `unix:${join(switchDirectory, 'db.sock')}`,
      metrics_listen: '127.0.0.1:9476',
      ...(underlay && { local_ip: ip, tunnel_types: tunnelTypes.join(',') }),
      ...(external && { external_host_ip: external.hostIps[0]! }),
    },
    df_openflow: { listen: `unix:${join(switchDirectory, `${integrationBridge}.controller`)}` },
    df_provider_networks: {
      bridge_mappings: Object.entries(bridges)
        .map(([physical, bridge]) => `${physical}:${bridge}`)
        .join(','),
    },
    ...(external && { df_snat_app: snatOptions(external) }),
  }
}

function snatOptions({ bridge, hostIps: [, ipv6] }: ExternalPlan) {
  return { external_network_bridge: bridge, ...(ipv6 !== undefined && { external_host_ip6: ipv6 }) }
}

function withOptions(derived: Config, options: LabFile['options']): Config {
  const config = { ...derived }
  for (const [section, added] of Object.entries(options))
    config[section] = {
      ...derived[section],
      ...Object.fromEntries(Object.entries(added).map(([option, value]) => [option, String(value)])),
    }
  return config
}
