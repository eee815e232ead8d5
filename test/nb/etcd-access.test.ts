import { expect, test } from 'vitest'
import { etcdAccess } from '../../src/nb/etcd-access.ts'

test.each([
  ['127.0.0.1:2379', 'http://127.0.0.1:2379'],
  ['etcd-1.example.org:2379', 'http://etcd-1.example.org:2379'],
  ['[2001:db8::1]:2379', 'http://[2001:db8::1]:2379'],
  ['http://192.0.2.1:2379/', 'http://192.0.2.1:2379'],
  ['https://etcd.example.org:2379', 'https://etcd.example.org:2379'],
  ['unix:/run/etcd/client:0', 'unix:/run/etcd/client:0'],
])('%s is the host %s', (written, host) => {
  expect(etcdAccess({ remote_db_hosts: [written] }).hosts).toEqual([host])
})

test.each([
  'etcd',
  'etcd:port',
  'etcd:65536',
  ':2379',
  '2001:db8::1:2379',
  '[etcd]:2379',
  'ftp://etcd:2379',
  'etcd:2379/v3',
  'unix:',
  'unix:relative',
  '',
])('%j is no host, and what one is, is told', (written) => {
  expect(() => etcdAccess({ remote_db_hosts: ['127.0.0.1:2379', written] })).toThrow(
    `[df] remote_db_hosts: ${JSON.stringify(written)} is no host of etcd: write <host>:<port>`,
  )
})

test('without options it is the etcd of this machine, without TLS or user', () => {
  expect(etcdAccess({})).toEqual({
    hosts: ['http://127.0.0.1:2379'],
    user: '',
    password: '',
    tls: { rootCertificate: undefined, privateKey: undefined, certChain: undefined },
  })
})

test.each([
  ['no hosts', { remote_db_hosts: [] }, /remote_db_hosts is empty/],
  ['a certificate without its key', { remote_db_cert_file: '/c' }, /belong together/],
  ['a key without its certificate', { remote_db_key_file: '/k' }, /belong together/],
  ['a password without a user', { remote_db_password: 'x' }, /remote_db_user is not: set both or neither/],
  [
    'a file that is not there',
    { remote_db_ca_file: '/nonexistent/ca' },
    /remote_db_ca_file = \/nonexistent\/ca cannot be read/,
  ],
])('%s is a mistake', (_, config, message) => {
  expect(() => etcdAccess(config)).toThrow(
    expect.objectContaining({ name: 'ConfigError', message: expect.stringMatching(message) }),
  )
})
