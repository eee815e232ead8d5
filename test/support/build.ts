/**
 * The compiled source for tests that start processes: Node 20 runs no TypeScript. Compiles `src` without
 * checking types into a folder named after its content, once; every test of the run and of the next one
 * shares it.
 */

import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import ts from 'typescript'

const root = join(import.meta.dirname, '../..')
const cache = join(root, 'node_modules/.cache/df-test')

/** How long a test may wait for the build on a machine that has much else to do, in ms. */
export const buildMs = 120_000

/** The folder that holds the compiled `src` (`<folder>/main.js`, `<folder>/cli/df-db.js`, ...). */
export const builtSource = (): string => join(built('src'), 'src')

/** The folder that holds these folders of the repository, compiled, in their places. */
export function built(...folders: readonly string[]): string {
  const files = folders
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) =>
        join(folder, file),
      ),
    )
    .filter((file) => file.endsWith('.ts'))
    .sort()
    .map((file) => ({ file, text: readFileSync(join(root, file), 'utf8') }))
  const digest = createHash('sha256').update(JSON.stringify(files)).digest('hex').slice(0, 16)
  const folder = join(cache, digest)
  if (isThere(folder)) return folder
  const draft = `${folder}.${process.pid}`
  for (const { file, text } of files) {
    const path = join(draft, file.replace(/\.ts$/, '.js'))
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, compiled(text), { mode: 0o755 })
  }
  writeFileSync(join(draft, 'package.json'), '{ "type": "module" }\n')
  try {
    renameSync(draft, folder)
  } catch {
    // Another worker was quicker; its folder has the same content.
    rmSync(draft, { recursive: true })
  }
  removeOld()
  return folder
}

function compiled(text: string): string {
  const compilerOptions = {
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.ESNext,
    verbatimModuleSyntax: true,
    rewriteRelativeImportExtensions: true,
  }
  return ts.transpileModule(text, { compilerOptions }).outputText
}

/** Removes the builds that no run of the last hour can be using. */
function removeOld(): void {
  for (const name of readdirSync(cache)) {
    const path = join(cache, name)
    if (isThere(path) && Date.now() - statSync(path).mtimeMs > 3_600_000)
      rmSync(path, { recursive: true, force: true })
  }
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined
}
