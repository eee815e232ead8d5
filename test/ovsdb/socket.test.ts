import { expect, test } from 'vitest'
import { ConfigError } from '../../src/errors.ts'
import { addressOf } from '../../src/ovsdb/socket.ts'

test.each([
  ['unix:/run/openvswitch/db.sock', { path: '/run/openvswitch/db.sock' }],
  ['tcp:127.0.0.1:6640', { host: '127.0.0.1', port: 6640 }],
  ['tcp:[::1]:6640', { host: '::1', port: 6640 }],
])('%s', (target, address) => {
  expect(addressOf(target)).toEqual(address)
})

test.each([
  '',
  'unix:',
  '/run/db.sock',
  'tcp:127.0.0.1',
  'tcp:127.0.0.1:65536',
  'tcp:::1:6640',
  'ssl:127.0.0.1:6640',
])('not %j', (target) => {
  expect(() => addressOf(target)).toThrow(
    new ConfigError(`'${target}' is no database connection; write unix:<path> or tcp:<host>:<port>`),
  )
})
