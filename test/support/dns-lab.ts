/**
 * A lab whose every port and gateway is watched, and a client in it that is the real `dig`: what a query became of (an
 * answer on the way, or the very packet at the gateway) is read from captures, never from what somebody says of himself.
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type DecodedPacket, decode } from 'dns-packet'
import { expect } from 'vitest'
import { down, type Lab, namespaceOf, portOf, up } from '../../src/lab/lab.ts'
import { outputOf, waitUntil } from '../../src/lab/process.ts'
import { builtSource } from './build.ts'
import { type Capture, startCapture } from './capture.ts'
import { judgeReply, type Payload, payloadOf } from './dns-reply.ts'
import { labNameOf, tracesOf } from './lab.ts'
import { faultOf } from './reply-judge.ts'

/** The two tenants of examples/dns-cases.yaml: their keys begin so, and their names end so. */
export const tenants = [
  ['a', 't1.example', 't2.example'],
  ['b', 't2.example', 't1.example'],
] as const

/** The addresses of the upstream server. */
export const upstream = { v4: '198.51.100.53', v6: '2001:db8::53' } as const

/** For `python3 -c`, with a server and its port: sends payloads (hexadecimal, a line each), and waits for nothing. */
export const sender = `
import socket, sys
server, port = sys.argv[1], int(sys.argv[2])
for line in sys.stdin:
    s = socket.socket(socket.AF_INET6 if ':' in server else socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    s.sendto(bytes.fromhex(line.strip()), (server, port))
`

/** What became of the queries of one command. */
export interface Observed {
  /** What the command printed. */
  readonly output: string
  readonly exitCode: number
  /** The DNS packets that the asker sent, from the IP header on, in hexadecimal. */
  readonly sent: readonly string[]
  readonly sentFrames: readonly Buffer[]
  /** Those that left through a gateway. */
  readonly passed: readonly string[]
  /** The replies that the asker got, oldest first. */
  readonly replies: readonly Reply[]
}

/** A reply as a foreign decoder reads it, with its bytes. */
export interface Reply extends Payload {
  readonly frame: Buffer
  readonly message: DecodedPacket
}

/** What a VM did and printed. */
export interface Done {
  readonly stdout: string
  readonly stderr: string
  readonly exitCode: number
}

/** Which ports may see packets of a command besides the one that runs it. */
export interface Audience {
  /** By default none; a multicast is for everybody on the network, a query to a VM for that one. */
  readonly also?: (port: string) => boolean
  /** How many DNS packets the VM sends at least, where the command does not wait for replies. */
  readonly count?: number
  /** How many replies are awaited, where the command does not wait for them. */
  readonly replying?: number
  /** How many of the packets are awaited at a gateway; by default those that nobody replied to. */
  readonly passing?: number
}

/** `dig` may be done before the captures have seen its packets. */
export const oneReply: Audience = { count: 1, replying: 1 }

const filter = 'udp port 53 or (ip[6:2] & 0x1fff != 0)'

/** Watches a lab of that file until `close`. */
export class DnsLab {
  readonly lab: Lab
  readonly name: string
  readonly #ports: ReadonlyMap<string, Capture>
  readonly #gateways: ReadonlyMap<string, Capture>
  /** Packets that ports other than the asker saw, of all commands. */
  strayPackets = 0
  /** Commands that were observed. */
  commands = 0

  private constructor(
    name: string,
    lab: Lab,
    ports: ReadonlyMap<string, Capture>,
    gateways: ReadonlyMap<string, Capture>,
  ) {
    this.name = name
    this.lab = lab
    this.#ports = ports
    this.#gateways = gateways
  }

  static async start(test: string, file = 'examples/dns-cases.yaml'): Promise<DnsLab> {
    const name = labNameOf(test)
    const lab = await up({
      name,
      file,
      controller: join(builtSource(), 'main.js'),
      diesWithParent: true,
      report: () => {},
    })
    const watch = async (keys: readonly string[], device: string) => {
      const both = { filter, direction: 'inout' } as const
      const captures = keys.map(
        async (key) => [key, await startCapture(namespaceOf(lab.plan, key), device, both)] as const,
      )
      return new Map(await Promise.all(captures))
    }
    const ports = await watch(
      lab.plan.ports.map(({ key }) => key),
      'eth0',
    )
    const gateways = await watch(
      lab.plan.gateways.map(({ key }) => key),
      'inside',
    )
    return new DnsLab(name, lab, ports, gateways)
  }

  namespace(port: string): string {
    return namespaceOf(this.lab.plan, port)
  }

  mac(port: string): string {
    return portOf(this.lab.plan, port).port.mac
  }

  /** Runs a command as a VM and tells what became of its DNS packets. */
  async observe(
    port: string,
    command: readonly string[],
    { input, ...audience }: Audience & { readonly input?: string } = {},
  ): Promise<Observed> {
    const { also = () => false, count = 0, replying = 0, passing } = audience
    const before = this.#sizes()
    const { stdout, stderr, exitCode } = await outputOf(
      'ip',
      ['netns', 'exec', this.namespace(port), ...command],
      { ...(input === undefined ? {} : { input }), timeoutMs: 20_000 },
    )
    const own = () => this.#ports.get(port)!.frames().slice(before.get(port)!)
    const seen = (kind: (frame: Buffer) => boolean) => own().filter(kind).length
    await waitUntil('the packets to be captured', () => seen(isQuery) >= count && seen(isReply) >= replying)
    const frames = own()
    const sent = frames.filter(isQuery)
    const passed = () =>
      [...this.#gateways].flatMap(([key, capture]) =>
        capture.frames().slice(before.get(key)!).filter(isQuery),
      )
    const replies = frames.filter(isReply).map((frame) => {
      const payload = payloadOf(frame)
      return {
        ...payload,
        frame,
        get message() {
          return decode(payload.dns)
        },
      }
    })
    const awaited = passing ?? sent.length - replies.length
    await waitUntil('the packets at the gateway', () => passed().length >= awaited).catch(() => {})
    this.commands += 1
    for (const [key, capture] of this.#ports)
      if (key !== port && !also(key)) this.strayPackets += capture.frames().length - before.get(key)!
    return {
      output: stdout + stderr,
      exitCode,
      sent: sent.map(fromIp),
      sentFrames: sent,
      passed: passed().map(fromIp),
      replies,
    }
  }

  /** Asks with `dig`; `@` and a server are part of the words. */
  async dig(port: string, words: string, audience: Audience = {}): Promise<Observed> {
    return this.observe(port, ['dig', '+tries=1', '+time=3', ...words.split(' ')], audience)
  }

  /** Asks with `dig` and gives the one reply, which was made on the way: no packet left the cloud. */
  async answered(port: string, words: string, audience: Audience = {}): Promise<Reply> {
    const observed = await this.dig(port, words, { ...oneReply, ...audience })
    expect(observed.passed, `${words}: left the cloud`).toEqual([])
    expect(observed.replies, `${words}: ${observed.output}`).toHaveLength(1)
    expect(observed.output).not.toMatch(
      /;; (Warning|WARNING: .*malformed|Got bad)|mismatch|unexpected source/,
    )
    const [query, reply] = [observed.sentFrames[0]!, observed.replies[0]!]
    judgeReply(payloadOf(query).dns, reply.dns)
    expect(faultOf(query, reply.frame), words).toBeUndefined()
    expect(reply.destinationMac).toBe(this.mac(port))
    return reply
  }

  /** Asks with `dig` and expects that the very packet left through the tenant's gateway, and nothing came from us. */
  async forwarded(port: string, words: string): Promise<Observed> {
    const observed = await this.dig(port, words, { count: 1 })
    this.expectForwarded(observed, words)
    return observed
  }

  expectForwarded({ sent, passed, output }: Observed, what: string): void {
    expect(sent.length, `${what}: nothing was sent: ${output}`).toBeGreaterThan(0)
    expect(passed.toSorted(), `${what}: ${output}`).toEqual(sent.toSorted())
  }

  /** Takes the lab down; says how many packets went where they should not. */
  async close(): Promise<void> {
    process.stdout.write(
      `${this.name}: ${this.commands} commands, ${this.strayPackets} packets on other ports\n`,
    )
    for (const capture of [...this.#ports.values(), ...this.#gateways.values()]) await capture.stop()
    await down(this.name)
    expect(tracesOf(this.name)).toEqual([])
  }

  /** The text of the node's metrics. */
  async metrics(): Promise<string> {
    const { stdout } = await outputOf('ip', [
      ...['netns', 'exec', this.lab.plan.nodes[0]!.namespace, 'node', '-e'],
      "fetch('http://127.0.0.1:9476/metrics').then((r) => r.text()).then((t) => process.stdout.write(t))",
    ])
    return stdout
  }

  /** The log of the node's controller. */
  get log(): string {
    return readFileSync(`${this.lab.plan.nodes[0]!.directory}/controller.log`, 'utf8')
  }

  #sizes(): Map<string, number> {
    const captures = [...this.#ports, ...this.#gateways]
    return new Map(captures.map(([key, capture]) => [key, capture.frames().length]))
  }
}

/** The DNS messages in frames. */
export const payloadsOf = (frames: readonly Buffer[]): Payload[] => frames.map(payloadOf)

/** Whether a frame is to port 53, or a later piece of a packet. */
function isQuery(frame: Buffer): boolean {
  const { destinationPort, isLaterFragment } = payloadOf(frame)
  return isLaterFragment || destinationPort === 53
}

const isReply = (frame: Buffer) => {
  const { sourcePort, isLaterFragment } = payloadOf(frame)
  return !isLaterFragment && sourcePort === 53
}

const fromIp = (frame: Buffer) => frame.toString('hex', 14)
