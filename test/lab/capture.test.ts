import { expect, test } from 'vitest'
import { seenIn } from '../../src/lab/capture.ts'

test('queries are read from what tcpdump 4.99 prints, replies are left out', () => {
  const printed = `
IP 198.51.100.11.36139 > 198.51.100.53.53: 14157+ [1au] A? Ext.example.net. (56)
IP 198.51.100.53.53 > 198.51.100.11.36139: 14157* 1/0/1 A 192.0.2.80 (60)
IP6 2001:db8::12.49609 > 2001:db8::53.53: 41487 [1au] AAAA? ext.example.net. (56)
IP 198.51.100.12.44104 > 198.51.100.53.53: 39217+ PTR? 11.0.0.10.in-addr.arpa. (40)
IP6 fe80::1 > ff02::2: ICMP6, router solicitation, length 16
`
  expect(seenIn(printed)).toEqual([
    { id: 14157, name: 'ext.example.net.', type: 'A', source: '198.51.100.11' },
    { id: 41487, name: 'ext.example.net.', type: 'AAAA', source: '2001:db8::12' },
    { id: 39217, name: '11.0.0.10.in-addr.arpa.', type: 'PTR', source: '198.51.100.12' },
  ])
})
