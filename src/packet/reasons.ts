/**
 * Why a frame was not understood: the closed set of words that the layers of this room answer with, and whose frames are
 * understood at all.
 */

/**
 * What may be read: packets between two hosts that can be answered (`host`), or also those of hosts without an address
 * yet and those for groups (`anybody`).
 */
export type Reach = 'host' | 'anybody'

/** A word for a metric label and for people. */
export type Unparsed =
  /** Cut off inside a header. */
  | 'short'
  /** Neither IPv4 nor IPv6 straight behind the MAC addresses (a VLAN tag, ARP, ...). */
  | 'ethertype'
  /** An IP version that the EtherType does not announce, or an IPv4 header with options. */
  | 'header'
  /** A piece of a larger packet, or a packet with an undefined fragmentation flag. */
  | 'fragment'
  /** Not UDP, or UDP behind IPv6 extension headers. */
  | 'protocol'
  /** Lengths of the IP or UDP header that contradict each other or the frame. */
  | 'length'
  /** A wrong IPv4 header or UDP checksum, or none at all on IPv6. */
  | 'checksum'
  /** A sender that cannot be answered: unspecified, loopback, multicast, broadcast or port 0. */
  | 'source'
  /** A destination that is not one host: unspecified, multicast, broadcast or port 0. */
  | 'destination'
