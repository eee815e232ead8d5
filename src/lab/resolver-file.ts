/** The resolv.conf of a VM: a file below /etc/netns, which `ip netns exec` shows as /etc/resolv.conf (ip-netns(8)). */

import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { removeIfEmpty } from './state.ts'

/** What a resolver is told. */
export interface ResolverSettings {
  readonly nameservers: readonly string[]
  readonly searchDomains: readonly string[]
}

/** Where the file of a namespace is. */
export const resolverFileOf = (namespace: string) => join(perNamespace, namespace, 'resolv.conf')

/** Writes the file of a namespace. */
export function writeResolverFile(namespace: string, { nameservers, searchDomains }: ResolverSettings): void {
  mkdirSync(join(perNamespace, namespace), { recursive: true })
  const lines = nameservers.map((server) => `nameserver ${server}`)
  if (searchDomains.length > 0) lines.push(`search ${searchDomains.join(' ')}`)
  writeFileSync(resolverFileOf(namespace), `${lines.join('\n')}\n`)
}

/** Removes it. */
export function removeResolverFile(namespace: string): void {
  rmSync(join(perNamespace, namespace), { recursive: true, force: true })
  removeIfEmpty(perNamespace)
}

const perNamespace = '/etc/netns'
