import { describe, expect, test } from 'vitest'
import { replyIn } from '../../src/lab/dig.ts'

/** What dig 9.18.49 printed, but for the lines that nobody reads. */
const printed = `
; <<>> DiG 9.18.49-1~deb12u3-Debian <<>> -u @2001:db8::53 mail.example.net MX
;; Got answer:
;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 41487
;; flags: qr aa rd ra; QUERY: 1, ANSWER: 2, AUTHORITY: 0, ADDITIONAL: 1

;; OPT PSEUDOSECTION:
; EDNS: version: 0, flags:; udp: 1232
;; QUESTION SECTION:
;Mail.example.net.		IN	MX

;; ANSWER SECTION:
mail.example.net.	300	IN	MX	10 a.example.net.
mail.example.net.	300	IN	MX	20 b.example.net.

;; Query time: 277 usec
;; SERVER: 2001:db8::53#53(2001:db8::53) (UDP)
;; WHEN: Sun Nov 22 21:40:16 UTC 2026
;; MSG SIZE  rcvd: 72
`

describe('a reply in what dig prints', () => {
  test('is read with its answers', () => {
    expect(replyIn(printed)).toEqual({
      id: 41487,
      status: 'NOERROR',
      flags: ['qr', 'aa', 'rd', 'ra'],
      name: 'mail.example.net.',
      type: 'MX',
      answers: ['10 a.example.net.', '20 b.example.net.'],
      server: '2001:db8::53',
      roundTripMicroseconds: 277,
      tries: 1,
    })
  })

  test('without an answer section has no answers', () => {
    const negative = printed
      .replace(
        /;; ANSWER SECTION:\n.*\n.*\n/,
        ';; AUTHORITY SECTION:\nexample.net. 5 IN SOA example.net. x. 1 2 3 4 5\n',
      )
      .replace('NOERROR', 'NXDOMAIN')
    expect(replyIn(negative)).toMatchObject({ status: 'NXDOMAIN', answers: [] })
  })

  test('after a lost query counts the tries', () => {
    expect(replyIn(`;; communications error to 2001:db8::53#53: timed out\n${printed}`).tries).toBe(2)
  })

  test('that is not there is an error', () => {
    expect(() => replyIn(';; communications error to 10.0.0.9#53: timed out\n')).toThrow(
      'dig printed no reply',
    )
  })
})
