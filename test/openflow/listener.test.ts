import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ListenError } from '../../src/openflow/failure.ts'
import { type Listener, type ListenOptions, listen } from '../../src/openflow/listener.ts'
import type { PacketIn } from '../../src/openflow/packet-in.ts'
import type { Session } from '../../src/openflow/session-contract.ts'
import { manualClock } from '../support/clock.ts'
import { recordedSession } from '../support/recorded.ts'

const [hello, features] = recordedSession().map(({ frame }) => frame) as [Buffer, Buffer]
const packetIn = recordedSession()[7]!.frame

let directory: string
let ends: (() => unknown)[]

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'df-listen-'))
  chmodSync(directory, 0o755)
  ends = []
})
afterEach(async () => {
  for (const end of ends.reverse()) await end()
  rmSync(directory, { recursive: true })
})

/** A listener that notes what it is told. */
async function open(target = `unix:${directory}/switch.sock`, options: ListenOptions = {}) {
  const events: string[] = []
  const sessions: Session[] = []
  const packets: Buffer[] = []
  const handlers = {
    connected: (session: Session) => void sessions.push(session),
    packetIn: (session: Session, { packet }: PacketIn) => {
      packets.push(packet)
      session.send({ kind: 'echoRequest', data: Buffer.alloc(1000) })
    },
    message: () => {},
    rejected: (reason: string) => void events.push(reason),
  }
  const listener = await listen(target, handlers, options)
  ends.push(() => listener.close())
  return { listener, events, sessions, packets, path: target.replace(/^unix:/, '') }
}

/** A switch that has connected; it reads only what a test reads. */
async function connectTo(listener: Listener, ...frames: Buffer[]): Promise<Socket> {
  const [, path, host, port] = /^(?:unix:(.*)|tcp:\[?(.*?)\]?:(\d+))$/.exec(listener.address)!
  const socket = path === undefined ? connect(Number(port), host) : connect(path)
  ends.push(() => socket.destroy())
  await once(socket, 'connect')
  socket.on('error', () => {})
  socket.write(Buffer.concat(frames))
  return socket
}

const codeOf = (error: NodeJS.ErrnoException) => error.code

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5)
}

describe.each([['unix'], ['tcp:127.0.0.1:0'], ['tcp:[::1]:0']])('at %s', (kind) => {
  const target = () => (kind === 'unix' ? `unix:${directory}/switch.sock` : kind)

  test('a switch that connects becomes a session', async () => {
    const { listener, sessions } = await open(target())
    await connectTo(listener, hello, features)
    await until(() => sessions.length === 1)
    expect(sessions[0]!.features.tableCount).toBe(254)
  })

  test('what a switch sends is received in the same memory', async () => {
    const { listener, packets } = await open(target())
    const socket = await connectTo(listener, hello, features)
    for (let count = 1; count <= 3; count += 1) {
      socket.write(packetIn)
      await until(() => packets.length === count)
    }
    expect(new Set(packets.map(({ buffer }) => buffer)).size).toBe(1)
  })

  test('several switches have a session each', async () => {
    const { listener, sessions, events } = await open(target())
    const sockets = [await connectTo(listener, hello, features), await connectTo(listener, hello, features)]
    await until(() => sessions.length === 2)
    sockets[0]!.end()
    const reasons = await Promise.race(sessions.map(({ closed }) => closed))
    expect(reasons).toBe('the switch closed the connection')
    const closed = await Promise.race([
      Promise.all(sessions.map((session) => session.closed)),
      sleep(50, 'one lives'),
    ])
    expect([closed, events]).toEqual(['one lives', []])
  })

  test('close ends every session and frees the place', async () => {
    const { listener, sessions } = await open(target())
    const socket = await connectTo(listener, hello, features)
    socket.resume()
    await until(() => sessions.length === 1)
    await listener.close()
    await expect(sessions[0]!.closed).resolves.toBe('the controller is stopping')
    const again = await open(listener.address)
    expect(again.listener.address).toBe(listener.address)
  })
})

test.each([
  ['before HELLO', [], 'the switch closed the connection'],
  ['before its features', [hello], 'the switch closed the connection'],
  ['in the middle of a message', [hello, features.subarray(0, 9)], 'the switch closed the connection'],
  [
    'after nonsense',
    [Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    'malformed message: a message of type 69 has version 71, not 4 (OpenFlow 1.3)',
  ],
])('a connection that ends %s is told as rejected', async (_, frames, reason) => {
  const { listener, events } = await open()
  const socket = await connectTo(listener, ...frames)
  socket.resume().end()
  await until(() => events.length === 1)
  expect(events).toEqual([reason])
})

test('a connection that breaks ends its session with the reason', async () => {
  const { listener, sessions } = await open('tcp:127.0.0.1:0')
  const socket = await connectTo(listener, hello, features)
  await until(() => sessions.length === 1)
  socket.resetAndDestroy()
  await expect(sessions[0]!.closed).resolves.toBe('the connection broke: read ECONNRESET')
})

describe('the file of a Unix socket', () => {
  test('is for its owner alone, whatever the umask, and goes with the listener', async () => {
    const before = process.umask(0)
    try {
      const { listener, path } = await open()
      expect(statSync(path).mode & 0o777).toBe(0o600)
      expect(process.umask()).toBe(0)
      await listener.close()
      expect(existsSync(path)).toBe(false)
    } finally {
      process.umask(before)
    }
  })

  test('is replaced if nobody listens on it', async () => {
    const path = join(directory, 'switch.sock')
    // A listener that is killed leaves its file: so does one whose file was renamed before it closed.
    const dead = createServer().listen(`${path}.old`)
    await once(dead, 'listening')
    renameSync(`${path}.old`, path)
    dead.close()
    await once(dead, 'close')
    expect(statSync(path).isSocket()).toBe(true)
    const { listener, sessions } = await open()
    await connectTo(listener, hello, features)
    await until(() => sessions.length === 1)
  })

  test('stays if somebody listens on it', async () => {
    const first = await open()
    const error = await listen(`unix:${first.path}`, first as never).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(ListenError)
    expect((error as Error).message).toBe(
      `unix:${first.path}: socket in use by a running process: stop it (is another controller running?) or choose another path`,
    )
    await connectTo(first.listener, hello, features)
    await until(() => first.sessions.length === 1)
  })
})

describe('a place that cannot be had is told with the remedy', () => {
  const refused = async (target: string) =>
    listen(target, {} as never).then(
      () => 'it listens',
      (error: unknown) =>
        error instanceof ListenError ? error.message.replaceAll(directory, '<dir>') : error,
    )

  test('a directory that is missing', async () => {
    expect(await refused(`unix:${directory}/missing/switch.sock`)).toBe(
      'unix:<dir>/missing/switch.sock: directory <dir>/missing does not exist: start Open vSwitch, which makes its run directory, or create it',
    )
  })

  test.each([
    ['a file', () => writeFileSync(join(directory, 'taken'), 'important')],
    ['a directory', () => mkdirSync(join(directory, 'taken'))],
    ['a link to nowhere', () => symlinkSync('nowhere', join(directory, 'taken'))],
  ])('%s in its place, which stays', async (_, make) => {
    make()
    expect(await refused(`unix:${directory}/taken`)).toBe(
      'unix:<dir>/taken: a file that is no socket stands there: remove it or choose another path',
    )
    expect(existsSync(join(directory, 'taken')) || _ === 'a link to nowhere').toBe(true)
  })

  test('a directory that is a file', async () => {
    writeFileSync(join(directory, 'file'), '')
    expect(await refused(`unix:${directory}/file/switch.sock`)).toBe(
      'unix:<dir>/file/switch.sock: <dir>/file is not a directory: correct the path',
    )
  })

  test('no permission', async () => {
    process.seteuid!(65534) // root may write anywhere
    try {
      expect(await refused(`unix:${directory}/switch.sock`)).toBe(
        'unix:<dir>/switch.sock: no permission to create a socket in <dir>: run as root, or grant it with `setfacl -m u:<user>:rwx <dir>`',
      )
    } finally {
      process.seteuid!(0)
    }
  })

  test('a port in use', async () => {
    const { listener } = await open('tcp:127.0.0.1:0')
    expect(await refused(listener.address)).toBe(
      `${listener.address}: address in use by a running process: stop it (is another controller running?) or choose another port`,
    )
  })

  test('an address of another machine', async () => {
    expect(await refused('tcp:192.0.2.1:6653')).toBe(
      'tcp:192.0.2.1:6653: this machine has no address 192.0.2.1: use one that `ip address` shows',
    )
  })

  test('a socket whose owner is too busy to answer', async () => {
    const path = join(directory, 'busy.sock')
    const script = `import socket, time; s = socket.socket(socket.AF_UNIX); s.bind("${path}"); s.listen(0); time.sleep(60)`
    const busy = spawn('python3', ['-c', script])
    ends.push(() => busy.kill('SIGKILL'))
    await until(() => existsSync(path))
    let outcome: string | undefined
    while (outcome !== 'EAGAIN') {
      const waiting = connect(path)
      ends.push(() => waiting.destroy())
      outcome = await new Promise((resolve) => {
        waiting.on('connect', () => resolve(undefined)).on('error', (error) => resolve(codeOf(error)))
      })
    }
    expect(await refused(`unix:${path}`)).toContain('socket in use by a running process')
    expect(existsSync(path)).toBe(true)
  })
})

describe('a switch that does not read', () => {
  const packetCount = 20_000
  const manyPackets = Buffer.concat(Array.from({ length: packetCount }, () => packetIn)) // 3.4 MB

  async function flood() {
    const clock = manualClock()
    const opened = await open(undefined, { clock, inactivityProbeMs: 500 })
    const socket = await connectTo(opened.listener, hello, features)
    await until(() => opened.sessions.length === 1)
    const session = opened.sessions[0]!
    socket.write(manyPackets)
    /** How many packets were taken before no more are. */
    const taken = async () => {
      await until(() => session.counts.packetIns > 0)
      for (let before = -1; before !== session.counts.packetIns; ) {
        before = session.counts.packetIns
        await sleep(100)
      }
      return session.counts.packetIns
    }
    return { clock, socket, session, taken }
  }

  test('is not read any further, until it reads', async () => {
    const { socket, session, taken } = await flood()
    const first = await taken()
    expect(first).toBeLessThan(packetCount / 4)
    let size = 0
    socket.on('data', (chunk) => {
      size += chunk.length
    })
    await until(() => session.counts.packetIns === packetCount)
    const greetingSize = 16 + 20 + 8
    await until(() => size >= greetingSize + packetCount * 1008)
    expect(size).toBe(greetingSize + packetCount * 1008)
  })

  test('is read a little now and then, so that it may be waiting for us', async () => {
    const { clock, taken } = await flood()
    const first = await taken()
    await clock.advance(50)
    const second = await taken()
    expect(second).toBeGreaterThan(first)
    expect(second).toBeLessThan(packetCount / 2)
  })

  test('is given up after two periods', async () => {
    const { clock, session, taken } = await flood()
    await taken()
    let reason: string | undefined
    void session.closed.then((why) => {
      reason = why
    })
    for (let step = 0; step < 40 && reason === undefined; step += 1) {
      await clock.advance(50)
      await sleep(1)
    }
    expect(reason).toMatch(/^the switch has not read what it was sent for 10\d\d ms$/)
  })
})
