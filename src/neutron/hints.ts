/**
 * Neutron's notifications as hints: an event says which resources to read again, and nothing else of it is believed, for
 * its payload depends on who made the change and its order is not that of the database. Pure.
 */

import { z } from 'zod'
import type { Cloud, CollectionName } from './resources.ts'

/** What to read again: the resources whose field `filter` has one of the values. */
export interface Query {
  readonly collection: CollectionName
  readonly filter: 'id' | 'network_id' | 'device_id'
  readonly values: readonly string[]
  /** The ids of those that a cloud has: who is not found again has gone. */
  known(cloud: Cloud): string[]
}

/** An event that was sent, as far as it is looked at. */
export interface Hint {
  /** As `port.update.end`. */
  readonly event: string
  readonly payload: Readonly<Record<string, unknown>>
}

const envelope = z.object({ 'oslo.message': z.string() })
const notification = z.object({ event_type: z.string(), payload: z.record(z.string(), z.unknown()) })

/** The hint in a message of oslo.messaging (version 2.0 of its envelope); undefined if there is none. Never throws. */
export function hintIn(message: Buffer): Hint | undefined {
  try {
    const outer = envelope.parse(JSON.parse(message.toString('utf8')))
    // What else stands beside these two (a token of the requester among it) is left behind here.
    const { event_type, payload } = notification.parse(JSON.parse(outer['oslo.message']))
    return { event: event_type, payload }
  } catch {
    return undefined
  }
}

/** The collections by the word that events begin with. */
const nouns: Readonly<Record<string, CollectionName>> = {
  port: 'ports',
  network: 'networks',
  subnet: 'subnets',
  router: 'routers',
  floatingip: 'floatingips',
  security_group: 'securityGroups',
}

/**
 * What to read again after these events, each thing once. Neutron sends no event for the ports that go with a network or
 * that a router makes for itself, and none for the addresses that come with a subnet: they are read again, too.
 */
export function queriesOf(hints: Iterable<Hint>): Query[] {
  const wanted = new Map<string, Set<string>>()
  const add = (collection: CollectionName, filter: Query['filter'], ids: readonly string[]) => {
    const values = wanted.get(`${collection} ${filter}`) ?? new Set()
    wanted.set(`${collection} ${filter}`, values)
    for (const id of ids) values.add(id)
  }
  for (const { event, payload } of hints) {
    const [noun = '', verb = ''] = event.split('.')
    const [ids, subject] = [idsIn(noun, payload), objectIn(payload, noun)]
    switch (noun) {
      case 'router': {
        const { id, port_id } = objectIn(payload, 'router_interface')
        add('routers', 'id', [...ids, ...textIn(id)])
        add('ports', 'device_id', [...ids, ...textIn(id)])
        add('ports', 'id', textIn(port_id))
        break
      }
      case 'floatingip':
        add('floatingips', 'id', ids)
        add('ports', 'device_id', ids)
        break
      case 'security_group_rule':
        add('securityGroups', 'id', textIn(subject.security_group_id))
        break
      case 'subnet':
        add('subnets', 'id', ids)
        add('ports', 'network_id', textIn(subject.network_id))
        break
      case 'network':
        add('networks', 'id', ids)
        if (verb === 'create') break
        add('subnets', 'network_id', ids)
        add('ports', 'network_id', ids)
        break
      default:
        if (nouns[noun]) add(nouns[noun], 'id', ids)
    }
  }
  return [...wanted].flatMap(([key, ids]) => {
    const [collection, filter] = key.split(' ') as [CollectionName, Query['filter']]
    return ids.size === 0 ? [] : [queryFor(collection, filter, [...ids])]
  })
}

function queryFor(collection: CollectionName, filter: Query['filter'], values: readonly string[]): Query {
  const wanted = new Set<unknown>(values)
  const known = (cloud: Cloud) =>
    [...cloud[collection].values()]
      .filter((resource) => wanted.has((resource as Readonly<Record<string, unknown>>)[filter]))
      .map(({ id }) => id)
  return { collection, filter, values, known }
}

/** The ids that a payload has under `port`, `ports` or `port_id`. */
function idsIn(noun: string, payload: Hint['payload']): string[] {
  const many = payload[`${noun}s`]
  const listed = Array.isArray(many) ? many.map((item) => (item as { id?: unknown } | null)?.id) : []
  return [objectIn(payload, noun).id, payload[`${noun}_id`], ...listed].flatMap(textIn)
}

function objectIn(payload: Hint['payload'], name: string): Readonly<Record<string, unknown>> {
  const value = payload[name]
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
}

const textIn = (value: unknown): string[] => (typeof value === 'string' && value !== '' ? [value] : [])
