/** A proxy before a real server that spoils what passes: for what a server does not do at will. */

import { createServer, request as httpRequest, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** What becomes of answers: whole; 500 instead; their first half, and a cut; half of it as if whole; after a while. */
export type Fault = 'none' | '500' | 'cut' | 'half' | 'slow'

export class HttpProxy {
  fault: Fault = 'none'
  /** Requests that were spoilt. */
  spoilt = 0
  url = ''
  readonly #target: string
  readonly #slowMs: number
  readonly #server: Server

  private constructor(target: string, slowMs: number) {
    this.#target = target
    this.#slowMs = slowMs
    this.#server = createServer((request, response) => {
      const { fault } = this
      if (fault !== 'none') this.spoilt += 1
      if (fault === '500') return void response.writeHead(500).end('{"NeutronError": "spoilt"}')
      const passed = httpRequest(
        `${this.#target}${request.url}`,
        { headers: request.headers },
        async (answer) => {
          const chunks: Buffer[] = []
          for await (const chunk of answer) chunks.push(chunk as Buffer)
          const body = Buffer.concat(chunks)
          const half = body.subarray(0, body.length / 2)
          if (fault === 'slow') await sleep(this.#slowMs)
          const { 'transfer-encoding': _, ...headers } = answer.headers
          if (fault === 'half')
            return response
              .writeHead(answer.statusCode!, { ...headers, 'content-length': half.length })
              .end(half)
          response.writeHead(answer.statusCode!, { ...headers, 'content-length': body.length })
          if (fault !== 'cut') return response.end(body)
          return response.write(half, () => response.destroy())
        },
      )
      passed.on('error', () => response.destroy())
      passed.end()
    })
  }

  static async start(target: string, slowMs: number): Promise<HttpProxy> {
    const proxy = new HttpProxy(target, slowMs)
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve))
    proxy.url = `http://127.0.0.1:${(proxy.#server.address() as AddressInfo).port}`
    return proxy
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
