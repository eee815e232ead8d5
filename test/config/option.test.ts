import { describe, expect, test } from 'vitest'
import { fixed, option } from '../../src/config/index.ts'

describe('endpoint', () => {
  const { parse } = option.endpoint('unix:/x', '')
  test.each([
    'unix:/run/openvswitch/db.sock',
    'tcp:127.0.0.1:6640',
    'tcp:[::1]:6640',
    'tcp:db.example.org:6640',
  ])('%s', (text) => expect(parse(text)).toBe(text))
  test.each([
    '',
    'unix:',
    'unix:db.sock',
    '/run/db.sock',
    'tcp:6640',
    'tcp:127.0.0.1',
    'tcp:::1:6640',
    'ssl:127.0.0.1:6640',
  ])('not %j', (text) => expect(parse(text)).toBeUndefined())
})

describe('host and port', () => {
  const { parse } = option.hostPort({ host: '', port: 0 }, '')
  test.each([
    ['127.0.0.1:9476', { host: '127.0.0.1', port: 9476 }],
    ['[::1]:0', { host: '::1', port: 0 }],
    ['localhost:65535', { host: 'localhost', port: 65535 }],
    [':9476', undefined],
    ['127.0.0.1:65536', undefined],
    ['127.0.0.1:', undefined],
    ['[127.0.0.1]:1', undefined],
    ['::1:9476', undefined],
    ['9476', undefined],
  ])('%j', (text, value) => expect(parse(text)).toEqual(value))
})

describe('an address', () => {
  const { parse } = option.address('')
  test.each([
    ['192.0.2.11', '192.0.2.11'],
    ['2001:DB8:0::11', '2001:db8::11'],
    ['', ''],
    ['192.0.2', undefined],
    ['192.0.2.11/24', undefined],
    ['fe80::1%eth0', undefined],
    ['compute-1', undefined],
  ])('%j', (text, value) => expect(parse(text)).toBe(value))
})

describe('several words', () => {
  const { parse } = option.choices(['geneve', 'vxlan', 'gre'], ['geneve'], '')
  test.each([
    ['vxlan, geneve', ['vxlan', 'geneve']],
    ['', []],
    ['vxlan,vxlan', undefined],
    ['stt', undefined],
  ])('%j', (text, value) => expect(parse(text)).toEqual(value))
})

describe('limits in words', () => {
  test.each([
    [{ default: 1 }, 'a whole number'],
    [{ default: 1, min: 0 }, 'a whole number from 0 up'],
    [{ default: 1, max: 9 }, 'a whole number up to 9'],
    [{ default: 1, min: 0, max: 9, unit: 's' }, 'a whole number from 0 to 9 (s)'],
  ])('%j', (limits, expects) => expect(option.integer(limits, '').expects).toBe(expects))
})

describe('a value and its text', () => {
  test.each([
    [option.string('', ''), 'a b'],
    [option.boolean(true, ''), 'false'],
    [option.integer({ default: 1 }, ''), '-7'],
    [option.list([], ''), 'a,b'],
    [option.list([], ''), ''],
    [option.choice(['slow', 'fast'], 'slow', ''), 'fast'],
    [option.choices(['slow', 'fast'], [], ''), 'fast,slow'],
    [option.address(''), '2001:db8::11'],
    [option.endpoint('unix:/x', ''), 'tcp:[::1]:6640'],
    [option.hostPort({ host: '', port: 0 }, ''), '127.0.0.1:9476'],
    [option.hostPort({ host: '', port: 0 }, ''), '[::1]:9476'],
  ])('%#: %j', ({ parse, format }, text) => expect(format(parse(text) as never)).toBe(text))
})

test('an option can be changed at run time unless it is fixed', () => {
  const free = option.string('a', 'help')
  expect(free.isReloadable).toBe(true)
  expect(fixed(free)).toEqual({ ...free, isReloadable: false })
})
