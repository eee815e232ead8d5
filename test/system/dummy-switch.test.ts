/** The switch with dummy ports that other tests judge by: what it says has left is all that leaves. */

import { afterAll, beforeAll, expect, test } from 'vitest'
import { type DummySwitch, install, startDummySwitch } from '../support/dummy-switch.ts'

let dummy: DummySwitch
beforeAll(async () => {
  dummy = await startDummySwitch('dummy')
}, 60_000)
afterAll(() => dummy.stop())

test('many frames at once have left when it says what has, of two tenants with the same addresses', async () => {
  const frames = Array.from({ length: 600 }, (_, index) => {
    const frame = Buffer.alloc(60)
    frame.writeUInt32BE(index, 20)
    return frame
  })
  for (const tenant of ['br-red', 'br-blue']) {
    const bridge = await dummy.addBridge(tenant, [1, 2])
    await bridge.install([], [])
    await install(dummy.real, tenant, ['in_port=1 actions=output:2'], [])
    const sent = await bridge.receive(1, ...frames)
    expect(sent.map(({ port, frame }) => [port, frame.toString('hex')])).toEqual(
      frames.map((frame) => [2, frame.toString('hex')]),
    )
  }
})
