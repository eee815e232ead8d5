/** DHCPv6 messages for tests, built and taken apart without the code under test. */

import { ipv6Bytes, ipv6Text } from '../../../../src/wire/address.ts'

export const clientId = '0001000125aabbccfa163e000011'

const u16 = (value: number) => value.toString(16).padStart(4, '0')

/** An option as hex. */
export const option = (code: number, value = ''): string => u16(code) + u16(value.length / 2) + value

export const client = option(1, clientId)
export const asking = (...codes: number[]): string => option(6, codes.map(u16).join(''))
export const address = (ip: string): string => option(5, ipv6Bytes(ip).toString('hex') + '00'.repeat(8))
export const association = (iaid: number, ...within: string[]): string =>
  option(3, `${u16(0)}${u16(iaid)}${'00'.repeat(8)}${within.join('')}`)

/** A message of that type with the transaction id abc123. */
export const message = (type: number, ...options: string[]): Buffer =>
  Buffer.from(`${type.toString(16).padStart(2, '0')}abc123${options.join('')}`, 'hex')

/** Where the message of a frame begins: Ethernet, IPv6 and UDP stand before it. */
const messageOffset = 62

/** What a frame says: the message's type and its options, as `option codes` below show them. */
export function said(frame: Buffer): { type: number; transaction: string; options: Record<string, string> } {
  const payload = frame.subarray(messageOffset)
  return {
    type: payload[0]!,
    transaction: payload.toString('hex', 1, 4),
    options: optionsOf(payload.subarray(4)),
  }
}

/** Options by number: hex, statuses by number without their text, associations without their times. */
export function optionsOf(bytes: Buffer): Record<string, string> {
  const found: Record<string, string> = {}
  for (let at = 0; at < bytes.length; ) {
    const [code, size] = [bytes.readUInt16BE(at), bytes.readUInt16BE(at + 2)]
    const value = bytes.subarray(at + 4, at + 4 + size)
    let key = `${code}`
    while (key in found) key += '+'
    if (code === 3 || code === 25) found[key] = within(value, 12)
    else if (code === 4) found[key] = within(value, 4)
    else if (code === 5) found[key] = `${ipv6Text(value)} ${value.readUInt32BE(16)} ${value.readUInt32BE(20)}`
    else if (code === 13) found[key] = `status ${value.readUInt16BE()}`
    else found[key] = value.toString('hex')
    at += 4 + size
  }
  return found
}

function within(value: Buffer, headSize: number): string {
  const parts = Object.entries(optionsOf(value.subarray(headSize)))
  // Nothing else says success, too (RFC 8415 §21.13).
  const telling = parts.filter(([code, part]) => code !== '13' || part !== 'status 0')
  return [`iaid ${value.readUInt32BE()}`, ...telling.map(([, part]) => part)].join(', ')
}
