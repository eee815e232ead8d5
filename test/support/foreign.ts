/** Applications from outside for tests: the example of docs/writing-an-app.md, and a directory in which they are found. */

import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { builtSource } from './build.ts'

const root = join(import.meta.dirname, '../..')
const document = join(root, 'docs/writing-an-app.md')

/** The blocks of that language in docs/writing-an-app.md. */
export function blocksOf(language: string): string[] {
  const text = readFileSync(document, 'utf8')
  return [...text.matchAll(/```(\w+)\n([^`]*)```/g)].flatMap(([, name, body]) =>
    name === language ? [body!] : [],
  )
}

/** A directory in which `dragonflow-dns` is installed: our package.json, and the compiled source as its `dist`. */
export function prepareDirectory(directory: string): void {
  const installed = join(directory, 'node_modules/dragonflow-dns')
  mkdirSync(installed, { recursive: true })
  cpSync(join(root, 'package.json'), join(installed, 'package.json'))
  symlinkSync(builtSource(), join(installed, 'dist'))
  writeFileSync(join(directory, 'package.json'), '{ "type": "module" }\n')
}

/**
 * Compiles `<name>.ts` of that directory to `<name>.js` beside it, as strict as this project is, with the types of
 * `dragonflow-dns/app`. Returns what the compiler has to say.
 */
export function compile(directory: string, name: string): string[] {
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    verbatimModuleSyntax: true,
    skipLibCheck: true,
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
    allowImportingTsExtensions: false,
    rewriteRelativeImportExtensions: true,
    paths: { 'dragonflow-dns/app': [join(root, 'src/app/kit.ts')] },
  }
  const file = join(directory, `${name}.ts`)
  const program = ts.createProgram([file], options)
  const source = program.getSourceFile(file)!
  program.emit(source, (_path, text) => writeFileSync(join(directory, `${name}.js`), text))
  const diagnostics = [
    ...program.getOptionsDiagnostics(),
    ...program.getSemanticDiagnostics(source),
    ...program.getSyntacticDiagnostics(source),
  ]
  return diagnostics.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '))
}
