import { describe, expect, test } from 'vitest'
import { FlowMap } from '../../src/controller/flow-map.ts'
import {
  type Change,
  changed,
  type Desired,
  difference,
  emptySwitch,
  type Installed,
} from '../../src/controller/flow-table.ts'
import { HeldFlow } from '../../src/controller/held-flow.ts'
import type { Group } from '../../src/openflow/index.ts'
import { flowOf } from '../support/apps.ts'

/** Flows are written `table/match=content`, groups `number=content`. */
type Rows = { flows?: string[]; groups?: string[] }

function flowsOf(rows: string[] = []) {
  return FlowMap.empty.with(
    rows.map((text) => {
      const [word = '', content = ''] = text.split('=')
      const [table, match = ''] = word.split('/')
      const held = new HeldFlow('app', [flowOf(Number(table), 100)], 0, Number(table), content.padEnd(7))
      return [match.padEnd(8), held] as const
    }),
  )
}

const wordOf = (identity: string, { tableId }: HeldFlow) => `${tableId}/${identity.trim()}`

function desiredOf({ flows, groups = [] }: Rows): Desired {
  const wanted = groups.map((text) => {
    const [id, content = ''] = text.split('=')
    const group: Group = { groupId: Number(id), type: 'all', buckets: [] }
    return [Number(id), { owner: 'app', group, content }] as const
  })
  return { flows: flowsOf(flows), groups: new Map(wanted) }
}

function installedOf({ flows, groups = [] }: Rows): Installed {
  const held = groups.map((text) => [Number(text.split('=')[0]), text.split('=')[1] ?? ''] as const)
  return { flows: flowsOf(flows), groups: new Map(held) }
}

function words(change: Change): string {
  switch (change.kind) {
    case 'addFlow':
      return `+${wordOf(change.identity, change.wanted)}=${change.wanted.content.trim()}`
    case 'deleteFlow':
      return `-${wordOf(change.identity, change.held)}`
    case 'deleteGroup':
      return `-group ${change.groupId}`
    default:
      return `${change.kind === 'addGroup' ? '+' : '~'}group ${change.wanted.group.groupId}=${change.wanted.content}`
  }
}

const rows: [string, Rows, Rows, string[]][] = [
  ['nothing wanted, nothing there', {}, {}, []],
  [
    'everything there',
    { flows: ['0/a=x', '5/b=y'], groups: ['31=g'] },
    { flows: ['5/b=y', '0/a=x'], groups: ['31=g'] },
    [],
  ],
  [
    'a missing flow is put back, the others stay',
    { flows: ['0/a=x', '5/b=y'] },
    { flows: ['0/a=x'] },
    ['+5/b=y'],
  ],
  ['a foreign flow goes, the others stay', { flows: ['0/a=x'] }, { flows: ['0/a=x', '0/b=z'] }, ['-0/b']],
  [
    'another content is added over it, never deleted first',
    { flows: ['0/a=x'] },
    { flows: ['0/a=y'] },
    ['+0/a=x'],
  ],
  [
    'additions from the end of the pipeline to its start',
    { flows: ['0/a=x', '115/c=x', '55/b=x'] },
    {},
    ['+115/c=x', '+55/b=x', '+0/a=x'],
  ],
  [
    'deletions from the start of the pipeline to its end',
    {},
    { flows: ['115/c=x', '0/a=x', '55/b=x'] },
    ['-0/a', '-55/b', '-115/c'],
  ],
  [
    'a group before the flow that uses it',
    { flows: ['0/a=x'], groups: ['31=g'] },
    {},
    ['+group 31=g', '+0/a=x'],
  ],
  [
    'a changed group is modified, its flows untouched',
    { flows: ['0/a=x'], groups: ['31=g'] },
    { flows: ['0/a=x'], groups: ['31=h'] },
    ['~group 31=g'],
  ],
  [
    'a group goes after the flow that uses it',
    {},
    { flows: ['0/a=x'], groups: ['31=g'] },
    ['-0/a', '-group 31'],
  ],
  [
    'a deleted group took its flow along',
    { flows: ['0/a=x', '5/b=y'], groups: ['31=g'] },
    { flows: ['5/b=y'] },
    ['+group 31=g', '+0/a=x'],
  ],
  [
    'all at once',
    { flows: ['0/a=x', '20/n=new'], groups: ['31=g', '33=new'] },
    { flows: ['0/a=old', '20/o=x'], groups: ['31=old', '32=o'] },
    ['~group 31=g', '+group 33=new', '+20/n=new', '+0/a=x', '-20/o', '-group 32'],
  ],
]

describe('the difference', () => {
  test.each(rows)('%s', (_name, wanted, there, expected) => {
    expect(difference(desiredOf(wanted), installedOf(there)).map(words)).toEqual(expected)
  })

  test.each(rows)('leaves none when it is applied: %s', (_name, wanted, there) => {
    const installed = installedOf(there)
    const after = changed(installed, difference(desiredOf(wanted), installed))
    expect(difference(desiredOf(wanted), after)).toEqual([])
  })
})

test('an empty switch needs everything', () => {
  expect(difference(desiredOf({ flows: ['0/a=x'], groups: ['31=g'] }), emptySwitch)).toHaveLength(2)
})

test('in a table the flows of one part are sent together', () => {
  const parts = ['red', 'blue'].map((owner) => ({ owner, part: [flowOf(5, 100)] }))
  const flows = ['a', 'b', 'c', 'd'].map((name, index) => {
    const { owner, part } = parts[index % 2]!
    return [name.padEnd(8), new HeldFlow(owner, part, 0, 5, name)] as const
  })
  const changes = difference({ flows: FlowMap.empty.with(flows), groups: new Map() }, emptySwitch)
  const owners = changes.map((change) => (change.kind === 'addFlow' ? change.wanted.owner : ''))
  expect(new Set([owners.slice(0, 2).join(), owners.slice(2).join()])).toEqual(
    new Set(['blue,blue', 'red,red']),
  )
})
