/**
 * What monitoring asks over HTTP on loopback: `/metrics` in Prometheus' text form, `/livez` (the event loop turns) and
 * `/readyz` (200, or 503 with the reasons, one a line). It knows nothing of what it reports.
 */

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { HostPort } from '../config/index.ts'
import { ConfigError } from '../errors.ts'
import type { Metrics } from '../metrics.ts'

export interface HealthServer {
  /** The address it listens on, as `127.0.0.1:9476`. */
  readonly address: string
  close(): Promise<void>
}

/**
 * Listens at that address (port 0 takes a free one). `reasons` are the reasons why the controller is not ready; none
 * means that it is. Throws `ConfigError` if the address is not to be had.
 */
export async function listenForHealth(
  { host, port }: HostPort,
  { metrics, reasons }: { metrics: Metrics; reasons: () => readonly string[] },
): Promise<HealthServer> {
  const server = createServer((request, response) => {
    const answer = (status: number, text: string, type = 'text/plain; charset=utf-8') =>
      response.writeHead(status, { 'content-type': type }).end(text)
    if (request.method !== 'GET' && request.method !== 'HEAD') return answer(405, 'GET only\n')
    switch (request.url?.split('?', 1)[0]) {
      case '/metrics':
        metrics.text().then(
          (text) => answer(200, text, metrics.contentType),
          (error: unknown) => answer(500, `${error}\n`),
        )
        return
      case '/livez':
        return answer(200, 'alive\n')
      case '/readyz': {
        const why = reasons()
        return why.length === 0 ? answer(200, 'ready\n') : answer(503, `${why.join('\n')}\n`)
      }
      default:
        return answer(404, '/metrics, /livez or /readyz\n')
    }
  })
  server.headersTimeout = 5000
  server.requestTimeout = 5000
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new ConfigError(
          `cannot listen at metrics_listen = ${textOf(host, port)}: free it or set another`,
          error,
        ),
      ),
    )
    server.listen(port, host, resolve)
  })
  const address = server.address() as AddressInfo
  return {
    address: textOf(address.address, address.port),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const textOf = (host: string, port: number) => `${host.includes(':') ? `[${host}]` : host}:${port}`
