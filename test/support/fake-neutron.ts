/**
 * A Neutron and a Keystone of this process, for what a real server cannot be made to do at will: tokens that end,
 * answers that break off, pages of any size. It serves the recorded resources; the real server has tests of its own
 * (test/system/neutron.test.ts).
 */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { type CollectionName, collectionNames, collections } from '../../src/neutron/resources.ts'
import { recordedItems } from './neutron.ts'

type Item = { readonly id: string } & Readonly<Record<string, unknown>>

/** What becomes of a request instead of its answer; `once` of the next one only. */
export type Fault = (request: IncomingMessage, response: ServerResponse) => boolean

export class FakeNeutron {
  readonly items = Object.fromEntries(
    collectionNames.map((name) => [
      name,
      new Map((recordedItems(name) as Item[]).map((item) => [item.id, item])),
    ]),
  ) as Record<CollectionName, Map<string, Item>>
  /** Every request, as `GET /v2.0/ports?...`. */
  readonly requests: string[] = []
  /** The bodies of requests for tokens. */
  readonly logins: unknown[] = []
  readonly tokens = new Set<string>()
  tokenLifeMs = 3_600_000
  /** The server's own limit of a page. */
  maxPage = 10_000
  hasLinks = true
  needsToken = true
  fault: Fault | undefined
  url = ''
  readonly #server
  #tokensGiven = 0

  private constructor(tls?: { key: string; cert: string }) {
    const answer = (request: IncomingMessage, response: ServerResponse) => this.#answer(request, response)
    this.#server = tls ? createTlsServer(tls, answer) : createServer(answer)
  }

  static async start(tls?: { key: string; cert: string }): Promise<FakeNeutron> {
    const fake = new FakeNeutron(tls)
    await new Promise<void>((resolve) => fake.#server.listen(0, '127.0.0.1', resolve))
    fake.url = `http${tls ? 's' : ''}://127.0.0.1:${(fake.#server.address() as AddressInfo).port}`
    return fake
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #answer(request: IncomingMessage, response: ServerResponse): boolean {
    this.requests.push(`${request.method} ${request.url}`)
    if (this.fault?.(request, response)) return true
    const url = new URL(request.url!, this.url)
    const [, version = '', path = '', id] = url.pathname.split('/')
    if (version === 'v3') return this.#login(request, response)
    const token = request.headers['x-auth-token']
    const isKnown = this.needsToken
      ? this.tokens.has(String(token))
      : request.headers['x-roles'] !== undefined
    if (!isKnown)
      return json(response, 401, { error: { message: 'The request you have made requires authentication.' } })
    const collection = collectionNames.find((name) => collections[name].path === path)
    if (version !== 'v2.0' || collection === undefined) return json(response, 404, 'no such path')
    const { list, one } = collections[collection]
    const items = this.items[collection]
    if (id !== undefined) {
      const found = items.get(id)
      if (found) return json(response, 200, { [one]: found })
      return json(response, 404, {
        NeutronError: { type: 'NotFound', message: `${one} ${id} could not be found.` },
      })
    }
    const { marker, limit = '10000', ...filters } = Object.fromEntries(url.searchParams)
    if (marker !== undefined && !items.has(marker)) return json(response, 404, { NeutronError: 'no marker' })
    const wanted = [...items.values()]
      .filter((item) =>
        Object.keys(filters).every(
          (name) => /^sort_/.test(name) || url.searchParams.getAll(name).includes(String(item[name])),
        ),
      )
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .filter((item) => marker === undefined || item.id > marker)
    const page = wanted.slice(0, Math.min(Number(limit), this.maxPage))
    const links =
      page.length < wanted.length && this.hasLinks
        ? { [`${list}_links`]: [{ rel: 'next', href: 'http://elsewhere.example/' }] }
        : {}
    return json(response, 200, { [list]: page, ...links })
  }

  #login(request: IncomingMessage, response: ServerResponse): boolean {
    let text = ''
    request.on('data', (chunk: Buffer) => {
      text += chunk
    })
    request.on('end', () => {
      this.logins.push(JSON.parse(text))
      this.#tokensGiven += 1
      const token = `token-${this.#tokensGiven}`
      this.tokens.add(token)
      const now = Date.now()
      const endpoints = ['public', 'internal'].flatMap((name) =>
        ['one', 'two'].map((region) => ({
          interface: name,
          region_id: region,
          url: name === 'internal' && region === 'one' ? this.url : 'http://192.0.2.1',
        })),
      )
      response.setHeader('x-subject-token', token)
      json(response, 201, {
        token: {
          // Another clock than ours.
          issued_at: new Date(now - 7_200_000).toISOString(),
          expires_at: new Date(now - 7_200_000 + this.tokenLifeMs).toISOString(),
          catalog: [
            { type: 'compute', endpoints: [] },
            { type: 'network', endpoints },
          ],
        },
      })
    })
    return true
  }
}

/** Sends an answer; true, as a fault says that it has dealt with the request. */
export const json = (response: ServerResponse, status: number, body: unknown): true =>
  done(response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)))

/** Whatever was done, the request is dealt with. */
export const done = (_: unknown): true => true
