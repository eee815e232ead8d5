/** docs/openflow.md lists exactly what the tables of src/openflow have. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { controller, formatFlow, resubmit } from '../../src/openflow/index.ts'
import { documentTables } from '../support/openflow-tables.ts'

const document = readFileSync(join(import.meta.dirname, '../../docs/openflow.md'), 'utf8')

/** The first table below a heading. */
function tableBelow(heading: string): string {
  const lines = (document.split(`\n## ${heading}\n`)[1] ?? '').split('\n')
  const start = lines.findIndex((line) => line.startsWith('|'))
  const length = lines.slice(start).findIndex((line) => !line.startsWith('|'))
  return lines.slice(start, start + length).join('\n')
}

test.each([...documentTables])('the table of %s', (heading, table) => {
  expect(tableBelow(heading)).toBe(table)
})

test('the example of the README is true', () => {
  const readme = readFileSync(join(import.meta.dirname, '../../src/openflow/README.md'), 'utf8')
  const actions = [controller({ pause: true, userdata: Buffer.from('dns') }), resubmit(55)]
  const text = formatFlow({
    tableId: 33,
    priority: 100,
    match: { ethType: 0x0800, ipProto: 17, udpDst: 53, reg6: 2 },
    instructions: [{ kind: 'applyActions', actions }],
  })
  expect(readme).toContain(`// ${text}\n`)
})
