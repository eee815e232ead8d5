/**
 * The actions that choose by a hash, sample, and put on or take off headers, from the text that `ovs-ofctl` takes. It
 * knows no other action.
 */

import { CodecError } from '../wire/codec.ts'
import type { Action } from './actions.ts'
import { subfieldFrom } from './parse-field.ts'
import { hexFrom, intFrom, portFrom, readWords, type Word, words } from './scan.ts'
import { type Bundle, type NshProperty, packetTypes } from './select-actions.ts'
import { ports } from './show.ts'

type Multipath = Extract<Action, { kind: 'multipath' }>

/** The words of a choice: the codec refuses those that are none of its own. */
const argumentsOf = (text: string): string[] => text.split(/[\s,]+/).filter((word) => word !== '')

function multipathFrom(text: string): Action {
  const [fields, basis = '', algorithm, links = '', argument = '', to = ''] = argumentsOf(text)
  const count = intFrom(links, 16)
  if (count === 0) throw new CodecError('needs a link')
  return {
    kind: 'multipath',
    fields: fields as Multipath['fields'],
    basis: intFrom(basis, 16),
    algorithm: algorithm as Multipath['algorithm'],
    maxLink: count - 1,
    argument: intFrom(argument, 32),
    to: subfieldFrom(to),
  }
}

/** What bundle and bundle_load have in common; the words before the members, after `ofport`. */
function bundleFrom(text: string): { bundle: Bundle; more: readonly string[] } {
  const [, head = '', members = ''] = /^(.*?)\b(?:members|slaves):(.*)$/.exec(text) ?? []
  const [fields, basis = '', algorithm, type, ...more] = argumentsOf(head)
  if (type !== 'ofport') throw new CodecError(`'${text}' is not (fields,basis,algorithm,ofport,…members:…)`)
  return {
    bundle: {
      fields: fields as Bundle['fields'],
      basis: intFrom(basis, 16),
      algorithm: algorithm as Bundle['algorithm'],
      members: argumentsOf(members).map(portFrom),
    },
    more,
  }
}

type Sample = Extract<Action, { kind: 'sampleDirection' }>
// biome-ignore format: one property a line
const sampleWords = {
  probability:      (text: string) => ({ probability: intFrom(text, 16) }),
  collector_set_id: (text: string) => ({ collectorSetId: intFrom(text, 32) }),
  obs_domain_id:    (text: string) => ({ observationDomainId: intFrom(text, 32) }),
  obs_point_id:     (text: string) => ({ observationPointId: intFrom(text, 32) }),
  sampling_port:    (text: string) => ({ samplingPort: portFrom(text) }),
  ingress:          () => ({ direction: 'ingress' as const }),
  egress:           () => ({ direction: 'egress' as const }),
}

function sampleFrom(text: string): Action {
  const { samplingPort, direction, ...given } = readWords<Omit<Sample, 'kind'>>(sampleWords, text)
  if (!given.probability) throw new CodecError('needs a probability above 0')
  const usual = { probability: 0, collectorSetId: 0, observationDomainId: 0, observationPointId: 0, ...given }
  if (direction !== undefined)
    return { kind: 'sampleDirection', ...usual, samplingPort: samplingPort ?? ports.any, direction }
  return samplingPort === undefined
    ? { kind: 'sample', ...usual }
    : { kind: 'samplePort', ...usual, samplingPort }
}

function encapFrom(text: string): Action {
  const [word] = words(text)
  const known = [...packetTypes].find(([, name]) => name === word?.key)
  if (word === undefined || known === undefined) throw new CodecError(`'${text}' is no header`)
  if (word.key !== 'nsh' && word.value !== '') throw new CodecError(`${word.key} has no properties`)
  return { kind: 'encap', packetType: known[0], properties: words(word.value).map(propertyFrom) }
}

function propertyFrom({ key, value }: Word): NshProperty {
  if (key === 'md_type') return { kind: 'metadataType', type: intFrom(value, 8) }
  const [tlvClass = '', type = '', data = ''] = value.split(',')
  if (key !== 'tlv') throw new CodecError(`'${key}' is none of md_type, tlv`)
  return {
    kind: 'tlv',
    class: intFrom(tlvClass, 16),
    type: intFrom(type, 8),
    data: hexFrom(data.replace(/^0x/i, '')),
  }
}

/** (0, 0xfffe): what the next header says. */
const nextProtocol = 0xfffe

function decapFrom(text: string): Action {
  const [word] = words(text)
  const none = { kind: 'decap' as const, properties: Buffer.alloc(0) }
  if (word === undefined) return { ...none, packetType: nextProtocol }
  const { ns, type } = readWords<{ ns: number; type: number }>(
    { ns: (value) => ({ ns: intFrom(value, 16) }), type: (value) => ({ type: intFrom(value, 16) }) },
    word.key === 'packet_type' ? word.value : text,
  )
  if (ns === undefined || type === undefined || ns > 1) throw new CodecError(`'${text}' is no packet type`)
  return { ...none, packetType: ns * 0x10000 + type }
}

// biome-ignore format: one action a line
/** The readers of these actions, by their words. */
export const choiceReaders: Readonly<Record<string, (text: string) => Action[]>> = {
  multipath:   (text) => [multipathFrom(text)],
  bundle:      (text) => [{ kind: 'bundle', ...bundleFrom(text).bundle }],
  bundle_load: (text) => { const { bundle, more: [to = ''] } = bundleFrom(text); return [{ kind: 'bundleLoad', ...bundle, to: subfieldFrom(to) }] },
  sample:      (text) => [sampleFrom(text)],
  encap:       (text) => [encapFrom(text)],
  decap:       (text) => [decapFrom(text)],
}
