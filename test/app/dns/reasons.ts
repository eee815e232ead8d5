/** Every word that a verdict of the dns application may carry. The compiler holds the lists to be complete. */

import type { Pass, Reply } from '../../../src/app/dns/answer.ts'
import type { Unread } from '../../../src/app/dns/question.ts'
import type { Unparsed } from '../../../src/packet/index.ts'

const frameWords: Record<Unparsed, true> = {
  short: true,
  ethertype: true,
  header: true,
  fragment: true,
  protocol: true,
  length: true,
  checksum: true,
  source: true,
  destination: true,
}

const messageWords: Record<Unread, true> = {
  message: true,
  response: true,
  opcode: true,
  counts: true,
  name: true,
  additional: true,
}

const decisionWords: Record<Pass['why'], true> = {
  'no-names': true,
  'unknown-name': true,
  'meta-type': true,
  'parent-side': true,
  'short-name': true,
  class: true,
  'odd-name': true,
  'no-question': true,
}

const replyWords: Record<Reply['why'], true> = {
  answer: true,
  nodata: true,
  nxdomain: true,
  formerr: true,
  badvers: true,
  notimp: true,
  refused: true,
  cookie: true,
}

/** The words by the kind of the verdict. */
export const reasons: Readonly<Record<string, readonly string[]>> = {
  pass: [...Object.keys({ ...frameWords, ...messageWords, ...decisionWords }), 'port'],
  reply: Object.keys(replyWords),
  drop: [],
}
