// A VM under steady load: asks one question after the other at a fixed pace, each from a port of its own, and prints what
// became of each as a line of JSON. It judges nothing. Its argument: { everyMs, patienceMs, questions: [[server, name, type]] }.
// After SIGTERM it asks no more, and ends when every question has had its patience.

import { createSocket } from 'node:dgram'
import { decode, encode, RECURSION_DESIRED } from 'dns-packet'

const { everyMs, patienceMs, questions } = JSON.parse(process.argv[2])
/** Milliseconds of the machine's monotonic clock: the same in every process. */
const now = () => Number(process.hrtime.bigint()) / 1e6
let asked = 0
let pace

function ask([server, name, type]) {
  const id = Math.floor(Math.random() * 0x10000)
  const query = encode({ type: 'query', id, flags: RECURSION_DESIRED, questions: [{ name, type }] })
  const socket = createSocket(server.includes(':') ? 'udp6' : 'udp4')
  const outcome = { name, type, sentAt: now(), replies: 0 }
  socket.on('error', (error) => {
    outcome.error = error.code
  })
  socket.on('message', (bytes, { address }) => {
    // Late replies to an earlier question from this port are for nobody, as a resolver takes them.
    if (bytes.length > 1 && bytes.readUInt16BE(0) !== id) return
    outcome.replies += 1
    outcome.tookMs ??= now() - outcome.sentAt
    outcome.said ??= address === server ? said(bytes) : `from ${address}`
  })
  socket.send(query, 53, server, (error) => {
    if (error) outcome.error = error.code
  })
  setTimeout(() => {
    socket.close()
    process.stdout.write(`${JSON.stringify(outcome)}\n`)
  }, patienceMs)
}

function said(bytes) {
  try {
    const reply = decode(bytes)
    if (reply.type !== 'response') return 'no response'
    if (reply.rcode !== 'NOERROR') return reply.rcode
    return (
      reply.answers
        .map(({ data }) => data)
        .sort()
        .join() || 'NODATA'
    )
  } catch (error) {
    return `malformed: ${error.message}`
  }
}

process.on('SIGTERM', () => clearTimeout(pace))
const startedAt = now()
// Behind its pace it does not catch up: a pause of this process must not become a burst.
const next = () => {
  ask(questions[asked++ % questions.length])
  pace = setTimeout(next, everyMs - ((now() - startedAt) % everyMs))
}
next()
