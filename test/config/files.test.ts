import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { textOfFile } from '../../src/config/files.ts'
import { type ConfigSource, configFilesOf, defaultConfigFile } from '../../src/config/index.ts'
import { ConfigError } from '../../src/errors.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'df-files-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

interface Vector {
  readonly name: string
  readonly files: readonly string[]
  readonly args: readonly string[]
  readonly order?: readonly string[]
}
const vectors: Vector[] = JSON.parse(
  readFileSync(join(import.meta.dirname, '../vectors/config/files.json'), 'utf8'),
)

function sourceOf(arg: string): ConfigSource {
  const [name, path] = arg.split('=')
  return { kind: name === '--config-dir' ? 'directory' : 'file', path: join(folder, path!) }
}

describe('as oslo.config', () => {
  test.each(vectors)('$name', ({ files, args, order }) => {
    for (const file of files) {
      mkdirSync(dirname(join(folder, file)), { recursive: true })
      writeFileSync(join(folder, file), file)
    }
    const read = () => configFilesOf(args.map(sourceOf), join(folder, 'default.conf')).map(textOfFile)
    if (order === undefined) expect(read).toThrow(ConfigError)
    else expect(read()).toEqual(order)
  })
})

test('the default is where the package puts it', () => {
  expect(defaultConfigFile).toBe('/etc/dragonflow/df.conf')
})

test('a directory is read anew every time', () => {
  const read = () => configFilesOf([{ kind: 'directory', path: folder }], '/nonexistent')
  expect(read()).toEqual([])
  writeFileSync(join(folder, '1.conf'), '')
  expect(read().map((file) => relative(folder, file))).toEqual(['1.conf'])
})

test.each([
  ['missing', 'no such directory'],
  ['a.conf', 'is not a directory'],
])('a directory that is none: %s', (name, why) => {
  writeFileSync(join(folder, 'a.conf'), '')
  const path = join(folder, name)
  expect(() => configFilesOf([{ kind: 'directory', path }])).toThrow(
    new ConfigError(`configuration directory ${path}: ${why}; check --config-dir`),
  )
})
