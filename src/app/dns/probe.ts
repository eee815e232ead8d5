/**
 * The host's own query (the lease's self-check): an Ethernet frame from and to documentation addresses that asks for a
 * name nobody has, so that it meets everything on the way to a decision and ends in `pass`. It knows no view.
 */

/** `192.0.2.1:53535 > 198.51.100.53:53: 0+ A? self-check.invalid.`, checksums included. */
export const probeFrame: Buffer = Buffer.from(
  [
    '020000000053 020000000001 0800', // Ethernet, locally administered addresses
    '4500 0040 0000 4000 4011 4e43 c0000201 c6336435', // IPv4
    'd11f 0035 002c 86ba', // UDP
    '0000 0100 0001 0000 0000 0000', // a query, recursion desired
    '0a 73656c662d636865636b 07 696e76616c6964 00 0001 0001', // self-check.invalid. A IN
  ]
    .join('')
    .replaceAll(' ', ''),
  'hex',
)
