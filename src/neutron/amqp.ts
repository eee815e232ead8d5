/**
 * Listens to Neutron's notifications at RabbitMQ: a queue of its own that nobody else reads and that goes with the
 * connection, so that nothing piles up and nothing is taken from others. What a message means is `hints.ts`. After each
 * time that it could not listen it says so, for what was sent meanwhile is lost.
 */

import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Channel, type ChannelModel, connect } from 'amqplib'
import { ConfigError, ProtocolError, reasonOf } from '../errors.ts'
import { type Hint, hintIn } from './hints.ts'
import type { SyncOptions } from './options.ts'

export interface Listener {
  hint(hint: Hint): void
  /** It listens, from now on. */
  listening(): void
  /** It does not listen (any more), and tries again after a while. */
  deaf(error: Error): void
}

/** The pauses between two attempts to connect, in ms. */
const firstPauseMs = 500
const maxPauseMs = 30_000
const heartbeatSeconds = 10

/** Listens until `signal` is aborted. Throws ConfigError for a `transport_url` that is none. */
export async function listen(options: SyncOptions, listener: Listener, signal: AbortSignal): Promise<void> {
  const brokers = brokersOf(options.transport_url)
  let [turn, pauseMs, isDurable] = [0, firstPauseMs, false]
  while (!signal.aborted) {
    const broker = brokers[turn++ % brokers.length]!
    try {
      await session(broker, { ...options, isDurable }, listener, signal, () => {
        pauseMs = firstPauseMs
      })
    } catch (error) {
      if (signal.aborted) return
      // Neutron's exchange is durable if amqp_durable_queues is set there, and must be declared as it is.
      const isOtherKind = /PRECONDITION.FAILED.*durable/i.test(reasonOf(error))
      if (isOtherKind) isDurable = !isDurable
      else listener.deaf(error as Error)
      await sleep(isOtherKind ? 0 : pauseMs * (0.5 + Math.random() / 2), undefined, { signal }).catch(
        () => {},
      )
      pauseMs = Math.min(pauseMs * 2, maxPauseMs)
    }
  }
}

/** From connecting to the end of the connection, which is an error unless `signal` ended it. */
async function session(
  url: URL,
  options: SyncOptions & { readonly isDurable: boolean },
  listener: Listener,
  signal: AbortSignal,
  connected: () => void,
): Promise<void> {
  const socket = {
    timeout: options.timeout * 1000,
    ...(options.cafile && { ca: [readFileSync(options.cafile)] }),
  }
  const connection = await connect(`${url}`, socket)
  const stop = () => connection.close().catch(() => {})
  signal.addEventListener('abort', stop, { once: true })
  try {
    const ended = endOf(connection)
    const channel = await connection.createChannel()
    await Promise.race([subscribe(channel, options, listener), ended])
    connected()
    listener.listening()
    await ended
  } finally {
    signal.removeEventListener('abort', stop)
    await stop()
  }
}

async function subscribe(
  channel: Channel,
  { control_exchange, notification_topic, isDurable }: SyncOptions & { readonly isDurable: boolean },
  listener: Listener,
): Promise<void> {
  // Both are reported with the connection's end, too; without a listener they would end the process.
  channel.on('error', () => {})
  await channel.assertExchange(control_exchange, 'topic', { durable: isDurable })
  const { queue } = await channel.assertQueue('', { exclusive: true, autoDelete: true, durable: false })
  await channel.bindQueue(queue, control_exchange, `${notification_topic}.info`)
  await channel.consume(
    queue,
    (message) => {
      const hint = message && hintIn(message.content)
      if (hint) listener.hint(hint)
    },
    { noAck: true },
  )
}

function endOf(connection: ChannelModel): Promise<void> {
  return new Promise((resolve, reject) => {
    let failure: Error | undefined
    connection.on('error', (error) => {
      failure = error
    })
    connection.on('close', (error) => {
      const why = failure ?? error
      if (why) reject(new ProtocolError('the connection to RabbitMQ was closed', why))
      else resolve()
    })
  })
}

/**
 * The brokers of an oslo.messaging transport URL, `rabbit://user:password@host:5672,user:password@host:5672/vhost`, as
 * amqplib wants them; `?ssl=1` asks for TLS. Throws ConfigError.
 */
export function brokersOf(transport: string): URL[] {
  const [, hosts = '', vhost = '', query = ''] =
    /^rabbit:\/\/([^/?]+)(?:\/([^?]*))?(?:\?(.*))?$/.exec(transport) ?? []
  const scheme = /^(1|true)$/i.test(new URLSearchParams(query).get('ssl') ?? '') ? 'amqps' : 'amqp'
  const path = `${vhost === '' ? '' : `/${encodeURIComponent(decodeURIComponent(vhost))}`}?heartbeat=${heartbeatSeconds}`
  const urls = hosts.split(',').map((host) => `${scheme}://${host.trim()}${path}`)
  // A URL of a scheme that it does not know may lack the host.
  if (urls.every((url) => URL.canParse(url) && new URL(url).hostname !== ''))
    return urls.map((url) => new URL(url))
  throw new ConfigError(
    '[df_neutron_sync] transport_url is none: write it as neutron.conf has it, rabbit://user:password@host:5672/',
  )
}
