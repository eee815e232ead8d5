/** Flows as an application wants them, each a part by itself. */

import { FlowMap } from '../../src/controller/flow-map.ts'
import { type HeldFlow, identityOf, wantedFlow } from '../../src/controller/held-flow.ts'
import type { Flow } from '../../src/openflow/index.ts'

export const wantedOf = (owner: string, bare: Flow): HeldFlow => wantedFlow(owner, [bare], 0, bare)

export const flowMapOf = (owner: string, flows: readonly Flow[]): FlowMap =>
  FlowMap.empty.with(flows.map((flow) => [identityOf(flow), wantedOf(owner, flow)]))
