import { expect, test } from 'vitest'
import { gistOf } from '../../src/lab/errand-runner.ts'

// The output of iputils 20221126 and glibc 2.36.
test.each([
  [
    'ping',
    'PING db.red.example.org (10.0.1.12) 56(84) bytes of data.\n64 bytes from db.red.example.org (10.0.1.12): icmp_seq=1 ttl=63 time=0.8 ms\n',
    '10.0.1.12 ttl 63',
  ],
  [
    'ping',
    'PING 10.0.0.13 (10.0.0.13) 56(84) bytes of data.\n64 bytes from 10.0.0.13: icmp_seq=1 ttl=64 time=0.4 ms\n',
    '10.0.0.13 ttl 64',
  ],
  [
    'ping',
    'PING db(db.red.example.org (fd00:b::22)) 56 data bytes\n64 bytes from db.red.example.org (fd00:b::22): icmp_seq=1 ttl=63 time=0.5 ms\n',
    'fd00:b::22 ttl 63',
  ],
  [
    'ping',
    'PING fd00:a::11(fd00:a::11) 56 data bytes\n64 bytes from fd00:a::11: icmp_seq=1 ttl=64 time=0.5 ms\n',
    'fd00:a::11 ttl 64',
  ],
  [
    'ping',
    'PING 10.0.1.22 (10.0.1.22) 56(84) bytes of data.\nFrom 10.0.0.1 icmp_seq=1 Destination Host Unreachable\n',
    'no answer',
  ],
  ['ping', '', 'no answer'],
  ['getent', '10.0.1.12       db.red.example.org\n', '10.0.1.12 db.red.example.org'],
  ['getent', '', 'nothing'],
])('the gist of what %s says: %#', (program, output, gist) => {
  expect(gistOf(program, output)).toBe(gist)
})
