import { Duplex } from 'node:stream'
import { describe, expect, test, vi } from 'vitest'
import { ConnectionError, ProtocolError } from '../../src/errors.ts'
import { OvsdbError } from '../../src/ovsdb/errors.ts'
import { JsonRpc } from '../../src/ovsdb/jsonrpc.ts'

/** A connection whose peer is the test. */
function connected(notified: (method: string, params: readonly unknown[]) => void = () => {}) {
  const written: Record<string, unknown>[] = []
  const socket = new Duplex({
    read() {},
    write(chunk, _, done) {
      written.push(JSON.parse(chunk))
      done()
    },
  })
  const reasons: string[] = []
  const rpc = new JsonRpc(
    socket,
    { peer: 'the peer', echoIntervalMs: 5000, timeoutMs: 10_000, limitSize: 1000 },
    { notified, closed: (reason) => reasons.push(reason) },
  )
  const receive = (...messages: unknown[]) =>
    socket.emit('data', Buffer.from(messages.map((message) => JSON.stringify(message)).join('')))
  return { rpc, socket, written, reasons, receive }
}

describe('requests', () => {
  test('are joined to their replies by id, in whichever order these come', async () => {
    const { rpc, written, receive } = connected()
    const replies = [rpc.request('a', [1]), rpc.request('b', [])]
    expect(written).toEqual([
      { id: 1, method: 'a', params: [1] },
      { id: 2, method: 'b', params: [] },
    ])
    receive({ id: 2, result: 'B', error: null }, { id: 1, result: 'A', error: null })
    expect(await Promise.all(replies)).toEqual(['A', 'B'])
    rpc.close('end')
  })

  test('that the server refuses reject with its words', async () => {
    const { rpc, receive, reasons } = connected()
    const reply = rpc.request('monitor', [])
    receive({ id: 1, error: { error: 'unknown database', details: 'no X' } })
    await expect(reply).rejects.toThrow(new OvsdbError('unknown database', 'monitor', 'no X'))
    expect(reasons).toEqual([])
    rpc.close('end')
  })

  test('reject when the connection is lost, and after that', async () => {
    const { rpc, socket, reasons } = connected()
    const reply = rpc.request('transact', [])
    socket.destroy()
    await expect(reply).rejects.toThrow(
      new ConnectionError('transact: the connection to the peer was lost: the peer closed the connection'),
    )
    await expect(rpc.request('transact', [])).rejects.toThrow(
      new ConnectionError('the connection to the peer is closed'),
    )
    expect(reasons).toEqual(['the peer closed the connection'])
  })

  test('a connection is closed once, with the first reason', () => {
    const { rpc, socket, reasons } = connected()
    rpc.close('enough')
    rpc.close('twice')
    socket.emit('error', new Error('late'))
    expect(reasons).toEqual(['enough'])
    expect(socket.destroyed).toBe(true)
  })

  test('a socket error is the reason', () => {
    const { socket, reasons } = connected()
    socket.emit('error', new Error('read ECONNRESET'))
    expect(reasons).toEqual(['read ECONNRESET'])
  })
})

describe("the server's requests", () => {
  test('echo is answered', () => {
    const { rpc, written, receive } = connected()
    receive({ id: 'echo', method: 'echo', params: ['x', 1] })
    expect(written).toEqual([{ id: 'echo', result: ['x', 1], error: null }])
    rpc.close('end')
  })

  test('others are refused', () => {
    const { rpc, written, receive } = connected()
    receive({ id: 0, method: 'reboot', params: [] })
    expect(written).toEqual([{ id: 0, result: null, error: { error: 'unknown method' } }])
    rpc.close('end')
  })
})

test('notifications are handed on in their order', () => {
  const notified = vi.fn()
  const { rpc, receive } = connected(notified)
  receive({ id: null, method: 'update', params: [1] }, { method: 'update', params: [2] })
  expect(notified.mock.calls).toEqual([
    ['update', [1]],
    ['update', [2]],
  ])
  rpc.close('end')
})

describe('a message against the rules closes the connection', () => {
  test.each<[unknown, string]>([
    [{ id: 9, result: 1, error: null }, 'a reply to a request never made (id 9)'],
    [{}, 'a reply to a request never made (id undefined)'],
    [{ id: 1, error: null }, 'a reply to monitor without a result'],
    [{ id: 3, method: 7, params: [] }, 'a message whose method is no text or whose params are no list'],
    [{ id: 3, method: 'echo', params: {} }, 'a message whose method is no text or whose params are no list'],
    [{ id: null, method: 'update', params: ['bad'] }, 'no such row'],
    [[], 'byte 0x5b between two messages'],
    [{ x: 'y'.repeat(1000) }, 'a message is larger than 1000 bytes'],
  ])('%#', async (message, reason) => {
    const { rpc, receive, reasons } = connected(() => {
      throw new ProtocolError('no such row')
    })
    const reply = rpc.request('monitor', [])
    reply.catch(() => {})
    receive(message)
    expect(reasons).toEqual([reason])
    await expect(reply).rejects.toThrow(ConnectionError)
  })

  test('and nothing after it counts', () => {
    const notified = vi.fn()
    const { receive } = connected(notified)
    receive({ id: 9, result: 1 }, { id: null, method: 'update', params: [] })
    expect(notified).not.toHaveBeenCalled()
  })

  test('our own mistakes are not its fault', () => {
    const { rpc, receive } = connected(() => {
      throw new TypeError('ours')
    })
    expect(() => receive({ id: null, method: 'update', params: [] })).toThrow(TypeError)
    rpc.close('end')
  })
})

describe('a peer that says nothing', () => {
  test('is asked for an echo, then given up', () => {
    vi.useFakeTimers()
    try {
      const { written, reasons, receive } = connected()
      vi.advanceTimersByTime(9000)
      expect(written).toEqual([])
      vi.advanceTimersByTime(1000)
      expect(written).toEqual([{ id: 1, method: 'echo', params: [] }])
      receive({ id: 1, result: [], error: null })
      vi.advanceTimersByTime(10_000)
      expect(written).toHaveLength(2)
      expect(reasons).toEqual([])
      vi.advanceTimersByTime(5000)
      expect(reasons).toEqual(['no answer for 15000 ms'])
    } finally {
      vi.useRealTimers()
    }
  })

  test('about one thing too long is given up', async () => {
    vi.useFakeTimers()
    try {
      const { rpc, receive, reasons } = connected()
      const reply = rpc.request('transact', [])
      const rejected = expect(reply).rejects.toThrow(ConnectionError)
      for (let second = 0; second < 10; second++) {
        receive({ id: null, method: 'update', params: [] })
        vi.advanceTimersByTime(1000)
      }
      expect(reasons).toEqual(['no reply to transact within 10000 ms'])
      await rejected
    } finally {
      vi.useRealTimers()
    }
  })
})
