import { decode, encode } from 'dns-packet'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { askedKey, type Query, readQuery } from '../../../src/app/dns/question.ts'
import { parseFrame } from '../../../src/packet/index.ts'
import { captured } from '../../packet/foreign.ts'
import { queryOf } from './asking.ts'
import { differenceOf, dotted } from './differential.ts'

const read = (message: Buffer): Query | string => readQuery(message, 0, message.length)

/** The captured queries: their messages, without the frames around them. */
const asked = captured.flatMap(({ text, frame }) => {
  const packet = parseFrame(frame)
  return typeof packet === 'string'
    ? []
    : [{ text, message: frame.subarray(packet.payloadOffset, packet.payloadEnd) }]
})

describe('readQuery reads what real tools ask', () => {
  const unread: Record<string, string> = {
    'dig +noedns +noad +opcode=15 +norec +header-only': 'opcode',
    'dig +opcode=4 web.red.example.org SOA': 'opcode',
    'dig +opcode=5 red.example.org SOA': 'opcode',
    'dig +opcode=6 web.red.example.org A': 'opcode',
    'dig +noedns +header-only': 'counts',
    'dig -y hmac-sha256:key.example.org:MDEyMzQ1Njc4OWFiY2RlZg== web.red.example.org A': 'additional',
    'an empty payload': 'message',
    '11 bytes': 'message',
    'a response': 'response',
    'trailing bytes': 'message',
  }

  test('every expectation is about a captured query', () => {
    const texts = asked.map(({ text }) => text)
    expect(Object.keys(unread).filter((text) => !texts.includes(text))).toEqual([])
  })

  test.each(asked)('$text', ({ text, message }) => {
    const query = read(message)
    if (unread[text]) return expect(query).toBe(unread[text])
    if (typeof query === 'string') throw new Error(query)
    const judge = decode(message)
    const [question] = judge.questions!
    expect(query.id).toBe(judge.id)
    expect(dotted(askedKey(query, message))).toBe(question?.name.toLowerCase() ?? '.')
    expect(query.flags & 0x7fff).toBe(judge.flags)
    const opt = judge.additionals![0] as
      | {
          udpPayloadSize: number
          ednsVersion: number
          flag_do: boolean
          options: { code: number; data: Buffer }[]
        }
      | undefined
    if (!opt) return expect(query.edns).toBeUndefined()
    const cookie = opt.options.find(({ code }) => code === 10)
    expect(query.edns).toMatchObject({
      udpSize: opt.udpPayloadSize,
      version: opt.ednsVersion,
      isDnssecOk: opt.flag_do,
      cookieSize: cookie?.data.length ?? 0,
      isCookieValid: !text.includes('10:01234567'),
    })
    const { cookieOffset, cookieSize } = query.edns!
    if (cookie) expect(message.subarray(cookieOffset, cookieOffset + cookieSize)).toEqual(cookie.data)
  })

  test.each([
    ['dig web.red.example.org AAAA', 28],
    ['dig web.red.example.org HTTPS', 65],
    ['dig web.red.example.org TYPE65534', 65534],
    ['dig +notcp web.red.example.org ANY', 255],
    ['dig -x 10.0.0.12', 12],
  ])('the type of %s is %i', (text, type) => {
    expect(read(asked.find((row) => row.text === text)!.message)).toMatchObject({ type })
  })
})

describe('readQuery says why not', () => {
  const header = (counts = '0001 0000 0000 0000', flags = '0100') => `1234 ${flags} ${counts}`
  const web = '03776562 00'
  const inA = '0001 0001'
  const opt = (options = '', size = Buffer.from(options.replaceAll(' ', ''), 'hex').length) =>
    `00 0029 04d0 00 00 0000 ${size.toString(16).padStart(4, '0')} ${options}`
  const withOpt = header('0001 0000 0000 0001')
  const label63 = `3f${'61'.repeat(63)}`

  // biome-ignore format: one message a line
  test.each<[string, string, string]>([
    ['a header alone',                  'name',       header()],
    ['no question',                     'counts',     header('0000 0000 0000 0000')],
    ['no question, but a record',       'counts',     `${header('0000 0001 0000 0000')} 00 ${inA} 00000000 0000`],
    ['no question and no cookie',       'counts',     `${header('0000 0000 0000 0001')} ${opt()}`],
    ['no question and an OPT cut off',  'message',    `${header('0000 0000 0000 0001')} 00 0029`],
    ['two questions',                   'counts',     `${header('0002 0000 0000 0000')} ${web} ${inA} ${web} ${inA}`],
    ['65,535 questions',                'counts',     `${header('ffff 0000 0000 0000')} ${web} ${inA}`],
    ['an answer',                       'counts',     `${header('0001 0001 0000 0000')} ${web} ${inA}`],
    ['an authority record',             'counts',     `${header('0001 0000 0001 0000')} ${web} ${inA}`],
    ['a response',                      'response',   `${header(undefined, '8100')} ${web} ${inA}`],
    ['NOTIFY',                          'opcode',     `${header(undefined, '2000')} ${web} ${inA}`],
    ['a pointer to itself',             'name',       `${header()} c00c ${inA}`],
    ['a pointer forward',               'name',       `${header()} c010 ${inA} ${web}`],
    ['a pointer to the header',         'name',       `${header()} 03776562 c000 ${inA}`],
    ['label type 0x40',                 'name',       `${header()} 4161 00 ${inA}`],
    ['label type 0x80',                 'name',       `${header()} 8161 00 ${inA}`],
    ['a label of 64 bytes',             'name',       `${header()} 40${'61'.repeat(64)} 00 ${inA}`],
    ['a name of 256 bytes',             'name',       `${header()} ${label63.repeat(3)}3e${'61'.repeat(62)}00 ${inA}`],
    ['a name without a root',           'name',       `${header()} 03776562`],
    ['a label cut off',                 'name',       `${header()} 0377`],
    ['a type cut off',                  'message',    `${header()} ${web} 00`],
    ['a class cut off',                 'message',    `${header()} ${web} 0001 00`],
    ['bytes left over',                 'message',    `${header()} ${web} ${inA} 00`],
    ['an additional record missing',    'message',    `${withOpt} ${web} ${inA}`],
    ['an OPT cut off',                  'message',    `${withOpt} ${web} ${inA} 00 0029 04d0 00 00 0000 00`],
    ['an OPT with data missing',        'message',    `${withOpt} ${web} ${inA} ${opt('', 4)}`],
    ['an OPT and bytes left over',      'message',    `${withOpt} ${web} ${inA} ${opt()} 00`],
    ['an OPT with another owner',       'additional', `${withOpt} ${web} ${inA} 0161 00 0029 04d0 00 00 0000 0000`],
    ['an A record as additional',       'additional', `${withOpt} ${web} ${inA} 00 0001 0001 00000000 0004 0a00000b`],
    ['TSIG',                            'additional', `${withOpt} ${web} ${inA} 00 00fa 00ff 00000000 0000`],
    ['SIG(0)',                          'additional', `${withOpt} ${web} ${inA} 00 0018 00ff 00000000 0000`],
    ['two OPTs',                        'additional', `${header('0001 0000 0000 0002')} ${web} ${inA} ${opt()} ${opt()}`],
    ['65,535 additional records',       'additional', `${header('0001 0000 0000 ffff')} ${web} ${inA} ${opt()}`],
    ['half an option',                  'additional', `${withOpt} ${web} ${inA} ${opt('000a 00')}`],
    ['an option beyond its record',     'additional', `${withOpt} ${web} ${inA} ${opt('000a 0009 0123456789abcdef')}`],
  ])('%s: %s', (_name, why, hex) => {
    expect(read(Buffer.from(hex.replaceAll(' ', ''), 'hex'))).toBe(why)
  })

  test.each([
    [0, false],
    [4, false],
    [7, false],
    [8, true],
    [9, false],
    [15, false],
    [16, true],
    [24, true],
    [40, true],
    [41, false],
  ])('a cookie of %i bytes is valid: %s', (size, isCookieValid) => {
    const option = `000a ${size.toString(16).padStart(4, '0')} ${'5a'.repeat(size)}`
    const hex = `${withOpt} ${web} ${inA} ${opt(option)}`
    expect(read(Buffer.from(hex.replaceAll(' ', ''), 'hex'))).toMatchObject({
      edns: { cookieSize: size, isCookieValid },
    })
  })

  test('no question, but a cookie', () => {
    const hex = `${header('0000 0000 0000 0001')} ${opt(`000a 0008 ${'11'.repeat(8)}`)}`
    const query = { nameSize: 0, questionEnd: 12, edns: { cookieSize: 8, isCookieValid: true } }
    expect(read(Buffer.from(hex.replaceAll(' ', ''), 'hex'))).toMatchObject(query)
  })

  test.each([
    ['CH', 3],
    ['ANY', 255],
    ['the mDNS unicast bit', 0x8001],
  ])('class %s is %i', (_name, number) => {
    const hex = `${header()} ${web} 0001 ${number.toString(16).padStart(4, '0')}`
    expect(read(Buffer.from(hex.replaceAll(' ', ''), 'hex'))).toMatchObject({ class: number })
  })

  test('of two cookies the first one counts', () => {
    const hex = `${withOpt} ${web} ${inA} ${opt(`000a 0008 ${'11'.repeat(8)} 000a 0001 22`)}`
    const message = Buffer.from(hex.replaceAll(' ', ''), 'hex')
    expect(read(message)).toMatchObject({ edns: { cookieSize: 8, isCookieValid: true } })
  })

  test('names of 255 bytes and labels of 63 are read', () => {
    const name = ['a'.repeat(63), 'b'.repeat(63), 'c'.repeat(63), 'd'.repeat(61)].join('.')
    expect(read(queryOf(name, 'A'))).toMatchObject({ questionEnd: 12 + 255 + 4 })
  })

  test('every truncation of every captured query', () => {
    for (const { message } of asked.filter(({ message }) => typeof read(message) !== 'string'))
      for (let size = 0; size < message.length; size++)
        expect(readQuery(message, 0, size)).toBeTypeOf('string')
  })

  test('reads between its bounds only', () => {
    const message = queryOf('web.red.example.org', 'A')
    const bytes = Buffer.concat([Buffer.alloc(42, 0xff), message, Buffer.alloc(9, 0xff)])
    expect(readQuery(bytes, 42, 42 + message.length)).toMatchObject({ start: 42, type: 1 })
  })
})

describe('what readQuery understands', () => {
  const labels = fc.array(fc.stringMatching(/^[a-zA-Z0-9_-]{1,12}$/), { minLength: 1, maxLength: 8 })

  test('is what dns-packet understands', () => {
    fc.assert(
      fc.property(labels, fc.nat(0xffff), fc.boolean(), (parts, id, hasOpt) => {
        const name = parts.join('.')
        const additionals = hasOpt
          ? [{ type: 'OPT' as const, name: '.', udpPayloadSize: 4096, flags: 0 }]
          : []
        const questions = [{ type: 'AAAA' as const, name }]
        const message = encode({ type: 'query', id, questions, additionals: additionals as never })
        const query = read(message)
        expect(query).toMatchObject({ id, type: 28 })
        expect(askedKey(query as Query, message)).toBe(keyText(name))
      }),
      { numRuns: 2000 },
    )
  })

  test('dns-packet reads the same way, whatever is mutated', () => {
    const change = fc.record({ offset: fc.nat(80), byte: fc.nat(255) })
    fc.assert(
      fc.property(
        fc.nat(asked.length - 1),
        fc.array(change, { minLength: 1, maxLength: 3 }),
        (row, changes) => {
          const message = Buffer.from(asked[row]!.message)
          for (const { offset, byte } of changes) if (offset < message.length) message[offset] = byte
          const query = read(message)
          if (typeof query !== 'string') expect(differenceOf(message, query)).toBeUndefined()
        },
      ),
      { numRuns: 20_000 },
    )
  })
})

const keyText = (name: string): string =>
  `${name
    .toLowerCase()
    .split('.')
    .map((label) => String.fromCharCode(label.length) + label)
    .join('')}\0`
