/** Reading Neutron's API: pages, tokens, faults, and what a person is told. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ConfigError, ConnectionError } from '../../src/errors.ts'
import { neutronApi } from '../../src/neutron/api.ts'
import { openHttp } from '../../src/neutron/http.ts'
import { identityOf } from '../../src/neutron/keystone.ts'
import { type SyncOptions, syncOptions } from '../../src/neutron/options.ts'
import { makeCertificates } from '../support/etcd.ts'
import { done, FakeNeutron, json } from '../support/fake-neutron.ts'
import { recordedCloud, recordedItems } from '../support/neutron.ts'

let fake: FakeNeutron
let nowMs = 0
const closers: (() => void)[] = []
const defaults = Object.fromEntries(
  Object.entries(syncOptions).map(([name, { default: value }]) => [name, value]),
) as unknown as SyncOptions

beforeEach(async () => {
  fake = await FakeNeutron.start()
  nowMs = 0
})
afterEach(async () => {
  for (const close of closers.splice(0)) close()
  await fake.stop()
})

function apiWith(change: Partial<SyncOptions> = {}, pageSize = 1000, timeoutMs = 5_000) {
  const options = {
    ...defaults,
    auth_url: fake.url,
    username: 'feed',
    password: 'secret',
    region_name: 'one',
    ...change,
  }
  const http = openHttp({ cafile: options.cafile, timeoutMs })
  closers.push(http.close)
  return neutronApi(
    http,
    identityOf(options, http, () => nowMs),
    { pageSize, pauseMs: 1, answered: () => {} },
  )
}

describe('a whole cloud', () => {
  test.each([
    ['in one page each', 1000, 10_000, true],
    ['three at a time', 3, 10_000, true],
    ['in pages smaller than asked for', 1000, 2, true],
    ['without links', 4, 10_000, false],
    ['pages that end exactly', 19, 10_000, true],
  ])('%s', async (_, pageSize, maxPage, hasLinks) => {
    Object.assign(fake, { maxPage, hasLinks })
    expect(await apiWith({}, pageSize).cloud()).toEqual(recordedCloud())
  })

  test('in an order in which what is referred to is read later', async () => {
    await apiWith().cloud()
    const order = fake.requests.map((line) => /v2\.0\/([\w-]+)/.exec(line)?.[1]).filter(Boolean)
    expect(order).toEqual(['floatingips', 'ports', 'routers', 'security-groups', 'subnets', 'networks'])
  })

  test('although the last port of a page goes meanwhile', async () => {
    const [gone] = [...fake.items.ports.keys()].sort().slice(2)
    fake.fault = ({ url = '' }) => {
      if (/ports.*marker/.test(url)) fake.items.ports.delete(gone!)
      return false
    }
    const { ports } = await apiWith({}, 3).cloud()
    expect([...ports.keys()].sort()).toEqual([...fake.items.ports.keys()].sort())
  })
})

test('parts are asked for in requests of a length that servers take', async () => {
  const ids = Array.from({ length: 250 }, (_, n) => `none-${n}`)
  const [first, second] = [...fake.items.ports.keys()]
  const found = await apiWith().part('ports', 'id', [...ids, first!, second!])
  expect(found.map(({ id }) => id).sort()).toEqual([first, second].sort())
  expect(fake.requests.filter((line) => line.includes('ports'))).toHaveLength(3)
  expect(Math.max(...fake.requests.map((line) => line.length))).toBeLessThan(8_000)
})

test('one resource is there, or Neutron says that it is not', async () => {
  const [id] = [...fake.items.ports.keys()]
  expect(await apiWith().one('ports', id!)).toMatchObject({ id, value: { id } })
  expect(await apiWith().one('ports', 'none')).toBeUndefined()
  fake.fault = ({ url = '' }, response) => url.includes('/v2.0/') && json(response, 404, 'no route')
  await expect(apiWith().one('ports', id!)).rejects.toThrow(/404 to ports\/.* is not Neutron's/)
})

describe('a token', () => {
  test('of a password, for the region and the interface', async () => {
    await apiWith().cloud()
    const user = { name: 'feed', password: 'secret', domain: { name: 'Default' } }
    expect(fake.logins).toEqual([
      {
        auth: {
          identity: { methods: ['password'], password: { user } },
          scope: { project: { name: 'service', domain: { name: 'Default' } } },
        },
      },
    ])
  })

  test('of an application credential', async () => {
    await apiWith({
      auth_type: 'v3applicationcredential',
      application_credential_id: 'i',
      application_credential_secret: 's',
    }).cloud()
    expect(fake.logins).toEqual([
      {
        auth: {
          identity: { methods: ['application_credential'], application_credential: { id: 'i', secret: 's' } },
        },
      },
    ])
  })

  test('serves until shortly before its end, whatever Keystone’s clock says', async () => {
    const api = apiWith()
    await api.cloud()
    nowMs = 3_600_000 - 310_000
    await api.cloud()
    expect(fake.logins).toHaveLength(1)
    nowMs = 3_600_000 - 290_000
    await api.cloud()
    expect(fake.logins).toHaveLength(2)
  })

  test('that is refused is renewed at once', async () => {
    const api = apiWith()
    await api.cloud()
    fake.tokens.clear()
    expect(await api.cloud()).toEqual(recordedCloud())
    expect(fake.logins).toHaveLength(2)
  })

  test('is not needed where Neutron trusts headers', async () => {
    fake.needsToken = false
    expect(await apiWith({ auth_type: 'none', endpoint_override: `${fake.url}/v2.0/` }).cloud()).toEqual(
      recordedCloud(),
    )
    expect(fake.logins).toEqual([])
  })
})

describe('what passes is tried again', () => {
  const failing = (times: number, fault: FakeNeutron['fault']) => {
    let left = times
    fake.fault = (request, response) =>
      request.url!.includes('/ports') && left-- > 0 && fault!(request, response)
  }
  const body = JSON.stringify({ ports: recordedItems('ports') })
  const faults: Record<string, NonNullable<FakeNeutron['fault']>> = {
    '500': (_, response) => json(response, 500, { NeutronError: { message: 'database is locked' } }),
    '503 of a proxy': (_, response) => done(response.writeHead(503).end('<html>')),
    'half a page': (_, response) => {
      response.writeHead(200, { 'content-length': body.length }).write(body.slice(0, body.length / 2))
      setTimeout(() => response.destroy(), 20)
      return true
    },
    'half a page that claims to be whole': (_, response) =>
      done(response.writeHead(200).end(body.slice(0, body.length / 2))),
    'an answer of something else': (_, response) => json(response, 200, { other: [] }),
    'a cut connection': (request) => done(request.socket.destroy()),
  }

  test.each(Object.entries(faults))('%s, once', async (_, fault) => {
    failing(1, fault)
    expect(await apiWith().cloud()).toEqual(recordedCloud())
  })

  test.each(Object.entries(faults))('%s, for ever: no cloud', async (_, fault) => {
    failing(Number.POSITIVE_INFINITY, fault)
    await expect(apiWith().cloud()).rejects.toBeInstanceOf(ConnectionError)
  })

  test('a server that says nothing', async () => {
    fake.fault = ({ url = '' }) => url.includes('/ports')
    await expect(apiWith({}, 1000, 50).cloud()).rejects.toThrow(/gave no whole answer for 0.05 s/)
  })

  test('no server at all', async () => {
    await expect(apiWith({ auth_url: 'http://127.0.0.1:1' }).cloud()).rejects.toThrow(
      'http://127.0.0.1:1 cannot be asked (ECONNREFUSED)',
    )
  })
})

describe('what a person must mend is told', () => {
  const refuse = (path: string, status: number, body: unknown = {}) => {
    fake.fault = ({ url = '' }, response) => url.includes(path) && json(response, status, body)
  }
  const asMember = () => {
    const items = recordedItems('ports', 'ports-as-member-red.json') as { id: string }[]
    fake.items.ports = new Map(items.map((item) => [item.id, item]))
  }

  test.each<[string, () => unknown, Partial<SyncOptions>, RegExp]>([
    ['a wrong password', () => refuse('/v3/', 401), {}, /refuses feed: correct .* username, password/],
    [
      'a wrong application credential',
      () => refuse('/v3/', 401),
      { auth_type: 'v3applicationcredential', application_credential_id: 'i' },
      /refuses the application credential i/,
    ],
    ['no Keystone there', () => refuse('/v3/', 404), {}, /no Keystone v3 .* correct .*auth_url/],
    ['a project that is not', () => refuse('/v3/', 400), {}, /correct .* project_name/],
    ['Keystone’s answer without a token', () => refuse('/v3/', 201), {}, /gives no token/],
    [
      'a region that is not in the catalogue',
      () => {},
      { region_name: 'three' },
      /no network endpoint internal in three \(it has: public in one, .*region_name/,
    ],
    ['a token that Neutron does not take', () => refuse('/v2.0/', 401), {}, /does not accept the token/],
    ['a role that may not list', () => refuse('/v2.0/', 403), {}, /give the user the role admin or/],
    [
      'a role for one project (ports)',
      asMember,
      {},
      /port .* without binding:host_id.* give the user the role admin/,
    ],
    [
      'a role for one project (no ports)',
      () => {
        fake.items.ports.clear()
        const [network] = [...fake.items.networks.values()]
        const { 'provider:network_type': _, ...seen } = network as Record<string, unknown>
        fake.items.networks = new Map([[network!.id, seen as never]])
      },
      {},
      /network .* without its provider/,
    ],
    [
      'another server',
      () => {},
      { endpoint_override: 'FAKE/other' },
      /no floatingips in the Neutron API v2\.0 here: correct .*endpoint_override/,
    ],
    [
      'a request that Neutron does not understand',
      () => refuse('/v2.0/', 400, { NeutronError: 'bad' }),
      {},
      /refuses to read floatingips \(400\): bad/,
    ],
    ['no auth_url', () => {}, { auth_url: '' }, /auth_url is empty/],
    ['no username', () => {}, { username: '' }, /username is empty/],
    [
      'no credential',
      () => {},
      { auth_type: 'v3applicationcredential' },
      /application_credential_id is empty/,
    ],
    ['no Keystone and no endpoint', () => {}, { auth_type: 'none' }, /endpoint_override is empty/],
    ['no authority', () => {}, { cafile: '/nonexistent.pem' }, /cafile = \/nonexistent.pem cannot be read/],
  ])('%s', async (_, prepare, change, message) => {
    prepare()
    const endpoint = change.endpoint_override?.replace('FAKE', fake.url)
    const asked = async () => apiWith({ ...change, ...(endpoint && { endpoint_override: endpoint }) }).cloud()
    const failure = await asked().catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(ConfigError)
    expect((failure as Error).message).toMatch(message)
  })
})

describe('TLS', () => {
  let folder: string
  let server: FakeNeutron

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'df-tls-'))
    await makeCertificates(folder)
    const [key, cert] = ['server.key', 'server.pem'].map((name) => readFileSync(join(folder, name), 'utf8'))
    server = await FakeNeutron.start({ key: key!, cert: cert! })
  })
  afterAll(async () => {
    await server.stop()
    rmSync(folder, { recursive: true })
  })

  test('with the authority that is named', async () => {
    expect(await apiWith({ auth_url: server.url, cafile: join(folder, 'ca.pem') }).cloud()).toEqual(
      recordedCloud(),
    )
  })

  test('not without it', async () => {
    await expect(apiWith({ auth_url: server.url }).cloud()).rejects.toThrow(
      /is not trusted \(.*set \[df_neutron_sync\] cafile/,
    )
  })

  test('not for another name', async () => {
    const named = server.url.replace('127.0.0.1', 'localhost')
    await expect(apiWith({ auth_url: named, cafile: join(folder, 'ca.pem') }).cloud()).rejects.toThrow(
      /certificate for another name/,
    )
  })
})
