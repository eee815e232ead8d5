/**
 * Calls to etcd: several hosts, one after the other until one answers, each call with a deadline, and every error in
 * words for people. The only file that sees etcd3, whose own retries and watchers are not used: they do not say which
 * host failed, and on a cut they can lose events (a catch-up response carries the store's revision, not its own).
 * It knows nothing of rows. dragonflow.md 6.1.
 */

import {
  Etcd3,
  type IDeleteRangeRequest,
  type IDeleteRangeResponse,
  type IKeyValue,
  type IOptions,
  type IRangeRequest,
  type IRangeResponse,
  type ITxnRequest,
  type ITxnResponse,
  type IWatchRequest,
  type IWatchResponse,
} from 'etcd3'
import { ConfigError, type ControllerError, NorthboundError } from '../errors.ts'
import { type EtcdFault, faultOf } from './etcd-fault.ts'

export type { IKeyValue as KeyValue, IRangeResponse as RangeResponse, IWatchResponse as WatchResponse }

/** Where etcd is, and who asks. */
export interface EtcdAccess {
  /** Each as etcd3 wants it: `http://host:port`, `https://host:port` or `unix:/path`. */
  readonly hosts: readonly string[]
  /** Empty if etcd asks for none. */
  readonly user: string
  readonly password: string
  /** What TLS is spoken with, in PEM; the system's own trust without a root certificate. */
  readonly tls: {
    readonly rootCertificate: Buffer | undefined
    readonly privateKey: Buffer | undefined
    readonly certChain: Buffer | undefined
  }
}

/** What a client may be told; everything has a default. */
export interface EtcdClientOptions {
  /** How long a call to one host may take; 5 s. */
  readonly callMs?: number
  /** From 0 up to 1: which host is asked first, and how long a loser waits; `Math.random`. */
  readonly random?: () => number
}

/** An open watch. */
export interface WatchStream {
  request(request: IWatchRequest): void
  /** Asks the host of this watch for one key; rejects if it does not answer. */
  probe(key: Buffer): Promise<IRangeResponse>
  /** Ends it; `ended` is not called any more. */
  cancel(): void
}

/** What a watch tells. */
export interface WatchListener {
  response(response: IWatchResponse): void
  ended(error: ControllerError): void
}

/** An answer that etcd cannot give: the revision is gone, or the message would be too large. */
export class EtcdRefusal extends NorthboundError {
  readonly kind: 'compacted' | 'large'

  constructor(kind: 'compacted' | 'large', message: string) {
    super(message)
    this.kind = kind
  }
}

interface Host {
  readonly name: string
  readonly etcd: Etcd3
}

/** Sends a call on, unchanged: which host is asked and how often is decided here. */
const passThrough = {
  execute: async (call: (context: object) => unknown) => call({}),
} as unknown as NonNullable<NonNullable<IOptions['faultHandling']>['global']>

const grpcOptions = {
  'grpc.enable_http_proxy': 0,
  // etcd takes it amiss if it is asked more often than every 5 s (--grpc-keepalive-min-time).
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.initial_reconnect_backoff_ms': 200,
  'grpc.max_reconnect_backoff_ms': 2_000,
}

/** A client of one etcd cluster. It connects with the first call. */
export class EtcdClient {
  readonly #user: string
  readonly #callMs: number
  readonly #hosts: readonly Host[]
  /** The host that answered last. */
  #current: number

  constructor({ hosts, user, password, tls }: EtcdAccess, options: EtcdClientOptions = {}) {
    const { callMs = 5_000, random = Math.random } = options
    this.#user = user
    this.#callMs = callMs
    this.#current = Math.floor(random() * hosts.length)
    this.#hosts = hosts.map((host) => ({
      name: host.replace(/^https?:\/\//, ''),
      etcd: new Etcd3({
        hosts: host,
        grpcOptions,
        faultHandling: { host: () => passThrough, global: passThrough },
        // grpc-js takes undefined for the system's own trust; etcd3's type does not know it.
        ...(host.startsWith('https:') && { credentials: tls as NonNullable<IOptions['credentials']> }),
        ...(user && { auth: { username: user, password, callOptions: () => this.#limits() } }),
      }),
    }))
  }

  /** The name of the host that is asked next. */
  get host(): string {
    return this.#host.name
  }

  range(request: IRangeRequest): Promise<IRangeResponse> {
    return this.#call(({ kv }) => kv.range(request, this.#limits()))
  }

  deleteRange(request: IDeleteRangeRequest): Promise<IDeleteRangeResponse> {
    return this.#call(({ kv }) => kv.deleteRange(request, this.#limits()))
  }

  /** A transaction without conditions, which may be sent twice. */
  write(request: Pick<ITxnRequest, 'success'>): Promise<ITxnResponse> {
    return this.#call(({ kv }) => kv.txn(request, this.#limits()))
  }

  /** A transaction with conditions: throws NorthboundError if nobody can know whether it was done. */
  txn(request: ITxnRequest): Promise<ITxnResponse> {
    return this.#call(({ kv }) => kv.txn(request, this.#limits()), true)
  }

  /** Makes a lease that ends when it is not renewed for that time, in seconds; resolves to its id. */
  async grantLease(seconds: number): Promise<string> {
    const { ID } = await this.#call(({ leaseClient }) =>
      leaseClient.leaseGrant({ TTL: seconds }, this.#limits()),
    )
    return ID
  }

  /** Renews a lease once; false if it has ended. */
  renewLease(lease: string): Promise<boolean> {
    return this.#call(async ({ leaseClient }) => {
      const stream = await leaseClient.leaseKeepAlive(this.#limits())
      return new Promise<boolean>((resolve, reject) => {
        stream.on('data', ({ TTL }) => {
          stream.end()
          resolve(Number(TTL) > 0)
        })
        stream.on('error', reject)
        stream.write({ ID: lease })
      })
    })
  }

  /** Ends a lease, and with it its keys. */
  async revokeLease(lease: string): Promise<void> {
    await this.#call(({ leaseClient }) => leaseClient.leaseRevoke({ ID: lease }, this.#limits()))
  }

  /** Opens a watch at the host that answered last. */
  async watch(listener: WatchListener): Promise<WatchStream> {
    const host = this.#host
    let isOver = false
    const end = (error: unknown) => {
      if (isOver) return
      isOver = true
      this.#leave(host)
      listener.ended(this.#faultOf(error, host).error)
    }
    const opened = await host.etcd.watchClient.watch().catch((error: unknown) => {
      this.#leave(host)
      throw this.#faultOf(error, host).error
    })
    opened
      .on('data', (response) => {
        if (!isOver) listener.response(response)
      })
      .on('error', end)
      .on('end', () => end('the watch was ended'))
    return {
      request: (request) => opened.write(request),
      probe: async (key) => {
        try {
          return await host.etcd.kv.range({ key }, this.#limits())
        } catch (error) {
          this.#leave(host)
          throw this.#faultOf(error, host).error
        }
      },
      cancel: () => {
        isOver = true
        opened.cancel()
      },
    }
  }

  /** Ends every call. */
  close(): void {
    for (const { etcd } of this.#hosts) etcd.close()
  }

  get #host(): Host {
    return this.#hosts[this.#current]!
  }

  #limits() {
    return { deadline: Date.now() + this.#callMs }
  }

  async #call<T>(work: (etcd: Etcd3) => Promise<T>, isOnce = false): Promise<T> {
    const failures: ControllerError[] = []
    for (const _ of this.#hosts) {
      const host = this.#host
      try {
        return await work(host.etcd)
      } catch (error) {
        const fault = this.#faultOf(error, host)
        if (fault.kind === 'compacted' || fault.kind === 'large')
          throw new EtcdRefusal(fault.kind, fault.error.message)
        if (fault.kind === 'everywhere') throw fault.error
        this.#leave(host)
        if (isOnce && fault.isOutcomeUnknown)
          throw new NorthboundError(
            `${fault.error.message}; whether the change was made is not known: look, then try again`,
          )
        failures.push(fault.error)
      }
    }
    throw joined(failures)
  }

  #faultOf(error: unknown, { name }: Host): EtcdFault {
    return faultOf(error, { host: name, user: this.#user })
  }

  /** Others ask the next host from now on, unless somebody has found one already. */
  #leave(host: Host): void {
    if (this.#host === host) this.#current = (this.#current + 1) % this.#hosts.length
  }
}

/** One line about all hosts; what a person must mend comes to the front. */
function joined(failures: readonly ControllerError[]): ControllerError {
  const mistake = failures.find((failure) => failure instanceof ConfigError)
  const told = failures.map(({ message }) => message).join('; ')
  return mistake ?? new NorthboundError(told)
}
