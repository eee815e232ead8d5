/**
 * Host names and domains as rows and options say them: foreign data, checked here. It knows neither DNS messages nor who
 * asks for a name.
 */

import { ConfigError } from '../errors.ts'
import type { Port, Subnet } from './view.ts'

const hostLabel = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i
const nameLengthLimit = 253

/** Whether the text, without a dot at its end, is a host name: letters, digits, hyphens; 63 a label, 253 in all. */
export function isHostName(text: string): boolean {
  return text.length <= nameLengthLimit && text.split('.').every((label) => hostLabel.test(label))
}

/**
 * `[DEFAULT] dns_domain` without the dot that Neutron puts at its end; empty means none. Throws `ConfigError` if it is no
 * domain name.
 */
export function defaultDomainOf(dnsDomain: string): string | undefined {
  const name = dnsDomain.replace(/\.$/, '')
  if (name === '') return undefined
  if (isHostName(name)) return name
  throw new ConfigError(
    `[DEFAULT] dns_domain: '${dnsDomain}' is not a domain name: use labels of letters, digits and hyphens`,
  )
}

/** The domain that the names of a subnet stand under: its row's if that can be served, else the default one. */
export function domainOf({ domain }: Subnet, defaultDomain: string | undefined): string | undefined {
  return domain && isHostName(domain.name) ? domain.name : defaultDomain
}

/** The name that a port's row gives it, relative to the domain; undefined if there is none that can be served. */
export function hostNameOf({ dnsName }: Port, domain: string | undefined): string | undefined {
  const name = dnsName && relativeName(dnsName, domain)
  return name && isHostName(domain ? `${name}.${domain}` : name) ? name : undefined
}

/** A name that ends with a dot is a full one: it loses the domain, or is undefined if it is not under it. */
export function relativeName(given: string, domain: string | undefined): string | undefined {
  if (!given.endsWith('.')) return given
  const ending = `.${domain}.`
  if (!domain || !given.toLowerCase().endsWith(ending.toLowerCase())) return undefined
  return given.slice(0, -ending.length)
}

/** A host name in the wire form of DNS (RFC 1035 §3.1), without compression. */
export function nameBytes(name: string): Buffer {
  const labels = name.split('.').map((label) => Buffer.from(`\0${label}`, 'latin1'))
  for (const label of labels) label[0] = label.length - 1
  return Buffer.concat([...labels, Buffer.alloc(1)])
}
