/**
 * Neutron's resources as data: where each collection is read, and those of its fields that the feed uses. Whatever else
 * a server sends is ignored, so that newer versions of the API change nothing. Shapes: the Networking API v2.0; what a
 * real server of 2026 sends is in test/vectors/neutron. It knows nothing of the northbound store.
 */

import { z } from 'zod'

const id = z.string().min(1)
const maybeText = z.string().nullish()
const maybeNumber = z.int().nullish()
const textOrEmpty = z
  .string()
  .nullish()
  .transform((text) => text ?? '')
const texts = z
  .array(z.string())
  .nullish()
  .transform((list) => list ?? [])
const listOf = <S extends z.ZodType>(item: S) =>
  z
    .array(item)
    .nullish()
    .transform((list) => list ?? [])
const routes = listOf(z.object({ destination: z.string(), nexthop: z.string() }))

/** What every resource has. The project is empty for what belongs to Neutron itself. */
const common = { id, name: textOrEmpty, project_id: textOrEmpty, revision_number: maybeNumber }

const segment = {
  'provider:network_type': maybeText,
  'provider:physical_network': maybeText,
  'provider:segmentation_id': maybeNumber,
}

const network = z.object({
  ...common,
  mtu: maybeNumber,
  'router:external': z.boolean().nullish(),
  qos_policy_id: maybeText,
  ...segment,
  /** Instead of the three above, where a network has several. */
  segments: listOf(z.object(segment)),
})

const subnet = z.object({
  ...common,
  network_id: id,
  cidr: z.string(),
  gateway_ip: maybeText,
  enable_dhcp: z.boolean().nullish(),
  dns_nameservers: texts,
  host_routes: routes,
})

const port = z.object({
  ...common,
  network_id: id,
  mac_address: z.string(),
  admin_state_up: z.boolean().nullish(),
  device_id: textOrEmpty,
  device_owner: textOrEmpty,
  fixed_ips: listOf(z.object({ subnet_id: id, ip_address: z.string() })),
  allowed_address_pairs: listOf(z.object({ ip_address: z.string(), mac_address: z.string() })),
  extra_dhcp_opts: listOf(
    z.object({
      opt_name: z.string(),
      opt_value: maybeText,
      ip_version: z.union([z.int(), z.string()]).nullish(),
    }),
  ),
  security_groups: texts,
  port_security_enabled: z.boolean().nullish(),
  qos_policy_id: maybeText,
  'binding:vnic_type': maybeText,
  /** Missing where the account may not see it. */
  'binding:host_id': maybeText,
  dns_name: maybeText,
  /** Missing where the server has no DNS extension. */
  dns_assignment: z
    .array(z.object({ ip_address: z.string(), hostname: z.string(), fqdn: z.string() }))
    .nullish(),
})

const router = z.object({ ...common, routes })

const securityRule = z.object({
  id,
  project_id: textOrEmpty,
  revision_number: maybeNumber,
  direction: z.string(),
  ethertype: z.string(),
  protocol: z.union([z.string(), z.int()]).nullish(),
  port_range_min: maybeNumber,
  port_range_max: maybeNumber,
  remote_group_id: maybeText,
  remote_address_group_id: maybeText,
  remote_ip_prefix: maybeText,
})

const securityGroup = z.object({ ...common, security_group_rules: listOf(securityRule) })

const floatingIp = z.object({
  ...common,
  floating_ip_address: maybeText,
  fixed_ip_address: maybeText,
  port_id: maybeText,
  router_id: maybeText,
})

export type Network = z.output<typeof network>
export type Subnet = z.output<typeof subnet>
export type Port = z.output<typeof port>
export type Router = z.output<typeof router>
export type SecurityGroup = z.output<typeof securityGroup>
export type FloatingIp = z.output<typeof floatingIp>

/**
 * The collections in the order in which they are read: what refers to others comes before them, so that what is
 * referred to was there at a later moment than the reference, and only a deletion in between leaves one dangling.
 * `path` is that below `/v2.0`, `list` and `one` are the members of the answers that hold the resources.
 */
// biome-ignore format: one collection a line, in columns
export const collections = {
  floatingips:    { path: 'floatingips',     list: 'floatingips',     one: 'floatingip',     shape: floatingIp },
  ports:          { path: 'ports',           list: 'ports',           one: 'port',           shape: port },
  routers:        { path: 'routers',         list: 'routers',         one: 'router',         shape: router },
  securityGroups: { path: 'security-groups', list: 'security_groups', one: 'security_group', shape: securityGroup },
  subnets:        { path: 'subnets',         list: 'subnets',         one: 'subnet',         shape: subnet },
  networks:       { path: 'networks',        list: 'networks',        one: 'network',        shape: network },
} as const

export type CollectionName = keyof typeof collections
export const collectionNames = Object.keys(collections) as CollectionName[]

export type ResourceOf<C extends CollectionName> = z.output<(typeof collections)[C]['shape']>

/** One moment of a cloud: the resources by id. */
export type Cloud = { readonly [C in CollectionName]: ReadonlyMap<string, ResourceOf<C>> } & {
  /** The ids of resources that exist and could not be understood, and why. */
  readonly unread: { readonly [C in CollectionName]: ReadonlyMap<string, string> }
}

/** One resource as it was read: `problem` says what is wrong with it; without an id nobody can say whose it is. */
export type ResourceReading<C extends CollectionName> =
  | { readonly id: string; readonly value: ResourceOf<C>; readonly problem?: undefined }
  | { readonly id: string | undefined; readonly value?: undefined; readonly problem: string }

/** Reads one resource of an answer. Never throws. */
export function readResource<C extends CollectionName>(collection: C, item: unknown): ResourceReading<C> {
  const result = (collections[collection].shape as unknown as z.ZodType<ResourceOf<C>>).safeParse(item)
  if (result.success) return { id: result.data.id, value: result.data }
  const issue = result.error.issues[0]!
  const problem = `${issue.path.join('.') || collection}: ${issue.message}`
  return { id: z.object({ id }).safeParse(item).data?.id, problem }
}

/** A cloud without anything in it. */
export const emptyCloud: Cloud = {
  ...perCollection(() => new Map<string, never>()),
  unread: perCollection(() => new Map<string, string>()),
}

/** The cloud after these readings of one collection; `gone` are ids that do not exist any more. */
export function cloudWith<C extends CollectionName>(
  cloud: Cloud,
  collection: C,
  readings: Iterable<ResourceReading<C>>,
  gone: Iterable<string> = [],
): Cloud {
  const resources = new Map<string, ResourceOf<C>>(cloud[collection] as ReadonlyMap<string, ResourceOf<C>>)
  const unread = new Map(cloud.unread[collection])
  for (const id of gone) {
    resources.delete(id)
    unread.delete(id)
  }
  for (const { id, value, problem } of readings) {
    if (id === undefined) continue
    resources.delete(id)
    unread.delete(id)
    if (problem !== undefined) unread.set(id, problem)
    else resources.set(id, value)
  }
  return { ...cloud, [collection]: resources, unread: { ...cloud.unread, [collection]: unread } }
}

function perCollection<V>(make: () => V): Record<CollectionName, V> {
  return Object.fromEntries(collectionNames.map((name) => [name, make()])) as Record<CollectionName, V>
}
