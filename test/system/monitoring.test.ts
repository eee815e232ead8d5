/**
 * What monitoring is given: a running controller's /metrics, judged by Prometheus' own promtool; alert rules and a
 * dashboard that name nothing else; and a document that explains all of it.
 */

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { dig } from '../../src/lab/dig.ts'
import { down, type Lab, namespaceOf, up } from '../../src/lab/lab.ts'
import { runIn } from '../../src/lab/namespace.ts'
import { outputOf } from '../../src/lab/process.ts'
import { builtSource } from '../support/build.ts'
import { labNameOf, tracesOf, twoTenantsFile } from '../support/lab.ts'

const name = labNameOf('monitor')
let lab: Lab
/** What /metrics told after some queries. */
let text: string
/** The names of the metrics in it, with their types. */
let types: ReadonlyMap<string, string>

beforeAll(async () => {
  const controller = join(builtSource(), 'main.js')
  lab = await up({ name, file: twoTenantsFile, controller, diesWithParent: true, report: () => {} })
  for (const tenant of ['red', 'blue'])
    for (const question of [`db.${tenant}.example.org`, 'ext.example.net'])
      await dig(namespaceOf(lab.plan, `${tenant}-web`), ['@198.51.100.53', question])
  const script =
    "fetch('http://127.0.0.1:9476/metrics').then((r) => r.text()).then((t) => process.stdout.write(t))"
  text = await runIn(lab.plan.nodes[0]!.namespace, 'node', ['-e', script])
  types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, metric, type]) => [metric!, type!]))
})
afterAll(async () => {
  await down(name)
  expect(tracesOf(name)).toEqual([])
})

const promtool = async (args: string[], input = '') => {
  const { stdout, stderr, exitCode } = await outputOf('promtool', args, { input })
  return { said: stdout + stderr, exitCode }
}

const read = (path: string) => readFileSync(path, 'utf8')
const alerts = () =>
  (
    parse(read('deploy/alerts.yaml')) as { groups: { rules: { alert: string; expr: string }[] }[] }
  ).groups.flatMap(({ rules }) => rules)

interface Panel {
  readonly id: number
  readonly title: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly { readonly expr: string }[]
}
const { panels } = JSON.parse(read('deploy/grafana-dashboard.json')) as { panels: Panel[] }
/** The dashboard's expressions, its variables replaced as Grafana does it. */
const expressions = panels.flatMap(({ title, targets = [] }) =>
  targets.map(
    ({ expr }) => [title, expr.replaceAll('$__rate_interval', '5m').replaceAll('$instance', '.*')] as const,
  ),
)

/** The metrics that an expression names; a histogram's lines are those of the histogram. */
const namedIn = (expression: string) =>
  [...expression.matchAll(/\b(?:df|process)_[a-z_]+\b/g)].map(([metric]) =>
    metric.replace(/_(bucket|sum|count)$/, (suffix) =>
      types.get(metric.slice(0, -suffix.length)) === 'histogram' ? '' : suffix,
    ),
  )

describe('/metrics', () => {
  test('is as Prometheus wants it', async () => {
    expect(await promtool(['check', 'metrics'], text)).toEqual({ said: '', exitCode: 0 })
  })

  test('counts both tenants’ queries, each under its network', () => {
    for (const tenant of ['red', 'blue'])
      for (const verdict of ['reply', 'pass']) {
        const network = lab.plan.networks.find(({ key }) => key === `${tenant}-net`)!.id
        const labels = `verdict="${verdict}",type="A",family="ipv4",network="${network}"`
        expect(text).toMatch(new RegExp(`^df_dns_queries_total\\{${labels}\\} [1-9]`, 'm'))
      }
  })

  test('is explained in docs/operations.md, all of it', () => {
    const documented = read('docs/operations.md')
    const isMissing = (metric: string) => !new RegExp(`\`${metric}[\`{]`).test(documented)
    expect([...types.keys()].filter(isMissing)).toEqual([])
  })
})

describe('the alert rules', () => {
  test('are valid, and fire when they should', async () => {
    expect(await promtool(['check', 'rules', 'deploy/alerts.yaml'])).toMatchObject({ exitCode: 0 })
    const tested = await promtool(['test', 'rules', 'test/vectors/prometheus/alerts.yaml'])
    expect(tested, tested.said).toMatchObject({ exitCode: 0 })
  })

  test('name what exists', () => {
    expect(alerts().length).toBeGreaterThan(10)
    for (const { alert, expr } of alerts())
      for (const metric of namedIn(expr)) expect([...types.keys()], alert).toContain(metric)
  })
})

describe('the dashboard', () => {
  test('names what exists', () => {
    expect(expressions.length).toBeGreaterThan(20)
    for (const [title, expr] of expressions) {
      expect(namedIn(expr).length, title).toBeGreaterThan(0)
      for (const metric of namedIn(expr)) expect([...types.keys()], title).toContain(metric)
    }
  })

  test('shows every metric of ours, but for what only an application from outside has', () => {
    const shown = new Set(expressions.flatMap(([, expr]) => namedIn(expr)))
    expect([...types.keys()].filter((metric) => metric.startsWith('df_') && !shown.has(metric))).toEqual([])
  })

  test('has expressions that Prometheus understands', async () => {
    const rules = expressions.map(([, expr], index) => ({ record: `panel:${index}`, expr }))
    const file = join(lab.plan.directory, 'dashboard-rules.json')
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }))
    const checked = await promtool(['check', 'rules', file])
    expect(checked, checked.said).toMatchObject({ exitCode: 0 })
  })

  test('has panels that do not cover each other', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)} ${y + Math.floor(cell / w)}`),
    )
    expect(new Set(cells).size).toBe(cells.length)
    expect(panels.every(({ gridPos: { x, w } }) => x + w <= 24)).toBe(true)
  })
})
