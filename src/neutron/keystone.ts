/**
 * Who asks Neutron, and where it is: a token of Keystone v3 for a password or an application credential, renewed before
 * it ends and after a refusal, and Neutron's address from the catalogue; or, where there is no Keystone, the headers
 * that its middleware would set. It knows no resource.
 */

import { z } from 'zod'
import { ConfigError, ConnectionError } from '../errors.ts'
import type { Http } from './http.ts'
import type { SyncOptions } from './options.ts'

/** What a request to Neutron needs. */
export interface Access {
  readonly headers: Readonly<Record<string, string>>
  /** Where Neutron is, with or without `/v2.0`. */
  readonly endpoint: string
}

/** Gives access, for as long as it holds. */
export interface Identity {
  /** Rejects with ConfigError for what a person must mend, with ConnectionError if Keystone does not answer. */
  access(): Promise<Access>
  /** The access was refused: the next one is made anew. */
  renew(): void
}

/** Who asks, after the options. Throws ConfigError if some that belong together are missing. */
export function identityOf(options: SyncOptions, http: Http, now: () => number): Identity {
  return options.auth_type === 'none' ? trusted(options) : keystone(options, http, now)
}

const told = (name: string, why: string) => new ConfigError(`[df_neutron_sync] ${name} is empty: ${why}`)

function trusted({ endpoint_override: endpoint }: SyncOptions): Identity {
  if (endpoint === '') throw told('endpoint_override', 'without Keystone it must say where Neutron is')
  const name = 'df-neutron-sync'
  const headers = { 'x-user-id': name, 'x-project-id': name, 'x-roles': 'admin,member,reader' }
  return { access: async () => ({ headers, endpoint }), renew: () => {} }
}

const tokenShape = z.object({
  token: z.object({
    issued_at: z.string().nullish(),
    expires_at: z.string(),
    catalog: z
      .array(
        z.object({
          type: z.string(),
          endpoints: z.array(
            z.object({
              interface: z.string(),
              url: z.string(),
              region_id: z.string().nullish(),
              region: z.string().nullish(),
            }),
          ),
        }),
      )
      .nullish(),
  }),
})

/** A token is renewed when a tenth of its life is left, at most five minutes. */
const earlyShare = 0.1
const earlyMs = 300_000

function keystone(options: SyncOptions, http: Http, now: () => number): Identity {
  const body = { auth: authOf(options) }
  const url = new URL(`${options.auth_url.replace(/\/+$/, '').replace(/\/v3$/, '')}/v3/auth/tokens`)
  let current: { access: Access; untilMs: number } | undefined
  const obtain = async () => {
    const { status, headers, body: answer } = await http.send(url, { method: 'POST', body })
    if (status !== 201) throw refusal(status, url, options)
    const token = headers['x-subject-token']
    const read = tokenShape.safeParse(answer)
    if (typeof token !== 'string' || !read.success)
      throw new ConfigError(`${url.origin} gives no token of Keystone v3: correct [df_neutron_sync] auth_url`)
    const { issued_at, expires_at, catalog } = read.data.token
    // The clocks may differ: only the length of the token's life is taken from Keystone.
    const lifeMs = Date.parse(expires_at) - (issued_at ? Date.parse(issued_at) : Date.now())
    const untilMs = now() + lifeMs - Math.min(lifeMs * earlyShare, earlyMs)
    const endpoint = options.endpoint_override || endpointIn(catalog ?? [], options)
    current = { access: { headers: { 'x-auth-token': token }, endpoint }, untilMs }
    return current.access
  }
  return {
    access: async () => (current && now() < current.untilMs ? current.access : obtain()),
    renew: () => {
      current = undefined
    },
  }
}

function authOf(options: SyncOptions): object {
  if (options.auth_url === '')
    throw told('auth_url', 'set it to where Keystone is, as https://keystone.example.org:5000')
  if (options.auth_type === 'v3applicationcredential') {
    const { application_credential_id: id, application_credential_secret: secret } = options
    if (id === '')
      throw told('application_credential_id', 'openstack application credential create gives one')
    return { identity: { methods: ['application_credential'], application_credential: { id, secret } } }
  }
  const { username: name, password, user_domain_name, project_name, project_domain_name } = options
  if (name === '') throw told('username', 'set it, and password, or auth_type = v3applicationcredential')
  const user = { name, password, domain: { name: user_domain_name } }
  const project = { name: project_name, domain: { name: project_domain_name } }
  return { identity: { methods: ['password'], password: { user } }, scope: { project } }
}

function refusal(status: number, { origin }: URL, options: SyncOptions): Error {
  if (status === 401)
    return new ConfigError(
      options.auth_type === 'password'
        ? `Keystone at ${origin} refuses ${options.username}: correct [df_neutron_sync] username, password and user_domain_name, and see that it has a role in project ${options.project_name}`
        : `Keystone at ${origin} refuses the application credential ${options.application_credential_id}: correct it and its secret in [df_neutron_sync], or make a new one if it has expired`,
    )
  if (status === 404 || status === 300)
    return new ConfigError(
      `there is no Keystone v3 at ${origin} (${status}): correct [df_neutron_sync] auth_url`,
    )
  if (status >= 400 && status < 500 && status !== 429)
    return new ConfigError(
      `Keystone at ${origin} refuses the request (${status}): correct [df_neutron_sync] project_name, project_domain_name and user_domain_name`,
    )
  return new ConnectionError(`Keystone at ${origin} answers ${status}`)
}

type Catalog = NonNullable<z.output<typeof tokenShape>['token']['catalog']>

function endpointIn(catalog: Catalog, options: SyncOptions): string {
  const { region_name: region, interface: wanted } = options
  const endpoints = catalog.filter(({ type }) => type === 'network').flatMap((service) => service.endpoints)
  const found = endpoints.find(
    (one) => one.interface === wanted && (region === '' || (one.region_id ?? one.region) === region),
  )
  if (found) return found.url
  const there =
    endpoints.map((one) => `${one.interface} in ${one.region_id ?? one.region}`).join(', ') || 'none'
  throw new ConfigError(
    `Keystone's catalogue has no network endpoint ${wanted}${region && ` in ${region}`} (it has: ${there}): correct [df_neutron_sync] interface and region_name, or set endpoint_override`,
  )
}
