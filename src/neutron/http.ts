/**
 * JSON over HTTP(S) for one server: a deadline for every request, answers whole or not at all, and certificates checked
 * against one authority where that is given. It knows neither Neutron nor Keystone.
 */

import { readFileSync } from 'node:fs'
import { Agent as HttpAgent, request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { ConfigError, ConnectionError, reasonOf } from '../errors.ts'

/** What was answered. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** The JSON of the body; undefined if it is none. */
  readonly body: unknown
}

export interface Request {
  readonly method?: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly body?: object
}

/** Sends requests. Rejects with ConnectionError if no whole answer came, with ConfigError if TLS must be mended. */
export interface Http {
  send(url: URL, request?: Request): Promise<Answer>
  close(): void
}

/** The most that an answer may have, in bytes: thirty pages of 1,000 ports. */
const maxBodySize = 32 << 20

/** Makes connections that are kept open. `cafile` is empty for the system's own authorities; throws ConfigError. */
export function openHttp({ cafile, timeoutMs }: { cafile: string; timeoutMs: number }): Http {
  const ca = cafile === '' ? undefined : authorityIn(cafile)
  const agents = {
    'http:': new HttpAgent({ keepAlive: true }),
    'https:': new HttpsAgent({ keepAlive: true, ...(ca && { ca }) }),
  }
  return {
    send: (url, { method = 'GET', headers = {}, body } = {}) =>
      new Promise((resolve, reject) => {
        const isTls = url.protocol === 'https:'
        const text = body && JSON.stringify(body)
        const request = (isTls ? httpsRequest : httpRequest)(url, {
          method,
          agent: agents[isTls ? 'https:' : 'http:'],
          signal: AbortSignal.timeout(timeoutMs),
          headers: {
            accept: 'application/json',
            ...(text && { 'content-type': 'application/json' }),
            ...headers,
          },
        })
        const fail = (error: Error) => reject(failureOf(url, error, timeoutMs))
        request.on('error', fail)
        request.on('response', (response) => {
          const chunks: Buffer[] = []
          let size = 0
          response.on('data', (chunk: Buffer) => {
            size += chunk.length
            if (size > maxBodySize)
              response.destroy(new Error(`the answer has more than ${maxBodySize} bytes`))
            else chunks.push(chunk)
          })
          // A body that is cut off ends with `aborted`, never with `end`.
          response.on('error', fail)
          response.on('end', () => {
            const { statusCode: status = 0, headers } = response
            resolve({ status, headers, body: jsonIn(Buffer.concat(chunks)) })
          })
        })
        request.end(text)
      }),
    close: () => {
      for (const agent of Object.values(agents)) agent.destroy()
    },
  }
}

function authorityIn(cafile: string): Buffer {
  try {
    return readFileSync(cafile)
  } catch (error) {
    throw new ConfigError(
      `[df_neutron_sync] cafile = ${cafile} cannot be read (${reasonOf(error)}): name a file of certificates in PEM form`,
    )
  }
}

function jsonIn(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}

/** Errors of OpenSSL about the server's certificate (Node's `tls` documentation, "X509 certificate error codes"). */
const certificateError = /CERT|SELF_SIGNED|UNABLE_TO_(GET_ISSUER|VERIFY)/

function failureOf({ origin }: URL, error: Error, timeoutMs: number): Error {
  const { code = '' } = error as NodeJS.ErrnoException
  if (error.name === 'TimeoutError' || error.name === 'AbortError')
    return new ConnectionError(`${origin} gave no whole answer for ${timeoutMs / 1000} s`)
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return new ConfigError(
      `${origin} shows a certificate for another name: write the URL with the name in it`,
      error,
    )
  if (certificateError.test(code))
    return new ConfigError(
      `the certificate of ${origin} is not trusted (${code}): set [df_neutron_sync] cafile to the authority that signed it`,
    )
  return new ConnectionError(`${origin} cannot be asked (${code || error.message})`)
}
