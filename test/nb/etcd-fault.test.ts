/** Errors as etcd 3.4 and grpc-js 1.14 word them, and what is made of them; test/system/etcd.test.ts provokes the usual ones. */

import { expect, test } from 'vitest'
import { faultOf } from '../../src/nb/etcd-fault.ts'

const unconnected = (reason: string) =>
  `14 UNAVAILABLE: No connection established. Last error: ${reason}. Resolution note: `

// biome-ignore format: one error a line
test.each<[string, string, boolean, string, RegExp]>([
  [unconnected('Error: connect ECONNREFUSED 192.0.2.1:2379'), 'host', false, 'NorthboundError', /does not listen: start etcd there/],
  [unconnected('Error: connect EHOSTUNREACH 192.0.2.1:2379'), 'host', false, 'NorthboundError', /cannot be reached \(connect EHOSTUNREACH 192\.0\.2\.1:2379\)$/],
  [unconnected('Failed to connect (2026-01-01T00:00:00.000Z)'), 'host', false, 'NorthboundError', /hangs up/],
  [unconnected('Error: self-signed certificate in certificate chain'), 'host', false, 'ConfigError', /not trusted \(self-signed certificate in certificate chain\)/],
  [unconnected('Error: certificate has expired'), 'host', false, 'ConfigError', /not trusted \(certificate has expired\)/],
  ['14 UNAVAILABLE: Channel closed before call started', 'host', false, 'NorthboundError', /cannot be reached/],
  ['14 UNAVAILABLE: Connection dropped', 'host', true, 'NorthboundError', /cannot be used \(Connection dropped\)$/],
  ['14 UNAVAILABLE: etcdserver: leader changed', 'host', true, 'NorthboundError', /has no leader/],
  ['14 UNAVAILABLE: etcdserver: request timed out', 'host', true, 'NorthboundError', /has no leader/],
  ['4 DEADLINE_EXCEEDED: Deadline exceeded after 5.001s,remote_addr=192.0.2.1:2379', 'host', true, 'NorthboundError', /does not answer in time/],
  ['8 RESOURCE_EXHAUSTED: Received message larger than max (5000000 vs 4194304)', 'large', false, 'NorthboundError', /do not fit into one message/],
  ['8 RESOURCE_EXHAUSTED: etcdserver: mvcc: database space exceeded', 'everywhere', false, 'NorthboundError', /is full: compact/],
  ['3 INVALID_ARGUMENT: etcdserver: request is too large', 'everywhere', false, 'NorthboundError', /takes no row of that size/],
  ['3 INVALID_ARGUMENT: etcdserver: duplicate key given in txn request', 'everywhere', false, 'NorthboundError', /cannot be used \(etcdserver: duplicate key/],
  ['11 OUT_OF_RANGE: etcdserver: mvcc: required revision has been compacted', 'compacted', false, 'NorthboundError', /has forgotten/],
  ['11 OUT_OF_RANGE: etcdserver: mvcc: required revision is a future revision', 'compacted', false, 'NorthboundError', /is behind, or was replaced/],
  ['something else', 'host', true, 'NorthboundError', /cannot be used \(something else\)$/],
])('%s', (message, kind, isOutcomeUnknown, name, told) => {
  const fault = faultOf(new Error(message), { host: 'etcd.example.org:2379', user: 'compute' })
  expect(fault).toMatchObject({ kind, isOutcomeUnknown, error: { name } })
  expect(fault.error.message).toMatch(/^etcd at etcd\.example\.org:2379 [^\n]+$/)
  expect(fault.error.message).toMatch(told)
})
