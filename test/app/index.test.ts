import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { applications, builtIn, notPorted } from '../../src/app/index.ts'
import { cloudOf } from '../support/cloud.ts'
import { complianceView, rows } from '../support/compliance.ts'
import { tagged } from '../support/frames.ts'

/** dragonflow.md section 7: the names that Dragonflow's `apps_list` knows. */
const dragonflows = [
  'active_port_detection aging chassis_snat classifier dhcp dnat fc l2 legacy_snat l3_proactive l3_reactive log',
  'metadata_service migration portbinding portqos portsec provider sfc sg trunk tunneling',
].flatMap((line) => line.split(' '))

describe('the list of applications', () => {
  const names = applications.map(({ name }) => name)

  test('knows every name that Dragonflow knows', () => {
    const known = [...names, ...builtIn, ...notPorted]
    expect(dragonflows.filter((name) => !known.includes(name))).toEqual([])
    expect(new Set(known).size).toBe(known.length)
  })

  test('gives each application a section of its own', () => {
    expect(new Set(applications.map(({ section }) => section)).size).toBe(names.length)
  })

  test('is what docs/applications.md says', () => {
    const document = readFileSync(join(import.meta.dirname, '../../docs/applications.md'), 'utf8')
    const documented = [...document.matchAll(/^\| \[?([a-z][\w, ]*)/gm)].flatMap((row) =>
      row[1]!.trim().split(', '),
    )
    const listed = documented.filter((name) => name !== 'application')
    expect(listed.sort()).toEqual([...names, ...builtIn, ...notPorted].sort())
  })
})

describe('the pipeline, on the fake switch', () => {
  const cloud = cloudOf(complianceView())
  cloud.fake.isControllerAlive = false // as on the real switch of test/system

  test.each(rows)('$from: $name', ({ from, frame, arrives }) => {
    const hex = (frames: readonly Buffer[]) => frames.map((one) => one.toString('hex'))
    const sent = Object.entries(cloud.port(from).sends(frame)).map(([to, frames]) => [to, hex(frames)])
    const wanted = Object.entries(arrives).map(([to, one]) => [to, hex([one])])
    expect(Object.fromEntries(sent)).toEqual(Object.fromEntries(wanted))
  })
})

describe('a DNS query', () => {
  const query = rows.find(({ name }) => name.startsWith('unknown unicast leaves'))!

  test('waits at the controller, with the asker in its register', () => {
    const { fake, port } = cloudOf(complianceView())
    expect(port('red-web').sends(query.frame)).toEqual({})
    expect(fake.punts.map(({ userdata }) => userdata.toString())).toEqual(['dns'])
    expect(fake.punts[0]).toMatchObject({
      frame: query.frame,
      metadata: { reg6: 1n, metadata: 1n, inPort: 11n },
    })
  })

  test('goes on unchanged when the controller says so, to the uplink of its tenant', () => {
    const { fake, port } = cloudOf(complianceView())
    port('blue-web').sends(query.frame)
    expect(fake.resume(fake.punts[0]!)).toEqual([{ port: 1, frame: tagged(query.frame, 102) }])
  })

  test('does not wait for a controller that is not there', () => {
    const { fake, port } = cloudOf(complianceView())
    fake.isControllerAlive = false
    expect(port('red-web').sends(query.frame)).toEqual(
      Object.fromEntries(Object.entries(query.arrives).map(([to, frame]) => [to, [frame]])),
    )
    expect(fake.punts).toEqual([])
  })
})
