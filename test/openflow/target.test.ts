import { describe, expect, test } from 'vitest'
import { ListenError } from '../../src/openflow/failure.ts'
import { formatTarget, listenError, parseTarget } from '../../src/openflow/target.ts'

// biome-ignore format: one row a line
test.each([
  ['unix:/run/openvswitch/br-int.controller', { kind: 'unix', path: '/run/openvswitch/br-int.controller' }],
  ['unix:here:and there',                     { kind: 'unix', path: 'here:and there' }],
  ['tcp:127.0.0.1:6653',                      { kind: 'tcp', host: '127.0.0.1', port: 6653 }],
  ['tcp:localhost:0',                         { kind: 'tcp', host: 'localhost', port: 0 }],
  ['tcp:[2001:db8::1]:65535',                 { kind: 'tcp', host: '2001:db8::1', port: 65535 }],
])('%s is read and written', (text, target) => {
  expect(parseTarget(text)).toEqual(target)
  expect(formatTarget(parseTarget(text))).toBe(text)
})

test.each([
  'tcp:127.0.0.1:65536',
  'tcp:127.0.0.1:-1',
  'tcp:127.0.0.1',
  'tcp::6653',
  'tcp:::1:6653',
  'tcp:[::1]',
  'ptcp:6653',
  'unix:',
  '/run/openvswitch/br-int.controller',
  '',
])("'%s' is refused with examples", (text) => {
  expect(() => parseTarget(text)).toThrow(
    new ListenError(
      text,
      'is no place to listen at: write unix:/path/to/socket, tcp:127.0.0.1:6653 or tcp:[::1]:6653',
    ),
  )
})

test('a path longer than a socket can have is refused, in bytes', () => {
  expect(parseTarget(`unix:${'x'.repeat(107)}`)).toMatchObject({ kind: 'unix' })
  expect(() => parseTarget(`unix:${'x'.repeat(108)}`)).toThrow('108 bytes')
  expect(() => parseTarget(`unix:${'ö'.repeat(54)}`)).toThrow('108 bytes')
})

describe('what keeps us from listening is told with the remedy', () => {
  const [unix, tcp, named] = ['unix:/run/x/y', 'tcp:[::1]:53', 'tcp:nobody.example.org:6653'] as const

  // biome-ignore format: one row a line
  test.each([
    [unix,  'ENOENT',        'directory /run/x does not exist: start Open vSwitch, which makes its run directory, or create it'],
    [unix,  'ENOTDIR',       '/run/x is not a directory: correct the path'],
    [unix,  'ENOTSOCK',      'a file that is no socket stands there: remove it or choose another path'],
    [unix,  'EACCES',        'no permission to create a socket in /run/x: run as root, or grant it with `setfacl -m u:<user>:rwx /run/x`'],
    [unix,  'EROFS',         '/run/x cannot be written (read-only file system): choose another path'],
    [unix,  'EADDRINUSE',    'socket in use by a running process: stop it (is another controller running?) or choose another path'],
    [tcp,   'EACCES',        'no permission to listen at port 53: choose one above 1023, or run as root'],
    [tcp,   'EADDRINUSE',    'address in use by a running process: stop it (is another controller running?) or choose another port'],
    [tcp,   'EADDRNOTAVAIL', 'this machine has no address ::1: use one that `ip address` shows'],
    [named, 'ENOTFOUND',     'the host name nobody.example.org is not known: use an address'],
    [unix,  'EMFILE',        'cannot listen there: too many open files'],
  ])('%s: %s', (text, code, reason) => {
    const cause = Object.assign(new Error('too many open files'), { code })
    const error = listenError(parseTarget(text), cause)
    expect(error).toBeInstanceOf(ListenError)
    expect(error).toMatchObject({ target: text, message: `${text}: ${reason}`, cause })
  })
})
