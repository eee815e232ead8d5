import { existsSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type ControlServer, listenForControl } from '../../src/controller/control.ts'
import { ConfigError } from '../../src/errors.ts'

let folder: string
let server: ControlServer | undefined

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'df-control-'))
})
afterEach(async () => {
  await server?.close()
  server = undefined
  rmSync(folder, { recursive: true, force: true })
})

const methods = {
  status: () => ({ ready: true }),
  echo: (request: Readonly<Record<string, unknown>>) => ({ text: request.text }),
  nothing: () => undefined,
  broken: () => {
    throw new Error('it broke')
  },
}
const start = async (path = join(folder, 'run', 'control.sock')) => {
  server = await listenForControl(path, methods)
  return path
}

/** Sends the text in these pieces and resolves with everything that came back until the other side or we ended. */
function ask(path: string, ...pieces: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    let answer = ''
    socket.setEncoding('utf8')
    socket.on('data', (chunk) => (answer += chunk))
    socket.on('error', reject)
    socket.on('close', () => resolve(answer))
    for (const piece of pieces) socket.write(piece)
    setTimeout(() => socket.end(), 50)
  })
}

describe('a request', () => {
  test.each([
    ['a known method', '{"method":"status"}\n', '{"ready":true}\n'],
    ['a method with parameters', '{"method":"echo","text":"a\\nb"}\n', '{"text":"a\\nb"}\n'],
    ['a method without a result', '{"method":"nothing"}\n', '{}\n'],
    ['two lines', '{"method":"status"}\n{"method":"status"}\n', '{"ready":true}\n{"ready":true}\n'],
    ['an empty line', '\n{"method":"status"}\n', '{"ready":true}\n'],
    ['a method that fails', '{"method":"broken"}\n', '{"error":"it broke"}\n'],
    [
      'an unknown method',
      '{"method":"stop"}\n',
      '{"error":"unknown method \\"stop\\"; known: status, echo, nothing, broken"}\n',
    ],
    [
      'a name that every object has',
      '{"method":"toString"}\n',
      '{"error":"unknown method \\"toString\\"; known: status, echo, nothing, broken"}\n',
    ],
  ])('%s', async (_name, request, answer) => {
    expect(await ask(await start(), request)).toBe(answer)
  })

  test.each(['{"method":', 'null', '[1]', '"status"', '{}', '{"method":7}'])(
    '%s is answered with an error',
    async (line) => {
      const answers = await ask(await start(), `${line}\n{"method":"status"}\n`)
      const [first, second] = answers
        .trim()
        .split('\n')
        .map((each) => JSON.parse(each))
      expect(first.error).toEqual(expect.any(String))
      expect(second).toEqual({ ready: true })
    },
  )

  test('may come in pieces', async () => {
    expect(await ask(await start(), '{"met', 'hod":"sta', 'tus"}\n')).toBe('{"ready":true}\n')
  })

  test('without an end is cut off, and others are served', async () => {
    const path = await start()
    expect(await ask(path, 'x'.repeat(70_000))).toMatch(/a line has at most 65536 bytes/)
    expect(await ask(path, '{"method":"status"}\n')).toBe('{"ready":true}\n')
  })
})

describe('the socket', () => {
  test('is its owner’s alone, and is gone after close', async () => {
    const path = await start()
    expect(statSync(path).mode & 0o777).toBe(0o600)
    await server!.close()
    server = undefined
    expect(existsSync(path)).toBe(false)
  })

  test('that a dead process left is replaced', async () => {
    const path = join(folder, 'control.sock')
    const dead = createServer().listen(path)
    await new Promise((resolve) => dead.once('listening', resolve))
    // Closing would remove the file; a killed process leaves it.
    renameSync(path, `${path}.kept`)
    await new Promise((resolve) => dead.close(resolve))
    renameSync(`${path}.kept`, path)
    await start(path)
    expect(await ask(path, '{"method":"status"}\n')).toBe('{"ready":true}\n')
  })

  test('in use is a clear error', async () => {
    const path = await start()
    const second = listenForControl(path, methods)
    await expect(second).rejects.toThrow(ConfigError)
    await expect(second).rejects.toThrow(/control.sock is in use: stop the controller that runs/)
  })

  test('in a place that is no folder is a clear error', async () => {
    writeFileSync(join(folder, 'file'), '')
    const made = listenForControl(join(folder, 'file', 'control.sock'), methods)
    await expect(made).rejects.toThrow(ConfigError)
    await expect(made).rejects.toThrow(/check run_dir/)
  })
})
