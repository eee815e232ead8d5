import { afterEach, expect, test } from 'vitest'
import { type HealthServer, listenForHealth } from '../../src/controller/health.ts'
import { ConfigError } from '../../src/errors.ts'
import { createMetrics } from '../../src/metrics.ts'

let server: HealthServer | undefined
afterEach(async () => {
  await server?.close()
  server = undefined
})

async function start(reasons: string[] = [], port = 0, host = '127.0.0.1') {
  const metrics = createMetrics()
  metrics.counter('df_test_total', 'A test').inc(3)
  server = await listenForHealth({ host, port }, { metrics, reasons: () => reasons })
  return async (path: string, init?: RequestInit) => {
    const response = await fetch(`http://${server!.address}${path}`, init)
    return `${response.status} ${await response.text()}`
  }
}

test.each([
  ['/livez', '200 alive\n'],
  ['/livez?verbose', '200 alive\n'],
  ['/readyz', '503 no switch\nno view\n'],
  ['/other', '404 /metrics, /livez or /readyz\n'],
])('%s', async (path, answer) => {
  const get = await start(['no switch', 'no view'])
  expect(await get(path)).toBe(answer)
})

test('/readyz is 200 when there is no reason against it', async () => {
  const get = await start()
  expect(await get('/readyz')).toBe('200 ready\n')
})

test('/metrics is the registry', async () => {
  const get = await start()
  expect(await get('/metrics')).toContain('df_test_total 3')
})

test('only reads are served', async () => {
  const get = await start()
  expect(await get('/metrics', { method: 'POST' })).toBe('405 GET only\n')
})

test('IPv6 addresses stand in brackets', async () => {
  const get = await start([], 0, '::1')
  expect(server!.address).toMatch(/^\[::1\]:\d+$/)
  expect(await get('/livez')).toBe('200 alive\n')
})

test('an address of another machine is a clear error', async () => {
  const made = start([], 9476, '192.0.2.1')
  await expect(made).rejects.toThrow(ConfigError)
  await expect(made).rejects.toThrow(
    'cannot listen at metrics_listen = 192.0.2.1:9476: free it or set another',
  )
})

test('an address in use is a clear error', async () => {
  await start()
  const second = start([], Number(server!.address.split(':')[1]))
  await expect(second).rejects.toThrow(
    /cannot listen at metrics_listen = 127\.0\.0\.1:\d+: free it or set another/,
  )
})
