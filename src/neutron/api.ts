/**
 * Neutron's REST API, as far as the feed reads it: whole collections page by page, parts of them, and one resource to
 * learn whether it still exists. Every failure is tried again where that can help, and else said in one line with the
 * remedy; half an answer is none. It knows nothing of the northbound store.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { ConfigError, ConnectionError, ProtocolError } from '../errors.ts'
import type { Answer, Http } from './http.ts'
import type { Identity } from './keystone.ts'
import {
  type Cloud,
  type CollectionName,
  cloudWith,
  collectionNames,
  collections,
  emptyCloud,
  type ResourceReading,
  readResource,
} from './resources.ts'

export interface NeutronApi {
  /** Everything that the feed wants to know, at about one moment. */
  cloud(): Promise<Cloud>
  /** The resources of a collection whose field `filter` has one of the values. */
  part(
    collection: CollectionName,
    filter: string,
    values: readonly string[],
  ): Promise<ResourceReading<CollectionName>[]>
  /** One resource; undefined if Neutron says that it does not exist. */
  one(collection: CollectionName, id: string): Promise<ResourceReading<CollectionName> | undefined>
  /**
   * Whether any network is shown. Rejects with ConfigError if this account sees its own project's resources only: to it
   * everybody else's do not exist.
   */
  sight(): Promise<boolean>
}

export interface ApiOptions {
  readonly pageSize: number
  /** The first pause before a request is repeated, in ms; each further one is twice as long. */
  readonly pauseMs: number
  /** Is told the status of every answer, or `none`. */
  readonly answered: (status: string) => void
}

/** How often a request is made before it has failed. */
const attempts = 3
/** How often a list is begun anew because the resource at the end of a page has gone meanwhile. */
const restarts = 3
/** Ids in one request: 36 characters each, and servers take about 8,000 in a line. */
const idsAtOnce = 100

const errorShape = z.object({ NeutronError: z.union([z.string(), z.looseObject({ message: z.string() })]) })

/** The page after the last one that was read is not there any more. */
class LostPlace extends ProtocolError {}

/** Neutron as this identity sees it. */
export function neutronApi(http: Http, identity: Identity, options: ApiOptions): NeutronApi {
  const { pageSize, pauseMs, answered } = options

  const send = async (path: string): Promise<Answer> => {
    const { headers, endpoint } = await identity.access()
    try {
      const answer = await http.send(urlOf(endpoint, path), { headers })
      answered(String(answer.status))
      return answer
    } catch (error) {
      answered('none')
      throw error
    }
  }
  const authorized = async (path: string): Promise<Answer> => {
    const answer = await send(path)
    if (answer.status !== 401) return answer
    // The token may have ended, or been revoked, before its time.
    identity.renew()
    return send(path)
  }
  /** An answer of that shape; undefined if `mayMiss` and the answer is Neutron's 404. */
  const get = async <T>(path: string, shape: z.ZodType<T>, mayMiss: boolean): Promise<T | undefined> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const answer = await authorized(path)
        const whole = shape.safeParse(answer.body)
        if (answer.status === 200 && whole.success) return whole.data
        // Somebody else's 404 (a proxy's) is no word about the resource.
        if (answer.status === 404 && mayMiss && errorShape.safeParse(answer.body).success) return undefined
        throw failureOf(answer, path, mayMiss)
      } catch (error) {
        if (!(error instanceof ConnectionError) || attempt === attempts) throw error
        await sleep(pauseMs * 2 ** (attempt - 1) * (0.5 + Math.random()))
      }
    }
  }
  const list = async (
    collection: CollectionName,
    query: string,
  ): Promise<ResourceReading<CollectionName>[]> => {
    const { path, list: member } = collections[collection]
    const shape = pageOf(member)
    const readings: ResourceReading<CollectionName>[] = []
    for (let marker = ''; ; ) {
      const place = `${query}limit=${pageSize}&sort_key=id&sort_dir=asc${marker && `&marker=${marker}`}`
      const page = await get(`${path}?${place}`, shape, marker !== '')
      if (page === undefined) throw new LostPlace(`${path} ${marker} has gone while it was the end of a page`)
      readings.push(...page.items.map((item) => readResource(collection, item)))
      const last = readings.at(-1)?.id
      // A server may have smaller pages than were asked for, and a proxy may leave the links out.
      const isLast = page.items.length === 0 || !(page.hasNext || page.items.length >= pageSize)
      if (isLast || last === undefined || last === marker) return readings
      marker = last
    }
  }
  const whole = async (collection: CollectionName): Promise<ResourceReading<CollectionName>[]> => {
    for (let turn = 1; ; turn += 1)
      try {
        return await list(collection, '')
      } catch (error) {
        if (!(error instanceof LostPlace) || turn === restarts) throw error
      }
  }
  return {
    cloud: async () => {
      let cloud = emptyCloud
      for (const collection of collectionNames) cloud = cloudWith(cloud, collection, await whole(collection))
      checkSight(cloud)
      return cloud
    },
    part: async (collection, filter, values) => {
      const readings: ResourceReading<CollectionName>[] = []
      for (let at = 0; at < values.length; at += idsAtOnce) {
        const some = values
          .slice(at, at + idsAtOnce)
          .map((value) => `${filter}=${encodeURIComponent(value)}&`)
        readings.push(...(await list(collection, some.join(''))))
      }
      return readings
    },
    one: async (collection, id) => {
      const { path, one: member } = collections[collection]
      const shape = z.looseObject({ [member]: z.looseObject({}) })
      const found = await get(`${path}/${encodeURIComponent(id)}`, shape, true)
      return found && readResource(collection, found[member])
    },
    sight: async () => {
      const page = await get('networks?limit=1', pageOf('networks'), false)
      const readings = page!.items.map((item) => readResource('networks', item))
      checkSight(cloudWith(emptyCloud, 'networks', readings))
      return readings.length > 0
    },
  }
}

/** One page of a collection. */
const pageOf = (member: string) =>
  z
    .looseObject({
      [member]: z.array(z.unknown()),
      [`${member}_links`]: z.array(z.looseObject({ rel: z.unknown() })).optional(),
    })
    .transform((body) => ({
      items: body[member] as unknown[],
      hasNext:
        (body[`${member}_links`] as { rel: unknown }[] | undefined)?.some(({ rel }) => rel === 'next') ??
        false,
    }))

function urlOf(endpoint: string, path: string): URL {
  const base = endpoint.replace(/\/+$/, '')
  return new URL(`${/\/v2\.0$/.test(base) ? base : `${base}/v2.0`}/${path}`)
}

/** Throws ConfigError if the account sees its own project's resources only, or not all of their fields. */
function checkSight({ ports, networks }: Cloud): void {
  const port = [...ports.values()].find((one) => one['binding:host_id'] === undefined)
  const network = [...networks.values()].find(
    (one) => one['provider:network_type'] === undefined && one.segments.length === 0,
  )
  if (port === undefined && network === undefined) return
  const seen = port
    ? `port ${port.id} without binding:host_id`
    : `network ${network!.id} without its provider`
  throw new ConfigError(
    `Neutron shows this account ${seen}, so it hides other projects' resources, too: give the user the role admin or, from Neutron 2023.2 on, service`,
  )
}

function failureOf({ status, body }: Answer, path: string, mayMiss: boolean): Error {
  const said = errorShape.safeParse(body).data?.NeutronError
  const reason = said === undefined ? '' : `: ${typeof said === 'string' ? said : said.message}`
  const what = path.split('?')[0]
  switch (status) {
    case 401:
      return new ConfigError(
        'Neutron does not accept the token: see that auth_url is the Keystone of [keystone_authtoken] in neutron.conf, and that its clock is right',
      )
    case 403:
      return new ConfigError(
        `Neutron does not let this account read ${what}: give the user the role admin or, from Neutron 2023.2 on, service`,
      )
    case 404:
      if (mayMiss)
        return new ConnectionError(`the answer 404 to ${what} is not Neutron's: see what stands before it`)
      return new ConfigError(
        `there is no ${what} in the Neutron API v2.0 here: correct [df_neutron_sync] endpoint_override, or enable the service plugin that has it`,
      )
    case 200:
      return new ConnectionError(`Neutron's answer to ${what} is not what was asked for`)
    default:
      if (status >= 400 && status < 500 && status !== 429)
        return new ConfigError(
          `Neutron refuses to read ${what} (${status})${reason}: tell the authors of this feed`,
        )
      return new ConnectionError(`Neutron answers ${status} to ${what}${reason}`)
  }
}
