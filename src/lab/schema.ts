/**
 * The lab file (docs/lab.md): its shape, and what must agree in it. Everything wrong in it is one line that names the
 * file, the place in the file and the remedy. It knows what a person writes, not what becomes of it.
 */

import { readFileSync } from 'node:fs'
import ipaddr from 'ipaddr.js'
import { parse as parseYaml } from 'yaml'
import { z } from 'zod'
import { ConfigError, reasonOf } from '../errors.ts'
import { canonical, isInside } from './address.ts'

const key = z
  .string()
  .regex(
    /^[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?$/,
    'use at most 30 lower case letters, digits and inner hyphens',
  )

const address = z
  .string({ error: 'not an IP address; write 10.0.0.11 or fd00:a::11, in quotes if need be' })
  .refine((text) => ipaddr.IPv4.isValidFourPartDecimal(text) || isPlainIpv6(text), {
    error: (issue) => `${shown(issue.input)} is not an IP address; write it like 10.0.0.11 or fd00:a::11`,
    abort: true,
  })
  .transform(canonical)

const cidr = z
  .string({ error: 'not a subnet; write it like 10.0.0.0/24 or fd00:a::/64' })
  .refine(isSubnet, {
    error: (issue) =>
      `${shown(issue.input)} is not a subnet; write it like 10.0.0.0/24 or fd00:a::/64, without host bits`,
    abort: true,
  })
  .transform((text) => `${canonical(text.split('/')[0]!)}/${text.split('/')[1]}`)

const mac = z
  .string()
  .regex(/^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/, 'write a unicast MAC in lower case, like fa:16:3e:00:00:11')

const records = z.record(
  z.string().regex(/^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$/, 'not a name a DNS server can be given'),
  z.array(address, { error: 'a list of addresses is expected, like [192.0.2.80, 2001:db8::80]' }).min(1),
  { error: 'names with their addresses are expected, like ext.example.net: [192.0.2.80]' },
)

const subnet = object({
  cidr,
  gateway: address.optional(),
  dns_nameservers: z.array(address).default([]),
  domain: z.string().min(1).optional(),
  domain_ttl: z.int().min(0).max(2_147_483_647).optional(),
  authoritative: z.boolean().default(false),
})

const network = object({
  tenant: z.string().min(1),
  type: z.enum(['vlan', 'flat'], { error: 'the type is vlan or flat' }).default('vlan'),
  physical_network: z.string().regex(/^[A-Za-z0-9_-]+$/, 'letters, digits, _ and - only'),
  segmentation_id: z.int().min(1).max(4094, 'a VLAN is 1 to 4094').optional(),
  mtu: z.int().min(1280, 'IPv6 needs at least 1280').max(9000).default(1500),
  subnets: z.array(subnet).min(1, 'a network needs a subnet'),
})

const gateway = object({ network: z.string(), outside: z.array(address).min(1) })

const server = object({ addresses: z.array(address).min(1), records: records.default({}) })

const port = object({
  network: z.string(),
  node: z.string().optional(),
  dns_name: z.string().optional(),
  mac: mac.optional(),
  ips: z.array(address).min(1, 'a port needs an address'),
  security: z.boolean().default(true),
  dns_server: object({ records }).optional(),
})

const labFile = object({
  nodes: z.array(key).min(1, 'a lab needs a compute node'),
  networks: z.record(key, network),
  ports: z.record(key, port),
  gateways: z.record(key, gateway).default({}),
  outside: object({ subnets: z.array(cidr).min(1), servers: z.record(key, server).default({}) }).optional(),
  options: z
    .record(z.string(), z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])))
    .default({}),
})

/** A lab file that was read and agrees with itself; addresses are canonical text. */
export type LabFile = z.infer<typeof labFile>

/** Reads a lab file. Throws `ConfigError`: one line with the file, the place and the remedy. */
export function readLabFile(file: string): LabFile {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new ConfigError(`${file}: cannot be read (${reasonOf(error)}); name an existing lab file`)
  }
  return parseLabFile(text, file)
}

/** Reads the text of a lab file; `file` is only for the errors. Throws `ConfigError` as `readLabFile` does. */
export function parseLabFile(text: string, file: string): LabFile {
  let content: unknown
  try {
    content = parseYaml(text)
  } catch (error) {
    throw new ConfigError(`${file}: ${firstLine(reasonOf(error))}; the file is not valid YAML`)
  }
  if (content === null || typeof content !== 'object' || Array.isArray(content))
    throw new ConfigError(`${file}: holds no lab; it needs the sections nodes, networks and ports`)
  const result = labFile.safeParse(content)
  if (!result.success) {
    const [first, ...others] = result.error.issues
    throw at(file, first!.path.join('.'), messageOf(first!), others.length)
  }
  for (const [path, message] of disagreements(result.data)) throw at(file, path, message)
  return result.data
}

/** A place in the file and what is wrong there. */
type Fault = readonly [path: string, message: string]

/** What the parts of the file say about each other, and should not. */
function* disagreements(lab: LabFile): Iterable<Fault> {
  yield* keysTwice(lab)
  yield* faultsOfNetworks(lab)
  yield* faultsOfPorts(lab)
  yield* faultsOfOutside(lab)
}

function* faultsOfNetworks(lab: LabFile): Iterable<Fault> {
  const segments = new Map<string, string>()
  for (const [name, network] of Object.entries(lab.networks)) {
    const path = `networks.${name}`
    const { type, physical_network, segmentation_id } = network
    if (type === 'vlan' && segmentation_id === undefined)
      yield [path, 'a vlan network needs a segmentation_id']
    if (type === 'flat' && segmentation_id !== undefined)
      yield [path, 'a flat network has no segmentation_id']
    const segment = `${physical_network} ${segmentation_id ?? 'untagged'}`
    const other = segments.get(segment)
    if (other !== undefined)
      yield [path, `${other} is on ${segment} already; give each network a segment of its own`]
    segments.set(segment, name)
    for (const [index, { cidr, gateway }] of network.subnets.entries())
      if (gateway !== undefined && !isInside(gateway, cidr))
        yield [
          `${path}.subnets.${index}.gateway`,
          `${gateway} is not inside ${cidr}; use one of its addresses`,
        ]
  }
}

function* faultsOfPorts(lab: LabFile): Iterable<Fault> {
  const owners = new Map<string, string>()
  for (const [name, { network, node, ips }] of Object.entries(lab.ports)) {
    const path = `ports.${name}`
    const subnets = lab.networks[network]?.subnets
    if (!subnets) yield [`${path}.network`, noNetwork(lab, network)]
    if (node !== undefined && !lab.nodes.includes(node))
      yield [`${path}.node`, `there is no node ${node}; it is one of ${lab.nodes.join(', ')}`]
    for (const [index, ip] of ips.entries()) {
      if (subnets && !subnets.some(({ cidr }) => isInside(ip, cidr)))
        yield [
          `${path}.ips.${index}`,
          `${ip} is in no subnet of ${network}; add the subnet or change the address`,
        ]
      const owner = owners.get(`${network} ${ip}`)
      if (owner !== undefined)
        yield [`${path}.ips.${index}`, `${ip} is ${owner}'s already; each port has its own`]
      owners.set(`${network} ${ip}`, name)
    }
  }
}

function* faultsOfOutside(lab: LabFile): Iterable<Fault> {
  const { networks, gateways, outside } = lab
  const addresses: [path: string, ip: string][] = []
  for (const [name, gateway] of Object.entries(gateways)) {
    if (!Object.hasOwn(networks, gateway.network))
      yield [`gateways.${name}.network`, noNetwork(lab, gateway.network)]
    for (const [index, ip] of gateway.outside.entries())
      addresses.push([`gateways.${name}.outside.${index}`, ip])
  }
  for (const [name, server] of Object.entries(outside?.servers ?? {}))
    for (const [index, ip] of server.addresses.entries())
      addresses.push([`outside.servers.${name}.addresses.${index}`, ip])
  for (const [index, [path, ip]] of addresses.entries()) {
    if (!outside?.subnets.some((cidr) => isInside(ip, cidr)))
      yield [path, `${ip} is in no subnet of outside.subnets; add the subnet or change the address`]
    if (addresses.findIndex(([, other]) => other === ip) !== index)
      yield [path, `${ip} is used twice outside; give it to one of them`]
  }
}

/** Every key becomes a namespace `df-<key>`, so all keys but those of networks share one room. */
function* keysTwice({ nodes, ports, gateways, outside }: LabFile): Iterable<Fault> {
  const sections = { nodes, ports, gateways, 'outside.servers': outside?.servers ?? {} }
  const seen = new Map(['outside', 'etcd'].map((name) => [name, 'the lab itself']))
  for (const [section, entries] of Object.entries(sections))
    for (const name of Array.isArray(entries) ? entries : Object.keys(entries)) {
      if (seen.has(name))
        yield [
          `${section}.${name}`,
          `the key is used by ${seen.get(name)} too; each key becomes one namespace`,
        ]
      seen.set(name, section)
    }
}

/** A strict object whose error for an unknown key says which keys there are. */
function object<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const known = Object.keys(shape).join(', ')
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code === 'unrecognized_keys')
        return `unknown key ${issue.keys.join(', ')}; the keys here are ${known}`
      return `keys and values are expected here; the keys are ${known}`
    },
  })
}

function messageOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type' && issue.message.endsWith('received undefined'))
    return 'is missing; add it'
  if (issue.code === 'invalid_key') return issue.issues[0]?.message ?? issue.message
  return issue.message
}

function at(file: string, path: string, message: string, others = 0): ConfigError {
  return new ConfigError(
    `${file}: ${path || 'the file'}: ${message}${others === 0 ? '' : ` (and ${others} more)`}`,
  )
}

const noNetwork = (lab: LabFile, name: string) =>
  `there is no network ${name}; it is one of ${Object.keys(lab.networks).join(', ')}`

const isPlainIpv6 = (text: string) => ipaddr.IPv6.isValid(text) && !text.includes('%')

function isSubnet(text: string): boolean {
  if (!ipaddr.isValidCIDR(text)) return false
  const [base] = ipaddr.parseCIDR(text)
  const network = base.kind() === 'ipv4' ? ipaddr.IPv4 : ipaddr.IPv6
  return network.networkAddressFromCIDR(text).toString() === base.toString()
}

const shown = (value: unknown) => JSON.stringify(value)

const firstLine = (text: string) => text.split('\n')[0]!.replace(/:$/, '')
