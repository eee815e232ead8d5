/**
 * What becomes of a DHCPv6 message (RFC 8415 §18.3). The binding is the port's row: it is there before a client asks, goes
 * to whoever asks on that port, and stays when it is given back, so that every node answers alike and nothing is kept. It
 * knows neither frames nor flows.
 */

import { ipv6Bytes } from '../../../wire/address.ts'
import { nameBytes } from '../../host-name.ts'
import { isWithin, reachOf } from '../../reach.ts'
import { infinity, nameFlags, options, type replyTypes, statusCodes } from './codes.ts'
import type { Link } from './link.ts'
import {
  type Association,
  addressValue,
  type Option,
  optionBytes,
  type Request,
  type RequestType,
} from './message.ts'

/** What a client is told. */
export interface Reply {
  readonly type: keyof typeof replyTypes
  readonly options: readonly Option[]
}

/** Why a message has no reply, as a metric label. */
export type Unanswered =
  /** It is for another server. */
  | 'other_server'
  /** An identifier that its type needs is missing, or one that it must not have is there. */
  | 'identifiers'
  /** Associations where none may be, or none to confirm. */
  | 'associations'
  /** To one address, where its type is for all servers. */
  | 'unicast'

export interface AnswerRules {
  readonly serverId: Buffer
  readonly leaseSeconds: number
  /** Whether the message came to this server's own address and not to the group of all servers. */
  readonly isUnicast: boolean
}

// biome-ignore format: columns
/** RFC 8415 §16: which identifiers a message has, and whether it is for all servers only. */
const shapes: Record<RequestType, { client: Presence; server: Presence; isForAll: boolean }> = {
  solicit:            { client: 'always', server: 'never',  isForAll: true },
  request:            { client: 'always', server: 'always', isForAll: false },
  confirm:            { client: 'always', server: 'never',  isForAll: true },
  renew:              { client: 'always', server: 'always', isForAll: false },
  rebind:             { client: 'always', server: 'never',  isForAll: true },
  release:            { client: 'always', server: 'always', isForAll: false },
  decline:            { client: 'always', server: 'always', isForAll: false },
  informationRequest: { client: 'maybe',  server: 'maybe',  isForAll: true },
}

type Presence = 'always' | 'never' | 'maybe'

/** Decides a message that came from the port of that link. */
export function answerTo(request: Request, link: Link, rules: AnswerRules): Reply | Unanswered {
  const { client, server, isForAll } = shapes[request.type]
  if (!isPresent(client, request.clientId) || !isPresent(server, request.serverId)) return 'identifiers'
  if (request.serverId !== undefined && !request.serverId.equals(rules.serverId)) return 'other_server'
  if (rules.isUnicast && isForAll) return 'unicast'
  const ids = request.clientId === undefined ? [] : [[options.clientId, request.clientId] as const]
  const head: Option[] = [...ids, [options.serverId, rules.serverId]]
  if (rules.isUnicast) return { type: 'reply', options: [...head, status('useMulticast')] }
  const body = bodies[request.type](request, link, rules)
  return typeof body === 'string' ? body : { ...body, options: [...head, ...body.options] }
}

const isPresent = (presence: Presence, id: Buffer | undefined): boolean =>
  presence === 'maybe' || (id !== undefined) === (presence === 'always')

/** The reply to each type, without identifiers. */
const bodies: Record<RequestType, (request: Request, link: Link, rules: AnswerRules) => Reply | Unanswered> =
  {
    solicit(request, link, rules) {
      // RFC 8415 §18.3.1: a reply at once commits to addresses, which there have to be.
      const isCommitted = request.isRapid && request.associations.some(({ kind }) => kind === 'na')
      const given = associationOptions(request, (association) => offered(association, link, rules))
      const config = configuration(request, link)
      return isCommitted
        ? { type: 'reply', options: [[options.rapidCommit, nothing], ...given, ...config] }
        : { type: 'advertise', options: [...given, [options.preference, highest], ...config] }
    },
    request: (request, link, rules) =>
      reply(
        ...associationOptions(request, (association) =>
          isOnLink(association, link) ? offered(association, link, rules) : [status('notOnLink')],
        ),
        ...configuration(request, link),
      ),
    confirm({ associations }, link) {
      const asked = associations.flatMap(({ addresses }) => addresses)
      if (asked.length === 0) return 'associations'
      // Addresses of the link that are not the port's would not pass either: the client shall ask anew.
      return reply(status(asked.every((ip) => isOwn(ip, link)) ? 'success' : 'notOnLink'))
    },
    renew: extended,
    rebind: extended,
    release: returned,
    decline: returned,
    informationRequest(request, link, { leaseSeconds }) {
      if (request.associations.length > 0) return 'associations'
      const refresh = ifAsked(request, options.refreshTime, () => u32(Math.max(leaseSeconds, leastRefresh)))
      return reply(...refresh, ...configuration(request, link))
    },
  }

/** RFC 8415 §18.3.4 and §18.3.5: the port's addresses, and what is not one of them ends now. */
function extended(request: Request, link: Link, rules: AnswerRules): Reply {
  const given = associationOptions(request, (association) => {
    if (association.kind !== 'na') return [status('noBinding')]
    const ended = association.addresses.filter((ip) => !isOwn(ip, link))
    return [...addressesOf(link, rules), ...ended.map((ip) => addressOption(ip, 0, 0))]
  })
  return reply(...given, ...configuration(request, link))
}

/** RFC 8415 §18.3.7 and §18.3.8. */
function returned({ associations }: Request, link: Link): Reply {
  const isBound = ({ kind, addresses }: Association) =>
    kind === 'na' && addresses.every((ip) => isOwn(ip, link))
  const unbound = associations.filter((association) => !isBound(association))
  return reply(
    status('success'),
    ...unbound.map((each) => associationOption(each, [status('noBinding')], untimed)),
  )
}

/** Each association of the message with its options; the first one for addresses has them all, the next ones none. */
function associationOptions(
  { associations }: Request,
  optionsOf: (association: Association) => readonly Option[],
): Option[] {
  const first = associations.find(({ kind }) => kind === 'na')
  return associations.map((association) => {
    const isLater = association.kind === 'na' && association !== first
    const within = isLater ? [status('noAddressesAvailable')] : optionsOf(association)
    const times = within.some(([code]) => code === options.iaAddress) ? timed(within) : untimed
    return associationOption(association, within, times)
  })
}

function offered({ kind }: Association, link: Link, rules: AnswerRules): readonly Option[] {
  if (kind === 'na') return addressesOf(link, rules)
  return [status(kind === 'pd' ? 'noPrefixAvailable' : 'noAddressesAvailable')]
}

const addressesOf = ({ addresses }: Link, { leaseSeconds }: AnswerRules): Option[] =>
  addresses.map(({ ip }) => addressOption(ip, leaseSeconds, leaseSeconds))

const addressOption = (ip: string, preferredSeconds: number, validSeconds: number): Option => [
  options.iaAddress,
  addressValue(ip, preferredSeconds, validSeconds),
]

/** When a client asks its server again, and then any. */
type Times = readonly [t1: number, t2: number]

const untimed: Times = [0, 0]

/** RFC 8415 §21.4: at half and at four fifths of the preferred lifetime, which the first address has. */
function timed(within: readonly Option[]): Times {
  const seconds = within.find(([code]) => code === options.iaAddress)![1].readUInt32BE(16)
  return seconds === infinity ? [infinity, infinity] : [Math.floor(seconds / 2), Math.floor(seconds * 0.8)]
}

const associationCodes = { na: options.iaNa, ta: options.iaTa, pd: options.iaPd } as const

function associationOption({ kind, iaid }: Association, within: readonly Option[], times: Times): Option {
  const head = kind === 'ta' ? [u32(iaid)] : [u32(iaid), ...times.map(u32)]
  return [associationCodes[kind], Buffer.concat([...head, optionBytes(within)])]
}

/** What holds for the link and the port, of what the client asks for. */
function configuration(request: Request, { nameservers, domains, name }: Link): Option[] {
  return [
    ...ifAsked(request, options.searchList, () => Buffer.concat(domains.map(nameBytes))),
    ...ifAsked(request, options.nameservers, () => Buffer.concat(nameservers.map(ipv6Bytes))),
    ...ifAsked(request, options.clientFqdn, () => nameValue(request.nameFlags, name)),
    ...ifAsked(request, options.solicitMaxRt, () => u32(longestPause)),
    ...ifAsked(request, options.informationMaxRt, () => u32(longestPause)),
  ]
}

function ifAsked({ asked }: Request, code: number, make: () => Buffer): Option[] {
  const value = asked.has(code) ? make() : nothing
  return value.length > 0 ? [[code, value]] : []
}

/** The name that the port's row gives it, to clients that say how they are called (RFC 4704 §6). */
function nameValue(flags: number | undefined, name: string | undefined): Buffer {
  if (flags === undefined || name === undefined) return nothing
  const { serverUpdates, overridden, noUpdate } = nameFlags
  const isServers = (flags & serverUpdates) !== 0
  const answered = flags & noUpdate ? noUpdate : isServers ? serverUpdates : serverUpdates | overridden
  return Buffer.concat([Buffer.from([answered]), nameBytes(name)])
}

const isOwn = (ip: string, { addresses }: Link): boolean => addresses.some((address) => address.ip === ip)

const isOnLink = (association: Association, { addresses }: Link): boolean =>
  association.addresses.every((ip) =>
    isWithin(
      reachOf(ip)!,
      addresses.map(({ prefix }) => prefix),
    ),
  )

// biome-ignore format: columns
/** What people read of a status. */
const statusTexts: Record<keyof typeof statusCodes, string> = {
  success:              '',
  noAddressesAvailable: 'no addresses here',
  noBinding:            'not the address of this port',
  notOnLink:            'not an address of this link',
  useMulticast:         'ask the group of all servers',
  noPrefixAvailable:    'no prefixes here',
}

function status(word: keyof typeof statusCodes): Option {
  const code = Buffer.from([0, statusCodes[word]])
  return [options.statusCode, Buffer.concat([code, Buffer.from(statusTexts[word])])]
}

const reply = (...list: Option[]): Reply => ({ type: 'reply', options: list })

const nothing = Buffer.alloc(0)
/** RFC 8415 §18.2.1: with this preference a client does not wait for other servers. */
const highest = Buffer.from([255])
/** Seconds; what clients take by themselves (RFC 8415 §7.6), and the least that they may be told (§21.23). */
const longestPause = 3600
const leastRefresh = 600

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
