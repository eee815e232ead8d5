import { describe, expect, test } from 'vitest'
import { readSolicitation } from '../../../../src/app/dhcp/v6/solicitation.ts'
import { eth, icmpv6, ipv6, nobody, ping6, routerSolicitation, tagged, udp } from '../../../support/frames.ts'
import { linkLocals, macs, vectorOf } from './cloud.ts'

const allRouters = { mac: '33:33:00:00:00:02', ip: 'ff02::2' }
const to = (source: string, payload = routerSolicitation) =>
  eth(macs.web, allRouters.mac, ipv6(source, allRouters.ip, payload))
/** With these options behind its head. */
const withOptions = (hex: string) => icmpv6(133, Buffer.from(`00000000${hex}`, 'hex'))
const sourceOption = '0101fa163e000011'

function changed(at: number, value: number, frame = to(linkLocals.web)): Buffer {
  frame[at] = value
  return frame
}

describe('a solicitation is answered', () => {
  test('to its sender', () => {
    const asked = readSolicitation(vectorOf('advertisements', 'stateless').request)
    expect(asked).toEqual({ source: linkLocals.web, replyTo: { mac: macs.web, ip: linkLocals.web } })
  })

  test('to all nodes while its sender has no address', () => {
    const all = { mac: '33:33:00:00:00:01', ip: 'ff02::1' }
    expect(readSolicitation(to('::'))).toEqual({ source: '::', replyTo: all })
    expect(readSolicitation(to('::', withOptions('0e01000102030405')))).toMatchObject({ replyTo: all })
  })
})

describe('a solicitation is ignored', () => {
  test.each<[string, Buffer, string]>([
    ['cut off', to(linkLocals.web).subarray(0, 13), 'short'],
    ['with a tag', tagged(to(linkLocals.web), 5), 'ethertype'],
    [
      'of a group',
      eth('01:00:5e:00:00:01', allRouters.mac, ipv6('::', 'ff02::2', routerSolicitation)),
      'source',
    ],
    ['of another version', changed(14, 0x40), 'header'],
    ['over UDP', to(linkLocals.web, udp(1, 2)), 'protocol'],
    ['that says it is longer', changed(19, 9), 'length'],
    ['without a head', changed(19, 3), 'length'],
    ['with a wrong checksum', changed(57, 1), 'checksum'],
    ['that came through a router', changed(21, 254), 'hop_limit'],
    ['that is none', to(linkLocals.web, ping6), 'type'],
    ['with a code', to(linkLocals.web, icmpv6(133, Buffer.alloc(4), 1)), 'type'],
    ['with half a head', to(linkLocals.web, icmpv6(133, Buffer.alloc(2))), 'length'],
    ['with an option without size', to(linkLocals.web, withOptions('0100fa163e000011')), 'options'],
    ['with an option that is longer than it', to(linkLocals.web, withOptions('0102fa163e000011')), 'options'],
    ['with an option of one byte', to(linkLocals.web, withOptions(`${sourceOption}01`)), 'options'],
    ['with a MAC address and no address', to('::', withOptions(sourceOption)), 'options'],
  ])('%s', (_, frame, why) => {
    expect(readSolicitation(frame)).toBe(why)
  })

  test('whatever it is made of, without a throw', () => {
    const whole = vectorOf('advertisements', 'stateless').request
    for (let size = 0; size < whole.length; size++)
      expect(typeof readSolicitation(whole.subarray(0, size))).toBe('string')
    for (let at = 0; at < whole.length; at++)
      for (const value of [0, 1, 0x7f, 0xff]) readSolicitation(changed(at, value, Buffer.from(whole)))
  })
})

test('a frame of nobody is no solicitation', () => {
  expect(
    readSolicitation(eth(nobody, allRouters.mac, ipv6('::', 'ff02::2', routerSolicitation))),
  ).toMatchObject({ source: '::' })
})
