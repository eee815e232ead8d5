/**
 * The way of a query through this controller without a switch: packet-ins as Open vSwitch sends them, and the session,
 * the punt desk and the dns application that take them, over a cloud of any size. It measures nothing.
 */

import { createPuntDesk } from '../../src/controller/punt.ts'
import { createTopology } from '../../src/controller/topology.ts'
import { silentLogger } from '../../src/log.ts'
import { createMetrics } from '../../src/metrics.ts'
import { northboundOf } from '../../src/nb/index.ts'
import { encode, type Message, systemClock } from '../../src/openflow/index.ts'
import { SwitchSession } from '../../src/openflow/session.ts'
import type { SessionHandlers } from '../../src/openflow/session-contract.ts'
import { appsOf } from '../../test/support/cloud.ts'
import { queryFrame } from '../changes.ts'
import { type CloudPort, type CloudSize, domainOf, portsOf, rowsOf } from '../cloud.ts'

/** What Open vSwitch 3.1 puts into a packet that the dns application paused: the bridge, resubmit(,55), the port. */
const continuation = Buffer.from(
  '80000014abfc8a643946fc2e33bd24b8a0f717b7000000008006001800000000ffff001000002320000efff837000000' +
    '8008000800000006',
  'hex',
)

/** HELLO and FEATURES_REPLY: what the switch says to become a session. */
export const introduction: Buffer = Buffer.concat([
  encode({ kind: 'hello', xid: 1, versions: [4] } as Message),
  encode({
    ...{ kind: 'featuresReply', xid: 2, datapathId: 1n, bufferCount: 0, tableCount: 254, auxiliaryId: 0 },
    ...{ capabilities: 0x4f, reserved: 0 },
  } as Message),
])

/** A cloud with its local ports, and who takes their packets. */
export interface Lane {
  readonly localPorts: readonly CloudPort[]
  readonly handlers: Pick<SessionHandlers, 'foresee' | 'packetIn'>
  /** The packet-in of a query of that local port for the name of the port at `place` in its network. */
  packetIn(port: CloudPort, place: number, id: number): Buffer
  /** The same for a name that the cloud does not own. */
  foreign(port: CloudPort, id: number): Buffer
}

/** Makes the lane over a cloud. */
export function createLane(size: CloudSize): Lane {
  const all = portsOf(size)
  const localPorts = all.filter(({ isLocal }) => isLocal)
  const viewAt = createTopology()
  const view = viewAt({
    nb: northboundOf([...rowsOf(size)]),
    switchPorts: localPorts.map(({ id }, index) => ({
      ...{ id, name: id, ofport: index + 1, adminState: 'up', type: 'compute', lport: id },
    })),
    host: 'compute-1',
    patchPorts: new Map(),
  })
  const desk = createPuntDesk({
    ...{
      apps: appsOf(['dns'], { df_dns_max_rate_per_port: 1_000_000 }),
      clock: systemClock,
      log: silentLogger,
      metrics: createMetrics(),
    },
    selfChecked: () => {},
  })
  desk.setView(view)
  const packetIn = (port: CloudPort, name: string, id: number) =>
    encode({
      ...{ kind: 'packetIn2', xid: 0, packet: queryFrame(port, name, id), tableId: 33 },
      ...{ cookie: 0x4446_0100_da6a_e8bcn, reason: 5, userdata: Buffer.from('dns'), continuation },
      metadata: { reg6: port.key, metadata: BigInt(port.network + 1), inPort: port.index + 1 },
    } as unknown as Message)
  return {
    localPorts,
    handlers: {
      foresee: (_, messages, count) => desk.foresee(messages, count),
      packetIn: (session, message) => desk.packetIn(session, message),
    },
    packetIn: (port, place, id) => packetIn(port, `vm-${place}.${domainOf(port.network, size)}`, id),
    foreign: (port, id) => packetIn(port, 'www.example.net', id),
  }
}

/** The lane's own handler among others that do nothing. */
export const handlersOf = ({ handlers }: Lane, connected = () => {}): SessionHandlers => ({
  ...{ connected, message: () => {}, ...handlers },
  rejected: (reason) => {
    throw new Error(reason)
  },
})

/** A session that is connected, and whose bytes nobody reads. */
export function connectedSession(lane: Lane): SwitchSession {
  const link = { write: () => true, end: () => {} }
  const session = new SwitchSession(link, handlersOf(lane), { clock: systemClock, inactivityProbeMs: 5000 })
  session.receive(introduction)
  return session
}
