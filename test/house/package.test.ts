/**
 * The package as somebody else gets it: packed, unpacked in a folder of its own, without any other package. Its library
 * must load, its types must be found, and its reference must be written without a warning.
 */

import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
/** How long a step may take on a machine that has much else to do, in ms. */
const patienceMs = 240_000
const scratch = mkdtempSync(join(tmpdir(), 'df-package-'))
const run = promisify(execFile)
const tool = (name: string) => join(root, 'node_modules/.bin', name)
const { name, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  name: string
  exports: Record<string, unknown>
}

beforeAll(async () => {
  const source = join(scratch, 'source')
  mkdirSync(source)
  for (const part of ['package.json', 'README.md', 'docs'])
    cpSync(join(root, part), join(source, part), { recursive: true })
  // The library alone: the rest of the package is built and checked elsewhere.
  const config = {
    extends: join(root, 'tsconfig.build.json'),
    compilerOptions: {
      outDir: join(source, 'dist'),
      rootDir: join(root, 'src'),
      typeRoots: [join(root, 'node_modules/@types')],
    },
    include: [join(root, 'src/openflow')],
  }
  writeFileSync(join(source, 'tsconfig.json'), JSON.stringify(config))
  await run(tool('tsc'), ['-p', join(source, 'tsconfig.json')])
  await run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', scratch], { cwd: source })
  const installed = join(scratch, 'app/node_modules', name)
  mkdirSync(installed, { recursive: true })
  const { version } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8')) as { version: string }
  await run('tar', ['-xzf', join(scratch, `${name}-${version}.tgz`), '-C', installed, '--strip-components=1'])
}, patienceMs)

afterAll(() => rmSync(scratch, { recursive: true, force: true }))

const program = `import { decode, encode, formatMessage, parseFlow, type Flow } from '${name}/openflow'
const flow: Flow = parseFlow('table=5,udp,tp_dst=53 actions=resubmit(,6)')
const message = decode(encode({ kind: 'flowMod', xid: 1, command: 'add', ...flow }))
console.log(formatMessage(message))
`

test(
  'the library works in another project, and with its types',
  async () => {
    const app = join(scratch, 'app')
    writeFileSync(join(app, 'package.json'), '{ "type": "module" }\n')
    writeFileSync(join(app, 'main.ts'), program)
    const options = ['--module', 'nodenext', '--target', 'es2023', '--strict', '--skipLibCheck', 'false']
    const types = ['--types', 'node', '--typeRoots', join(root, 'node_modules/@types')]
    await run(tool('tsc'), [...options, ...types, 'main.ts'], { cwd: app })
    const { stdout } = await run('node', ['main.js'], { cwd: app })
    expect(stdout).toBe('OFPT_FLOW_MOD (OF1.3) (xid=0x1): ADD table:5 udp,tp_dst=53 actions=resubmit(,6)\n')
  },
  patienceMs,
)

test('only what is exported can be imported', async () => {
  expect(Object.keys(exports)).toEqual(['./app', './openflow'])
  const inner = `import('${name}/dist/openflow/oxm.js')`
  await expect(run('node', ['-e', inner], { cwd: join(scratch, 'app') })).rejects.toThrow(
    'ERR_PACKAGE_PATH_NOT_EXPORTED',
  )
})

test(
  'the reference of the library is written without a warning',
  async () => {
    await run(
      'npm',
      ['run', '--silent', 'docs:api', '--', '--skipErrorChecking', '--out', join(scratch, 'reference')],
      {
        cwd: root,
      },
    )
    expect(readFileSync(join(scratch, 'reference/functions/parseFlow.html'), 'utf8')).toContain('CodecError')
  },
  patienceMs,
)
