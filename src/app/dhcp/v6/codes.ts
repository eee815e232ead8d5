/** The numbers of DHCPv6 and of router advertisements that this application knows, with the RFC that gives them. */

/** UDP ports (RFC 8415 §7.2). */
export const ports = { client: 546, server: 547 } as const

/** All DHCP relay agents and servers (RFC 8415 §7.1), and all nodes (RFC 4291 §2.7.1), with the MAC address of the group. */
export const groups = {
  servers: { ip: 'ff02::1:2', mac: '33:33:00:01:00:02' },
  nodes: { ip: 'ff02::1', mac: '33:33:00:00:00:01' },
} as const

/** Message types of clients (RFC 8415 §7.3). */
// biome-ignore format: one list
export const requestTypes = {
  solicit: 1, request: 3, confirm: 4, renew: 5, rebind: 6, release: 8, decline: 9, informationRequest: 11,
} as const

/** Message types of servers. */
export const replyTypes = { advertise: 2, reply: 7 } as const

/** Message types of relay agents. */
export const relayTypes: readonly number[] = [12, 13]

// biome-ignore format: one list
/** Options (RFC 8415 §21 and where another RFC is named). */
export const options = {
  clientId: 1, serverId: 2, iaNa: 3, iaTa: 4, iaAddress: 5, optionRequest: 6, preference: 7, statusCode: 13,
  rapidCommit: 14,
  nameservers: 23, // RFC 3646 §3
  searchList: 24, // RFC 3646 §4
  iaPd: 25,
  iaPrefix: 26,
  refreshTime: 32,
  clientFqdn: 39, // RFC 4704
  solicitMaxRt: 82,
  informationMaxRt: 83,
} as const

// biome-ignore format: one list
/** Status codes (RFC 8415 §21.13). */
export const statusCodes = {
  success: 0, noAddressesAvailable: 2, noBinding: 3, notOnLink: 4, useMulticast: 5, noPrefixAvailable: 6,
} as const

/** The flags of a client's full name (RFC 4704 §4.1). */
export const nameFlags = { serverUpdates: 1, overridden: 2, noUpdate: 4 } as const

/** Messages of neighbour discovery (RFC 4861 §4). */
export const discoveryTypes = { solicitation: 133, advertisement: 134 } as const

/** Options of neighbour discovery (RFC 4861 §4.6 and where another RFC is named). */
export const discoveryOptions = {
  sourceLinkLayerAddress: 1,
  prefixInformation: 3,
  mtu: 5,
  routeInformation: 24, // RFC 4191 §2.3
  nameservers: 25, // RFC 8106 §5.1
  searchList: 31, // RFC 8106 §5.2
} as const

/** The flags of an advertisement: addresses, or only other things, come from DHCPv6 (RFC 4861 §4.2). */
export const advertisementFlags = { managed: 0x80, other: 0x40 } as const

/** The flags of a prefix: it is on the link; addresses may be made of it (RFC 4861 §4.6.2). */
export const prefixFlags = { onLink: 0x80, autonomous: 0x40 } as const

/** For ever, as lifetimes say it. */
export const infinity = 0xffff_ffff
