/**
 * The text of the messages that are all numbers and bits: hello, configuration, asynchronous messages, roles, ports
 * (lib/ofp-switch.c, ofp-connection.c and ofp-port.c of Open vSwitch).
 */

import type { MessageOf } from './messages.ts'
import type { Port } from './port.ts'
import { packetInReasons } from './port-actions.ts'
import { bitNames, portShown } from './show.ts'

// biome-ignore format: one bit a line
/** `ofp_capabilities`. */
export const capabilityNames = {
  1:   'FLOW_STATS',
  2:   'TABLE_STATS',
  4:   'PORT_STATS',
  8:   'GROUP_STATS',
  32:  'IP_REASM',
  64:  'QUEUE_STATS',
  256: 'PORT_BLOCKED',
}

/** The versions of the bitmap, or those up to the header's. */
export function helloText({ version = 4, versions }: MessageOf<'hello'>): string {
  const all = versions ?? [...Array(version + 1).keys()].slice(1)
  return `\n version bitmap: ${all.map((one) => `0x0${one.toString(16)}`).join(', ')}\n`
}

const fragments = ['normal', 'drop', 'reassemble', 'nx-match']

/** Flags and length of a switch configuration. */
export function configText({
  flags,
  missSendLen,
}: MessageOf<'setConfig'> | MessageOf<'getConfigReply'>): string {
  const ttl = flags & 4 ? ' invalid_ttl_to_controller' : ''
  return ` frags=${fragments[flags & 3]}${ttl} miss_send_len=${missSendLen}\n`
}

const portReasons = ['add', 'delete', 'modify']
const removedReasons = ['idle', 'hard', 'delete', 'group_delete', 'meter_delete', 'eviction']

/** Which messages a controller wants, in both roles. */
export function asyncText(message: MessageOf<'setAsync'> | MessageOf<'getAsyncReply'>): string {
  const roles = ['primary', 'secondary'].map((role, i) => {
    const lines = [
      reasonsText('PACKET_IN', message.packetInMask[i]!, packetInReasons),
      reasonsText('PORT_STATUS', message.portStatusMask[i]!, portReasons),
      reasonsText('FLOW_REMOVED', message.flowRemovedMask[i]!, removedReasons),
      ...['ROLE_STATUS', 'TABLE_STATUS', 'REQUESTFORWARD'].map((name) => reasonsText(name, 0, [])),
    ]
    return `\n ${role}:\n${lines.join('')}`
  })
  return roles.join('')
}

function reasonsText(name: string, mask: number, words: readonly string[]): string {
  const bits = [...Array(32).keys()].filter((bit) => (mask >>> bit) & 1)
  const reasons = bits.map((bit) => ` ${words[bit] ?? bit}`).join('')
  return `${name.padStart(16)}:${mask === 0 ? ' (off)' : reasons}\n`
}

const roleNames = ['nochange', 'equal', 'primary', 'secondary']

/** A role, with its generation unless that is all ones, or the role is only asked for. */
export function roleText({
  kind,
  role,
  generationId,
}: MessageOf<'roleRequest' | 'roleReply' | 'roleStatus'>): string {
  const isUntold = (kind === 'roleRequest' && role === 0) || generationId === 0xffff_ffff_ffff_ffffn
  return ` role=${roleNames[role] ?? role}${isUntold ? '' : ` generation_id=${generationId}`}`
}

const roleReasons = ['primary_request', 'configuration_changed', 'experimenter_data_changed']

/** A role that the switch changed, and why. */
export const roleStatusText = (message: MessageOf<'roleStatus'>): string =>
  `${roleText(message)} reason=${roleReasons[message.reason] ?? '(unknown)'}`

const portConfigNames = { 1: 'PORT_DOWN', 4: 'NO_RECV', 32: 'NO_FWD', 64: 'NO_PACKET_IN' }
const portStateNames = { 1: 'LINK_DOWN', 2: 'BLOCKED', 4: 'LIVE' }

// biome-ignore format: one bit a line
const featureNames = {
  1:    '10MB-HD',
  2:    '10MB-FD',
  4:    '100MB-HD',
  8:    '100MB-FD',
  16:   '1GB-HD',
  32:   '1GB-FD',
  64:   '10GB-FD',
  128:   '40GB-FD',
  256:  '100GB-FD',
  512:  '1TB-FD',
  1024:  'OTHER',
  2048:  'COPPER',
  4096: 'FIBER',
  8192: 'AUTO_NEG',
  16384: 'AUTO_PAUSE',
  32768: 'AUTO_PAUSE_ASYM',
}

/** A port, in several lines. */
export function portText(port: Port): string {
  const features = [
    ['current:    ', port.curr],
    ['advertised: ', port.advertised],
    ['supported:  ', port.supported],
    ['peer:       ', port.peer],
  ] as const
  return [
    ` ${portShown(port.portNo)}(${port.name}): addr:${port.hwAddr}`,
    `     config:     ${bitNames(port.config, portConfigNames)}`,
    `     state:      ${bitNames(port.state, portStateNames)}`,
    ...features
      .filter(([, bits]) => bits !== 0)
      .map(([name, bits]) => `     ${name}${bitNames(bits, featureNames)}`),
    `     speed: ${Math.floor(port.currSpeed / 1000)} Mbps now, ${Math.floor(port.maxSpeed / 1000)} Mbps max\n`,
  ].join('\n')
}

/** What a port-mod changes. */
export const portModText = (message: MessageOf<'portMod'>): string =>
  ` port: ${portShown(message.portNo)}: addr:${message.hwAddr}\n` +
  `     config: ${bitNames(message.config, portConfigNames)}\n` +
  `     mask:   ${bitNames(message.mask, portConfigNames)}\n` +
  `     advertise: ${message.advertise === 0 ? 'UNCHANGED' : bitNames(message.advertise, featureNames)}\n`
