/**
 * What the cloud's demo lets VMs do, and what must come of it (docs/lab.md): commands about examples/two-nodes.yaml as
 * data. Whoever reads them knows what a VM may expect of its cloud.
 */

/** A command that a VM runs. */
export interface Errand {
  readonly vm: string
  readonly command: string
  /** What comes of it, in the words of `gistOf`. */
  readonly result: string
}

const errand = (vm: string, command: string, result: string): Errand => ({ vm, command, result })

const nothing = 'nothing'
const unanswered = 'no answer'
const outside = '@198.51.100.53'

/** Three tenants with the same addresses, MAC addresses and names; the last questions are seen by the server outside. */
export const errands: readonly Errand[] = [
  // A name of one's own, on the other node, behind the router: its TTL is one less.
  errand('red-web', 'ping -4 -c 1 db', '10.0.1.12 ttl 63'),
  errand('blue-web', 'ping -4 -c 1 db', '10.0.1.22 ttl 63'),
  errand('green-web', 'ping -4 -c 1 db', '10.0.1.32 ttl 63'),
  errand('red-web', 'ping -6 -c 1 db', 'fd00:b::f816:3eff:fe00:12 ttl 63'),
  errand('blue-web', 'ping -6 -c 1 db', 'fd00:b::22 ttl 63'),
  // On the other node in the same network: no router on the way.
  errand('red-web', 'ping -4 -c 1 cache', '10.0.0.13 ttl 64'),
  errand('blue-cache', 'ping -6 -c 1 web', 'fd00:a::f816:3eff:fe00:11 ttl 64'),
  errand('green-web', 'ping -6 -c 1 cache', 'fd00:a::f816:3eff:fe00:13 ttl 64'),
  // The whole name: to each tenant its own.
  errand('red-web', 'getent hosts db.red.example.org', 'fd00:b::f816:3eff:fe00:12 db.red.example.org'),
  errand('blue-web', 'getent hosts db.blue.example.org', 'fd00:b::22 db.blue.example.org'),
  errand('green-web', 'getent hosts db.green.example.org', '10.0.1.32 db.green.example.org'),
  errand('red-db', 'getent hosts web', 'fd00:a::11 web.red.example.org'),
  errand('green-cache', 'getent hosts db', '10.0.1.32 db.green.example.org'),
  // The same address, back to its name.
  errand('red-cache', 'getent hosts 10.0.0.11', '10.0.0.11 web.red.example.org'),
  errand('blue-cache', 'getent hosts 10.0.0.11', '10.0.0.11 web.blue.example.org'),
  errand('green-db', 'getent hosts 10.0.0.11', '10.0.0.11 web.green.example.org'),
  // What belongs to another tenant has no name and no way.
  errand('red-web', 'getent hosts db.blue.example.org', nothing),
  errand('blue-db', 'getent hosts web.red.example.org', nothing),
  errand('red-web', 'ping -4 -c 1 -W 1 10.0.1.22', unanswered),
  errand('green-web', 'ping -4 -c 1 -W 1 10.0.1.12', unanswered),
  errand('blue-cache', 'ping -6 -c 1 -W 1 fd00:a::11', unanswered),
  // The wide world, which sees the address of the VM's node.
  errand('red-web', 'getent hosts ext.example.net', '2001:db8::80 ext.example.net'),
  errand('blue-db', 'getent hosts mail.example.net', '192.0.2.25 mail.example.net'),
  errand('red-web', `dig ${outside} mail.example.net`, '192.0.2.25 asked from 198.51.100.21'),
  errand('green-db', `dig ${outside} mail.example.net`, '192.0.2.25 asked from 198.51.100.22'),
  errand('blue-web', 'dig @2001:db8::53 mail.example.net', '192.0.2.25 asked from 2001:db8::21'),
]
