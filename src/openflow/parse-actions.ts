/**
 * Actions and instructions from the text that `ovs-ofctl` takes and prints (lib/ofp-actions.c of Open vSwitch). It knows
 * no flow, but the match of the packets, on which the old names of some actions depend.
 */

import { CodecError, inside } from '../wire/codec.ts'
import type { Action } from './actions.ts'
import { output } from './flow.ts'
import { type Instruction, instructionTable } from './instructions.ts'
import type { Match } from './match.ts'
import { ctFrom, natFrom } from './parse-ct.ts'
import { subfieldFrom } from './parse-field.ts'
import { parseLearn } from './parse-learn.ts'
import { choiceReaders } from './parse-select.ts'
import { type Packet, writeReaders } from './parse-write.ts'
import { packetInReasons } from './port-actions.ts'
import {
  bigFrom,
  halvesOf,
  hexFrom,
  intFrom,
  portFrom,
  readWords,
  sidesOf,
  type Word,
  words,
} from './scan.ts'
import { ports } from './show.ts'

type Reader = (text: string, packet: Packet) => readonly Action[]

function outputFrom(text: string): Action {
  if (text.includes('max_len')) {
    const { port, maxLen } = readWords<{ port: number; maxLen: number }>(
      { port: (value) => ({ port: portFrom(value) }), max_len: (value) => ({ maxLen: intFrom(value, 32) }) },
      text,
    )
    if (port === undefined || maxLen === undefined) throw new CodecError('needs port and max_len')
    return { kind: 'outputTrunc', port, maxLen }
  }
  if (/^(\d|[a-z_]+$)/i.test(text)) return toPort(portFrom(text))
  const { bits, ...from } = subfieldFrom(text)
  return { kind: 'outputReg', bits, from, maxLen: 0xffff }
}

const toPort = (port: number): Action => output(port, port === ports.controller ? 0xffff : 0)

type Controller = Extract<Action, { kind: 'controller' }>
// biome-ignore format: one property a line
const controllerWords = {
  max_len:  (text: string) => ({ maxLen: intFrom(text, 16) }),
  id:       (text: string) => ({ controllerId: intFrom(text, 16) }),
  reason:   (text: string) => ({ reason: indexIn(packetInReasons, text) }),
  userdata: (text: string) => ({ userdata: hexFrom(text) }),
  meter_id: (text: string) => ({ meterId: intFrom(text, 32) }),
  pause:    () => ({ pause: true }),
}

function controllerFrom(text: string): Action {
  if (/^\d*$/.test(text)) return output(ports.controller, text === '' ? 0xffff : intFrom(text, 16))
  const given = readWords<Controller>(controllerWords, text)
  const isPlain = Object.keys(given).every((name) => name === 'maxLen')
  if (isPlain) return output(ports.controller, given.maxLen ?? 0xffff)
  const usual = { maxLen: 0xffff, controllerId: 0, reason: 1, userdata: Buffer.alloc(0), pause: false }
  return { kind: 'controller', ...usual, ...given }
}

function indexIn(names: readonly string[], name: string): number {
  const index = names.indexOf(name)
  if (index === -1) throw new CodecError(`'${name}' is none of ${names.join(', ')}`)
  return index
}

function resubmitFrom(text: string): Action {
  const [port = '', table = '', ct = ''] = text.split(',')
  const inPort = port === '' ? ports.inPort : portFrom(port)
  if (ct !== '' && ct !== 'ct') throw new CodecError(`'${ct}' is not ct`)
  if (inPort === ports.inPort && table === '') throw new CodecError('needs a port or a table')
  return {
    kind: ct === 'ct' ? 'resubmitCt' : 'resubmit',
    ...(table === '' ? {} : { tableId: intFrom(table, 8) }),
    ...(inPort === ports.inPort ? {} : { inPort }),
  }
}

function enqueueFrom(text: string): Action[] {
  const [port = '', queue = ''] = text.split(/[:,]/)
  return [{ kind: 'setQueue', queueId: intFrom(queue, 32) }, output(portFrom(port)), { kind: 'popQueue' }]
}

function conjunctionFrom(text: string): Action {
  const [, id = '', clause = '', clauseCount = ''] = /^(\w+)\s*,\s*(\w+)\s*\/\s*(\w+)$/.exec(text) ?? []
  const value = { id: intFrom(id, 32), clause: intFrom(clause, 8) - 1, clauseCount: intFrom(clauseCount, 8) }
  if (
    value.clauseCount < 2 ||
    value.clauseCount > 64 ||
    value.clause < 0 ||
    value.clause >= value.clauseCount
  )
    throw new CodecError(`${clause}/${clauseCount} is no clause`)
  return { kind: 'conjunction', ...value }
}

/** A note fills its action up to a multiple of 8 bytes. */
function noteFrom(text: string): Action {
  const bytes = hexFrom(text)
  return {
    kind: 'note',
    bytes: Buffer.concat([bytes], 8 * Math.max(1, Math.ceil((bytes.length + 2) / 8)) - 2),
  }
}

const fixed = (action: Action): Reader => {
  return (text) => {
    if (text !== '') throw new CodecError(`takes no '${text}'`)
    return [action]
  }
}
const one =
  (read: (text: string) => Action): Reader =>
  (text) => [read(text)]

type FinTimeout = Extract<Action, { kind: 'finTimeout' }>
const times = {
  idle_timeout: (text: string) => ({ idleTimeout: intFrom(text, 16) }),
  hard_timeout: (text: string) => ({ hardTimeout: intFrom(text, 16) }),
}

// biome-ignore format: one action a line
const readers: Readonly<Record<string, Reader>> = {
  ...writeReaders,
  ...choiceReaders,
  output:           one(outputFrom),
  controller:       one(controllerFrom),
  resubmit:         one(resubmitFrom),
  enqueue:          enqueueFrom,
  group:            one((text) => ({ kind: 'group', groupId: intFrom(text, 32) })),
  set_queue:        one((text) => ({ kind: 'setQueue', queueId: intFrom(text, 32) })),
  pop_queue:        fixed({ kind: 'popQueue' }),
  push_vlan:        one((text) => ({ kind: 'pushVlan', ethertype: tagTypeFrom(text) })),
  pop_vlan:         fixed({ kind: 'popVlan' }),
  strip_vlan:       fixed({ kind: 'popVlan' }),
  push_mpls:        one((text) => ({ kind: 'pushMpls', ethertype: intFrom(text, 16) })),
  pop_mpls:         one((text) => ({ kind: 'popMpls', ethertype: intFrom(text, 16) })),
  set_mpls_ttl:     one((text) => ({ kind: 'setMplsTtl', ttl: intFrom(text, 8) })),
  dec_mpls_ttl:     fixed({ kind: 'decMplsTtl' }),
  mod_nw_ttl:       one((text) => ({ kind: 'setTtl', ttl: intFrom(text, 8) })),
  set_nw_ttl:       one((text) => ({ kind: 'setTtl', ttl: intFrom(text, 8) })),
  dec_ttl:          one((text) => text === '' ? { kind: 'decTtl' } : { kind: 'decTtlIds', controllerIds: words(text).map(({ key }) => intFrom(key, 16)) }),
  dec_nsh_ttl:      fixed({ kind: 'decNshTtl' }),
  note:             one(noteFrom),
  exit:             fixed({ kind: 'exit' }),
  push:             one((text) => ({ kind: 'stackPush', ...stackFrom(text) })),
  pop:              one((text) => ({ kind: 'stackPop', ...stackFrom(text) })),
  fin_timeout:      one((text) => ({ kind: 'finTimeout', idleTimeout: 0, hardTimeout: 0, ...readWords<FinTimeout>(times, text) })),
  conjunction:      one(conjunctionFrom),
  learn:            one(parseLearn),
  ct:               (text, packet) => [ctFrom(text, (inner) => actionsIn(inner, packet))],
  ct_clear:         fixed({ kind: 'ctClear' }),
  nat:              one(natFrom),
  clone:            (text, packet) => [{ kind: 'clone', actions: actionsIn(text, packet) }],
  check_pkt_larger: one(checkLargerFrom),
}

function tagTypeFrom(text: string): number {
  const ethertype = intFrom(text, 16)
  if (ethertype !== 0x8100 && ethertype !== 0x88a8)
    throw new CodecError(`${text} is neither 0x8100 nor 0x88a8`)
  return ethertype
}

function stackFrom(text: string) {
  const { bits, ...place } = subfieldFrom(text)
  return { bits, place }
}

/** `1500)->NXM_NX_REG0[3]`: the brackets are gone but for the second. */
function checkLargerFrom(text: string): Action {
  const [length, to] = sidesOf(text)
  const { bits, ...place } = subfieldFrom(to)
  if (bits !== 1) throw new CodecError(`${to} is not one bit`)
  return { kind: 'checkPktLarger', packetLength: intFrom(length.replace(')', ''), 16), to: place }
}

/** The instructions that are none of actions. */
const instructionReaders: Readonly<Record<string, (text: string, packet: Packet) => Instruction>> = {
  meter: (text) => ({ kind: 'meter', meterId: intFrom(text, 32) }),
  clear_actions: () => ({ kind: 'clearActions' }),
  write_actions: (text, packet) => ({ kind: 'writeActions', actions: actionsIn(text, packet) }),
  write_metadata: (text) => {
    const [value, mask] = halvesOf(text)
    const metadataMask = mask === undefined ? 0xffff_ffff_ffff_ffffn : bigFrom(mask, 64)
    return { kind: 'writeMetadata', metadata: bigFrom(value, 64), metadataMask }
  },
  goto_table: (text) => ({ kind: 'gotoTable', tableId: intFrom(text, 8) }),
}

/** Actions of packets of that match, from text. Throws `CodecError` with the word that is wrong. */
export const parseActions = (text: string, match: Match = {}): readonly Action[] =>
  actionsIn(text, packetOf(match))

function packetOf(match: Match): Packet {
  return { match, isTagged: match.vlanPcp !== undefined || hasTag(match.vlanVid) || hasTag(match.vlanTci) }
}

const hasTag = (entry: Match['vlanVid']): boolean =>
  entry !== undefined && ((typeof entry === 'number' ? entry : entry.value) & 0x1000) !== 0

function actionsIn(text: string, packet: Packet): readonly Action[] {
  const instructions = instructionsIn(text, packet)
  const other = instructions.find(({ kind }) => kind !== 'applyActions')
  if (other !== undefined) throw new CodecError(`${other.kind} is no action`)
  return instructions.flatMap((one) => (one.kind === 'applyActions' ? one.actions : []))
}

/** Instructions for packets of that match, from text. Throws `CodecError` with the word that is wrong. */
export const parseInstructions = (text: string, match: Match = {}): readonly Instruction[] =>
  instructionsIn(text, packetOf(match))

function instructionsIn(text: string, packet: Packet): readonly Instruction[] {
  const all = words(text)
  const isDrop = all.some(({ key }) => key === 'drop')
  if (isDrop && all.length > 1) throw new CodecError('drop stands alone')
  const instructions: Instruction[] = []
  let now = packet
  for (const word of isDrop ? [] : all) {
    const one = instructionFrom(word, now)
    const last = instructions.at(-1)
    if (one.kind !== 'applyActions' || last?.kind !== 'applyActions') {
      if (last !== undefined && rankOf(one) <= rankOf(last))
        throw new CodecError(`${one.kind} stands behind ${last.kind}`)
      instructions.push(one)
    } else instructions.splice(-1, 1, { kind: 'applyActions', actions: [...last.actions, ...one.actions] })
    if (one.kind === 'applyActions') now = after(now, one.actions)
  }
  return instructions.filter((one) => one.kind !== 'writeActions' || one.actions.length > 0)
}

const order = Object.keys(instructionTable)
const rankOf = ({ kind }: Instruction): number => order.indexOf(kind)

/** An action is an instruction to carry it out; a port is an action. */
function instructionFrom({ key: word, value }: Word, packet: Packet): Instruction {
  const key = word.toLowerCase()
  return inside(key, () => {
    if (Object.hasOwn(instructionReaders, key)) return instructionReaders[key]!(value, packet)
    const actions = Object.hasOwn(readers, key) ? readers[key]!(value, packet) : [toPort(portFrom(word))]
    return { kind: 'applyActions', actions }
  })
}

function after(packet: Packet, actions: readonly Action[]): Packet {
  const last = actions.findLast(({ kind }) => kind === 'pushVlan' || kind === 'popVlan')
  return last === undefined ? packet : { ...packet, isTagged: last.kind === 'pushVlan' }
}
