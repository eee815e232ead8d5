/**
 * One feed: Neutron's resources into the northbound store. A full read is applied whole or not at all; a hint reads again
 * what it names. Nothing goes because a list lacks it: each missing resource is asked for by itself, and only Neutron's
 * own 404 is the end of its rows. The calls of one feed must not overlap.
 */

import { ConfigError } from '../errors.ts'
import { feedTable, type NbDriver, takeUniqueKeys } from '../nb/index.ts'
import type { NeutronApi } from './api.ts'
import {
  type Changes,
  changesOf,
  type Ids,
  memoryOf,
  missingFrom,
  type Stored,
  storedAfter,
  storedOf,
} from './changes.ts'
import type { Query } from './hints.ts'
import {
  type Cloud,
  type CollectionName,
  cloudWith,
  collectionNames,
  type ResourceReading,
} from './resources.ts'
import { wantedOf } from './rows.ts'

/** What was done, or with a dry run what would be. */
export interface Outcome {
  readonly changes: Changes
  readonly cloud: Cloud
  /** False if the server has no DNS extension. */
  readonly hasNames: boolean
}

export interface FeedOptions {
  /** Whose rows these are. */
  readonly region: string
  /** Only says what it would do. */
  readonly isDry: boolean
  /** Takes it that a cloud without a network is meant. */
  readonly acceptsEmpty: boolean
}

export interface Feed {
  /** Reads everything and writes the difference. Rejects with the store as it was. */
  round(): Promise<Outcome>
  /** Reads again what these queries find, and writes the difference; undefined before the first round. */
  follow(queries: readonly Query[]): Promise<Outcome | undefined>
}

/** How many resources are asked for at a time. */
const askedAtOnce = 8

/** Makes a feed; nothing is read yet. */
export function createFeed(api: NeutronApi, driver: NbDriver, options: FeedOptions): Feed {
  let last: { cloud: Cloud; stored: Stored } | undefined

  const checkSight = async (): Promise<void> => {
    if ((await api.sight()) || options.acceptsEmpty) return
    throw new ConfigError(
      'Neutron shows no network at all, and the store has rows from it: see that it is the right Neutron and database, and that the user has its role; or run df-neutron-sync --once --accept-empty',
    )
  }

  /** The missing ones that still exist are put into the cloud; the others are gone. */
  const sifted = async (cloud: Cloud, missing: Ids): Promise<{ cloud: Cloud; gone: Ids }> => {
    const gone: { [C in CollectionName]?: Set<string> } = {}
    let sound = cloud
    for (const collection of collectionNames) {
      const ids = [...(missing[collection] ?? [])]
      const readings: ResourceReading<CollectionName>[] = []
      const lost = new Set<string>()
      for (let at = 0; at < ids.length; at += askedAtOnce)
        await Promise.all(
          ids.slice(at, at + askedAtOnce).map(async (id) => {
            const reading = await api.one(collection, id)
            if (reading) readings.push(reading)
            else lost.add(id)
          }),
        )
      gone[collection] = lost
      sound = cloudWith(sound, collection, readings, lost)
    }
    // The right to see may have been taken away since: then these 404 say nothing.
    if (Object.values(gone).some(({ size }) => size > 0)) await checkSight()
    return { cloud: sound, gone }
  }

  const applied = async (cloud: Cloud, stored: Stored, gone: Ids): Promise<Outcome> => {
    const wanted = wantedOf(cloud)
    const state = { wanted, cloud, stored, gone }
    const draft = changesOf(state)
    const firstKeys = new Map<string, number>()
    if (!options.isDry)
      for (const [table, count] of draft.newKeys)
        firstKeys.set(table, await takeUniqueKeys(driver, table, count))
    const changes = firstKeys.size === 0 ? draft : changesOf(state, firstKeys)
    if (!options.isDry) {
      // If this breaks off, nobody knows what is stored until the next full read.
      last = undefined
      await write(driver, changes, stored, options.region)
      last = { cloud, stored: storedAfter(stored, changes) }
    }
    return { changes, cloud, hasNames: wanted.hasNames }
  }

  return {
    round: async () => {
      const seen = await api.cloud()
      const stored = storedOf(await driver.list(), options.region)
      const missing = missingFrom(seen, stored)
      // Else each of its resources would be asked for first.
      if (seen.networks.size === 0 && missing.networks) await checkSight()
      const { cloud, gone } = await sifted(seen, missing)
      return applied(cloud, stored, gone)
    },
    follow: async (queries) => {
      if (last === undefined) return undefined
      let { cloud } = last
      const missing: { [C in CollectionName]?: Set<string> } = {}
      for (const { collection, filter, values, known } of queries) {
        const readings = await api.part(collection, filter, values)
        const found = new Set(readings.map(({ id }) => id))
        cloud = cloudWith(cloud, collection, readings)
        for (const id of known(cloud))
          if (!found.has(id)) missing[collection] = (missing[collection] ?? new Set()).add(id)
      }
      const sift = await sifted(cloud, missing)
      return applied(sift.cloud, last.stored, sift.gone)
    },
  }
}

/** What is remembered goes before what is written and after what is removed: no row of ours is ever a stranger's. */
async function write(
  driver: NbDriver,
  { writes, removals }: Changes,
  { own }: Stored,
  region: string,
): Promise<void> {
  const remembered = writes
    .map(({ table, id }) => `${table}/${id}`)
    .filter((key) => !own.has(key))
    .map((id) => ({ table: feedTable, id, value: memoryOf(region, id) }))
  if (remembered.length > 0) await driver.putAll(remembered)
  if (writes.length > 0) await driver.putAll(writes)
  for (const { table, id } of removals) {
    await driver.delete(table, id)
    await driver.delete(feedTable, `${table}/${id}`)
  }
}
