/** The values of a lab file (docs/lab.md): keys, addresses, records, and what is said of one that is none. */

import ipaddr from 'ipaddr.js'
import { z } from 'zod'
import { canonical } from './address.ts'

export const key = z
  .string()
  .regex(
    /^[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?$/,
    'use at most 30 lower case letters, digits and inner hyphens',
  )

export const address = z
  .string({ error: 'not an IP address; write 10.0.0.11 or fd00:a::11, in quotes if need be' })
  .refine((text) => ipaddr.IPv4.isValidFourPartDecimal(text) || isPlainIpv6(text), {
    error: (issue) => `${shown(issue.input)} is not an IP address; write it like 10.0.0.11 or fd00:a::11`,
    abort: true,
  })
  .transform(canonical)

export const cidr = z
  .string({ error: 'not a subnet; write it like 10.0.0.0/24 or fd00:a::/64' })
  .refine(isSubnet, {
    error: (issue) =>
      `${shown(issue.input)} is not a subnet; write it like 10.0.0.0/24 or fd00:a::/64, without host bits`,
    abort: true,
  })
  .transform((text) => `${canonical(text.split('/')[0]!)}/${text.split('/')[1]}`)

export const mac = z
  .string()
  .regex(/^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/, 'write a unicast MAC in lower case, like fa:16:3e:00:00:11')

export const records = z.record(
  z.string().regex(/^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$/, 'not a name a DNS server can be given'),
  z.array(address, { error: 'a list of addresses is expected, like [192.0.2.80, 2001:db8::80]' }).min(1),
  { error: 'names with their addresses are expected, like ext.example.net: [192.0.2.80]' },
)

/** Where packets for a destination go: an extra route of a router, or of the VMs of a subnet. */
export const routes = z.array(object({ destination: cidr, nexthop: address })).default([])

/** DHCP options of a port by number, as text; `server-ip-address` is Neutron's word for the next server's address. */
export const dhcpOptions = z
  .record(
    z
      .string()
      .regex(
        /^([1-9]|[1-9]\d|1\d\d|2[0-4]\d|25[0-4]|server-ip-address)$/,
        'not a DHCP option; write a number from 1 to 254 in quotes, or server-ip-address',
      ),
    z.union([z.string(), z.number().transform(String)]),
  )
  .optional()

/** A strict object whose error for an unknown key says which keys there are. */
export function object<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const known = Object.keys(shape).join(', ')
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code === 'unrecognized_keys')
        return `unknown key ${issue.keys.join(', ')}; the keys here are ${known}`
      return `keys and values are expected here; the keys are ${known}`
    },
  })
}

/** What is wrong, in words for the person who wrote it. */
export function messageOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type' && issue.message.endsWith('received undefined'))
    return 'is missing; add it'
  if (issue.code === 'invalid_key') return issue.issues[0]?.message ?? issue.message
  return issue.message
}

const isPlainIpv6 = (text: string) => ipaddr.IPv6.isValid(text) && !text.includes('%')

function isSubnet(text: string): boolean {
  if (!ipaddr.isValidCIDR(text)) return false
  const [base] = ipaddr.parseCIDR(text)
  const network = base.kind() === 'ipv4' ? ipaddr.IPv4 : ipaddr.IPv6
  return network.networkAddressFromCIDR(text).toString() === base.toString()
}

const shown = (value: unknown) => JSON.stringify(value)
