/**
 * The application l3_proactive: the routers of tenants, in the switch of every node that has ports behind them. It joins
 * the pure parts (routers, flows, refusals) to the host.
 */

import { type OptionTable, type OptionValues, option } from '../../config/index.ts'
import {
  type App,
  type AppHost,
  type Application,
  flowsIn,
  type Part,
  type Unit,
  type Verdict,
} from '../app.ts'
import { createMemo, partOf } from '../memo.ts'
import { registers as pipelineRegisters, registerNumber } from '../pipeline.ts'
import { createSegments } from '../segments.ts'
import { createTokenBuckets } from '../token-bucket.ts'
import type { LocalPort, View } from '../view.ts'
import { advertised } from './advertise.ts'
import { bypassRow, commonFlows, hostsOf, routerFlows, userdata } from './flows.ts'
import { type Note, noteOf } from './notes.ts'
import { refusalOf } from './refuse.ts'
import { createRouters } from './routers.ts'

const rate = { min: 1, max: 1_000_000, default: 3, unit: 'packets a second' }

const options = {
  router_ttl_invalid_max_rate: option.integer(
    rate,
    'How many packets of one port whose TTL has run out are answered; it hears nothing of more.',
  ),
  router_port_unreach_max_rate: option.integer(
    rate,
    'How many packets of one port that cannot be delivered, or that ask for a router in a way that the switch cannot answer, are answered; it hears nothing of more.',
  ),
} satisfies OptionTable

/** The application `l3_proactive`; section `[df_l3_app]`. */
export const l3: Application<typeof options> = {
  name: userdata,
  section: 'df_l3_app',
  options,
  factory: createL3,
}

const noteRegister = registerNumber(pipelineRegisters.note)
const routerRegister = registerNumber(pipelineRegisters.router)

/** How long the errors of a port that causes too many are not even looked at. */
const bypassSeconds = 1

function createL3(values: OptionValues<typeof options>, { metrics }: AppHost): App {
  const common = [...commonFlows()]
  const hosts = createMemo<Part>()
  const ofRouter = createMemo<Unit>()
  const ofSegment = createMemo<Unit>()
  const routesAt = createRoutes()
  const admit = admission(values)
  let leftOut = 0
  metrics.reading(
    'df_l3_left_out',
    'Ports and extra routes of routers in reach that are left out, because they contradict the rest',
    () => leftOut,
  )

  function* units(view: View): Iterable<Unit> {
    const { segments, routers } = routesAt(view)
    leftOut = routers.reduce((sum, router) => sum + router.leftOut, 0)
    const joined = new Set(routers.flatMap(({ interfaces }) => interfaces.map(({ networkId }) => networkId)))
    yield common
    for (const router of routers) yield ofRouter(router, '', () => [partOf(router, undefined, routerFlows)])
    for (const segment of segments.filter(({ network }) => joined.has(network.id)))
      yield ofSegment(segment, '', () => [...hostsOf(segment, hosts)])
  }

  return {
    name: userdata,
    onFailure: 'drop',
    units,
    flows: (view) => flowsIn(units(view)),
    bypass: (port) => [bypassRow(port)],
    packetIn({ port, frame, atMs, registers }, view): Verdict {
      const note = noteOf(registers?.register(noteRegister) ?? 0)
      const routing = routesAt(view).byKey.get(registers?.register(routerRegister) ?? 0)
      if (note === undefined || routing === undefined) return { kind: 'drop', why: 'unknown_router' }
      if (!admit(note, port, atMs)) return { kind: 'pass', why: 'rate', bypassSeconds }
      return note === 'solicited'
        ? advertised(frame, port, routing)
        : refusalOf({ frame, port, note, routing })
    },
  }
}

/** Makes the function that gives what is routed in a view, found once for each view. */
function createRoutes() {
  const segmentsAt = createSegments()
  const routersAt = createRouters()
  const found = (view: View) => {
    const segments = segmentsAt(view)
    const routers = routersAt(view, segments)
    return { view, segments, routers, byKey: new Map(routers.map((router) => [router.key, router])) }
  }
  let last: ReturnType<typeof found> | undefined
  return (view: View) => {
    if (last?.view !== view) last = found(view)
    return last
  }
}

/** Makes the function that says whether a port may be told of one more error. */
function admission({
  router_ttl_invalid_max_rate,
  router_port_unreach_max_rate,
}: OptionValues<typeof options>) {
  const hopLimits = createTokenBuckets<LocalPort>(router_ttl_invalid_max_rate)
  const others = createTokenBuckets<LocalPort>(router_port_unreach_max_rate)
  return (note: Note, port: LocalPort, atMs: number): boolean =>
    (note === 'hop_limit' ? hopLimits : others)(port, atMs)
}
