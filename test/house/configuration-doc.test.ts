/**
 * docs/configuration.md lists every option of the controller, of its applications and of the feed as it is declared. With `-u` vitest
 * writes that part of the document anew.
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { applications } from '../../src/app/index.ts'
import { controllerSections, type Option, type OptionTable } from '../../src/config/index.ts'
import { defaultTextOf, isComputed } from '../../src/config/option.ts'
import { syncOptions } from '../../src/neutron/index.ts'

const file = join(import.meta.dirname, '../../docs/configuration.md')
const document = readFileSync(file, 'utf8')
const [begin, end] = ['<!-- options -->\n', '<!-- /options -->\n']

const code = (text: string) => `\`${text.replaceAll('|', '\\|')}\``
const plain = (text: string) => text.replaceAll(/[|<]/g, '\\$&')

function defaultOf(option: Option<unknown>): string {
  if (isComputed(option.default)) return plain(option.default.shown)
  return defaultTextOf(option) === '' ? 'empty' : code(defaultTextOf(option))
}

function rowOf([name, option]: [string, Option<unknown>]): string {
  const reload = option.isReloadable ? 'yes' : 'no'
  return `| ${[code(name), plain(option.expects), defaultOf(option), reload, plain(option.help)].join(' | ')} |`
}

function partOf(section: string, title: string, table: OptionTable): string[] {
  if (Object.keys(table).length === 0) return []
  const head = ['| option | takes | default | SIGHUP | what it is |', '|---|---|---|---|---|']
  return [`### ${code(`[${section}]`)}${title}`, '', ...head, ...Object.entries(table).map(rowOf), '']
}

test('every option, as it is declared', async () => {
  const parts = [
    ...Object.entries(controllerSections).flatMap(([section, table]) => partOf(section, '', table)),
    ...applications.flatMap(({ name, section, options }) =>
      partOf(section, `: the application ${name}`, options),
    ),
    ...partOf('df_neutron_sync', ': df-neutron-sync', syncOptions),
  ]
  const [before, rest] = document.split(begin)
  const [, after] = rest!.split(end)
  await expect(`${before}${begin}\n${parts.join('\n')}\n${end}${after}`).toMatchFileSnapshot(file)
})
