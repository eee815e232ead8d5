/**
 * The cloud that a real neutron-server (2:21.0.0, Zed) described (test/vectors/neutron): projects red and blue with the
 * same 10.0.0.0/24 and `web` at 10.0.0.5 in both, a network that they share, one with a router to another.
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Cloud,
  type CollectionName,
  cloudWith,
  collectionNames,
  collections,
  emptyCloud,
  type Port,
  readResource,
} from '../../src/neutron/resources.ts'

export const red = '1'.repeat(32)
export const blue = '2'.repeat(32)

const folder = join(import.meta.dirname, '../vectors/neutron')

/** A recorded file, as text. */
export const recordedText = (file: string): string => readFileSync(join(folder, file), 'utf8')

/** The resources of a collection as the server sent them. */
export function recordedItems(
  collection: CollectionName,
  file = `${collections[collection].path}.json`,
): object[] {
  return (JSON.parse(recordedText(file)) as Record<string, object[]>)[collections[collection].list]!
}

/** All of them, read. */
export function recordedCloud(): Cloud {
  return collectionNames.reduce(
    (cloud, collection) =>
      cloudWith(
        cloud,
        collection,
        recordedItems(collection).map((item) => readResource(collection, item)),
      ),
    emptyCloud,
  )
}

/** A recorded port of red or blue by its dns_name and perhaps another field. */
export function recordedPort(name: string, project = red): Port {
  const found = [...recordedCloud().ports.values()].find(
    ({ dns_name, project_id }) => dns_name === name && project_id === project,
  )
  if (!found) throw new Error(`no port ${name}`)
  return found
}

/** The cloud with changes to some of its ports; undefined takes one away. */
export function withPorts(
  cloud: Cloud,
  ...changes: readonly (Partial<Port> & { readonly id: string })[]
): Cloud {
  const ports = new Map(cloud.ports)
  for (const change of changes) ports.set(change.id, { ...(ports.get(change.id) as Port), ...change })
  return { ...cloud, ports }
}

/** A port as a server without the DNS extension sends it. */
export function withoutNames<T extends object>(port: T): T {
  const { dns_name: _, dns_assignment: __, dns_domain: ___, ...rest } = port as T & Record<string, unknown>
  return rest as unknown as T
}
