/** The numbers of DHCP for IPv4 that this application knows, with the RFC that gives them. It knows no message. */

/** UDP ports (RFC 2131 §4.1). */
export const ports = { server: 67, client: 68 } as const

/** BOOTP operations (RFC 951 §3). */
export const operations = { request: 1, reply: 2 } as const

/** Ethernet, as the hardware type and the size of its addresses in bytes (RFC 1700). */
export const ethernet = { type: 1, size: 6 } as const

/** What tells DHCP options from BOOTP's vendor information (RFC 2131 §3). */
export const magicCookie = 0x63825363

/** The client wants replies by broadcast (RFC 2131 §2). */
export const broadcastFlag = 0x8000

/** Message types of clients (RFC 2132 §9.6). */
export const requestTypes = { discover: 1, request: 3, decline: 4, release: 7, inform: 8 } as const

/** Message types of servers. */
export const replyTypes = { offer: 2, ack: 5, nak: 6 } as const

// biome-ignore format: one list
/** Options (RFC 2132 and where another RFC is named). */
export const options = {
  pad: 0, subnetMask: 1, router: 3, domainNameServer: 6, hostName: 12, domainName: 15, interfaceMtu: 26,
  broadcastAddress: 28, requestedAddress: 50, leaseTime: 51, overload: 52, messageType: 53, serverIdentifier: 54,
  parameterRequestList: 55, message: 56, maxMessageSize: 57, renewalTime: 58, rebindingTime: 59, clientIdentifier: 61,
  tftpServerName: 66, bootfileName: 67,
  relayAgentInformation: 82, // RFC 3046
  domainSearch: 119, // RFC 3397
  classlessRoutes: 121, // RFC 3442
  microsoftRoutes: 249, // the same before it had a number
  end: 255,
} as const

/** Sizes in bytes (RFC 2131 §2 and §4.1, RFC 951 §3). */
export const sizes = {
  /** The header with the magic cookie. */
  header: 240,
  sname: 64,
  file: 128,
  /** Of IP and UDP. */
  headersBelow: 28,
  /** Old clients take no smaller message. */
  smallest: 300,
  /** The IP packet that every client takes. */
  packet: 576,
} as const
