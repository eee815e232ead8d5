/**
 * Whether the packets of a match have what its actions work on: what Open vSwitch checks when it takes a flow and refuses
 * as OFPBAC_MATCH_INCONSISTENT (`ofpacts_check` in lib/ofp-actions.c) or OFPBIC_BAD_TABLE_ID. It knows no message.
 */

import { CodecError, inside } from '../wire/codec.ts'
import type { Action } from './actions.ts'
import type { Instruction } from './instructions.ts'
import type { LearnSpec } from './learn.ts'
import { checkNeeds, comparedOf, ethTypeOf, type Match, mustHave } from './match.ts'
import { type Needs, needs } from './needs.ts'
import { ethTypes, type FieldName } from './oxm.ts'
import { fieldOfSet } from './set-field.ts'

interface Checked {
  readonly tableId: number
  readonly match: Match
  readonly instructions: readonly Instruction[]
}

/** Throws `CodecError` for an action that the match does not allow, and for a way back to an earlier table. */
export function checkInstructions({ tableId, match, instructions }: Checked): void {
  for (const [i, one] of instructions.entries())
    inside(i, () => {
      if (one.kind === 'gotoTable' && one.tableId <= tableId && tableId !== 0xff)
        throw new CodecError(`${one.tableId} is not after table ${tableId}`, ['gotoTable'])
      if (one.kind === 'applyActions' || one.kind === 'writeActions')
        inside(one.kind, () => inside('actions', () => checkActions(one.actions, match)))
    })
}

/** What the packet looks like: its match, and the tag below the one that it says. */
type Shape = Match & { readonly below?: Match }

/** What the packet looks like changes on the way: tags, labels and headers are put on and taken off. */
function checkActions(actions: readonly Action[], match: Match, isInCt = false): void {
  let shape: Shape = match
  const isConjunctive = actions.some((one) => one.kind === 'conjunction')
  for (const [i, one] of actions.entries())
    inside(i, () =>
      inside(one.kind, () => {
        if (isConjunctive && one.kind !== 'conjunction' && one.kind !== 'note')
          throw new CodecError('stands beside conjunction')
        checkPlace(one, isInCt)
        shape = after(one, shape)
      }),
    )
}

/** Mark and label of a connection are written inside `ct` and nothing else is; `nat` stands there alone too. */
function checkPlace(one: Action, isInCt: boolean): void {
  const name = writtenBy(one)
  const isOfConnection = one.kind === 'nat' || name === 'ctMark' || name === 'ctLabel'
  if (one.kind === 'unknown' || isOfConnection === isInCt) return
  throw new CodecError(
    name === undefined
      ? `this action ${isInCt ? 'has no place in ct' : 'has its place in ct alone'}`
      : `${name} ${isInCt ? 'cannot be changed in ct' : 'is changed in ct alone'}`,
  )
}

function writtenBy(one: Action): FieldName | undefined {
  if (one.kind === 'setField') return fieldOfSet(one.field)[0]
  if (one.kind === 'move' || one.kind === 'load') return one.to.field
  return one.kind === 'stackPop' ? one.place.field : undefined
}

/** Throws unless the action fits packets of that shape; gives their shape after it. */
function after(one: Action, shape: Shape): Shape {
  switch (one.kind) {
    case 'setField': {
      const [name] = fieldOfSet(one.field)
      if (name === 'vlanVid') mustHave('vlanVid', needs.vlan, shape)
      checkNeeds(name, shape)
      return name === 'vlanTci' ? { ...shape, ...one.field } : shape
    }
    case 'move':
      checkNeeds(one.from.field, shape)
      checkNeeds(one.to.field, shape)
      return shape
    case 'load':
      checkNeeds(one.to.field, shape)
      return shape
    case 'stackPush':
    case 'stackPop':
      checkNeeds(one.place.field, shape)
      return shape
    case 'outputReg':
    case 'outputReg2':
      checkNeeds(one.from.field, shape)
      return shape
    case 'multipath':
    case 'bundleLoad':
      checkNeeds(one.to.field, shape)
      return shape
    case 'resubmitCt':
      mustHave('the packet', needs.ct, shape)
      return shape
    case 'setTtl':
    case 'decTtl':
    case 'decTtlIds':
      mustHave('the packet', needs.ip, shape)
      return shape
    case 'setMplsTtl':
    case 'decMplsTtl':
      mustHave('the packet', needs.mpls, shape)
      return shape
    case 'finTimeout':
      mustHave('the packet', needs.tcp, shape)
      return shape
    case 'pushVlan':
      return { ...withoutTag(shape), vlanVid: 0x1000, below: tagOf(shape) }
    case 'popVlan':
      mustHave('the packet', needs.vlan, shape)
      return { ...withoutTag(shape), ...shape.below }
    case 'encap':
      return encapsulated(shape, one.packetType)
    case 'decap':
      return decapsulated(shape)
    case 'decNshTtl':
      mustHave('the packet', needs.nsh, shape)
      return shape
    case 'pushMpls':
      mustHave('the packet', needs.ether, shape)
      return { ...without(shape, ['ipProto']), ethType: one.ethertype }
    case 'popMpls':
      mustHave('the packet', needs.ether, shape)
      mustHave('the packet', needs.mpls, shape)
      return { ...shape, ethType: one.ethertype }
    case 'ct':
      mustHave('the packet', algNeeds.get(one.alg) ?? needs.ip, shape)
      mustHave('the packet', needs.ip, shape)
      if (one.commit && (comparedOf(shape.ctState ?? 0).value & invalid) !== 0)
        throw new CodecError('commits a connection that is invalid')
      if (typeof one.zone !== 'number') checkNeeds(one.zone.field, shape)
      inside('actions', () => checkActions(one.actions, shape, true))
      return shape
    case 'nat':
      mustHave('the packet', one.addressMin === undefined ? needs.ip : familyOf(one.addressMin), shape)
      return shape
    case 'clone':
      inside('actions', () => checkActions(one.actions, shape))
      return shape
    case 'learn':
    case 'learnLimited':
      inside('specs', () => checkSpecs(one.specs, shape))
      return shape
    default:
      return shape
  }
}

/** The learned flow's match grows spec by spec. */
function checkSpecs(specs: readonly LearnSpec[], shape: Match): void {
  let learned: Match = {}
  for (const [i, one] of specs.entries())
    inside(i, () => {
      if ('from' in one) checkNeeds(one.from.field, shape)
      if (one.kind === 'output') return
      checkNeeds(one.to.field, learned)
      if (one.kind === 'match' && 'value' in one && one.to.offset === 0)
        learned = { ...learned, [one.to.field]: Number(one.value) } as Match
    })
}

const familyOf = (address: string): Needs => (address.includes(':') ? needs.ipv6 : needs.ipv4)

/** The protocols of FTP and TFTP. */
const algNeeds = new Map<number, Needs>([
  [21, needs.tcp],
  [69, needs.udp],
])
/** The state `inv` of a connection. */
const invalid = 0x10

/** What begins with a new header: its packet type tells its Ethernet type, and only IP has an IP protocol. */
function encapsulated(shape: Shape, packetType: number): Shape {
  const outer = { ...without(shape, ['ethType']), packetType }
  const inner = ethTypeOf(shape)
  const ethernet = packetType === 0 && inner !== undefined ? { ...outer, ethType: inner } : outer
  const type = ethTypeOf(ethernet)
  return type === ethTypes.ipv4 || type === ethTypes.ipv6 ? ethernet : without(ethernet, ['ipProto'])
}

/** Without its Ethernet header a packet begins with what that said; without any other one, it is unknown. */
function decapsulated(shape: Shape): Shape {
  const isEthernet = comparedOf(shape.packetType ?? 0).value === 0
  const packetType = isEthernet ? 0x10000 | (ethTypeOf(shape) ?? 0) : unknownType
  return { ...without(shape, ['ethType']), packetType }
}

/** (0, 0xffff): a packet of which nothing is known. */
const unknownType = 0xffff

const tagNames = ['vlanVid', 'vlanPcp', 'vlanTci'] as const
const withoutTag = (shape: Shape): Match => without(shape, ['below' as never, ...tagNames])
const tagOf = (shape: Shape): Match =>
  Object.fromEntries(tagNames.flatMap((name) => (shape[name] === undefined ? [] : [[name, shape[name]]])))

const without = (shape: Match, names: readonly FieldName[]): Match =>
  Object.fromEntries(Object.entries(shape).filter(([name]) => !names.includes(name as FieldName))) as Match
