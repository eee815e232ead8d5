/** Compares a query as question.ts read it with what dns-packet reads in the same bytes. */

import { decode } from 'dns-packet'
import { isPlainName } from '../../../src/app/dns/domain-name.ts'
import { askedKey, nameEnd, nameStart, type Query } from '../../../src/app/dns/question.ts'

interface Opt {
  readonly type: string
  readonly udpPayloadSize: number
  readonly ednsVersion: number
  readonly flag_do: boolean
  readonly options: { readonly code: number; readonly data: Buffer }[]
}

/** The first difference as text; undefined if there is none. */
export function differenceOf(message: Buffer, query: Query): string | undefined {
  const judge = decode(withoutKnownOptions(message, query))
  if (decode.bytes !== message.length) return `${message.length - decode.bytes} bytes left over`
  const question = judge.questions![0] ?? { name: '.', type: undefined, class: undefined }
  const hasQuestion = query.nameSize > 0
  const opt = judge.additionals![0] as Opt | undefined
  const cookie = opt?.options.find(({ code }) => code === 10)?.data
  const own = query.edns
  const cookieRead = own && message.subarray(own.cookieOffset, own.cookieOffset + own.cookieSize)
  const facts: Record<string, [unknown, unknown]> = {
    'number of questions': [hasQuestion ? 1 : 0, judge.questions!.length],
    'other records': [0, judge.answers!.length + judge.authorities!.length],
    id: [query.id, judge.id],
    flags: [query.flags & 0x7fff, judge.flags],
    name: isPlainName(message, nameStart(query), nameEnd(query))
      ? [dotted(askedKey(query, message)), question.name.toLowerCase()]
      : [0, 0],
    type: hasQuestion ? [query.type, message.readUInt16BE(query.questionEnd - 4)] : [0, 0],
    class: hasQuestion ? [query.class, message.readUInt16BE(query.questionEnd - 2)] : [0, 0],
    'number of OPT records': [own ? 1 : 0, judge.additionals!.length],
    'type of the OPT record': [own && 'OPT', opt?.type],
    size: [own?.udpSize, opt?.udpPayloadSize],
    version: [own?.version, opt?.ednsVersion],
    DO: [own?.isDnssecOk, opt?.flag_do],
    cookie: [own && own.cookieOffset > 0 ? cookieRead?.toString('hex') : undefined, cookie?.toString('hex')],
  }
  for (const [fact, [ours, theirs]] of Object.entries(facts))
    if (ours !== theirs) return `${fact}: ${ours} against ${theirs} in ${message.toString('hex')}`
  return undefined
}

/**
 * The message with the codes of the options changed whose values dns-packet reads, too (ECS, keepalive, key tag): it
 * throws at odd ones, and we never look at them.
 */
function withoutKnownOptions(message: Buffer, { questionEnd, edns }: Query): Buffer {
  const copy = Buffer.from(message)
  for (let at = questionEnd + 11; edns && at < copy.length; at += 4 + copy.readUInt16BE(at + 2))
    if ([8, 11, 14].includes(copy.readUInt16BE(at))) copy.writeUInt16BE(65_001, at)
  return copy
}

/** A name's wire form as text with dots. */
export function dotted(key: string): string {
  const labels: string[] = []
  for (let at = 0; key.charCodeAt(at) > 0; at += key.charCodeAt(at) + 1)
    labels.push(key.slice(at + 1, at + 1 + key.charCodeAt(at)))
  return labels.join('.') || '.'
}
