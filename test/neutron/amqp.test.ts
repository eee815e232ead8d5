/** Transport URLs of oslo.messaging; listening itself is tested at a real RabbitMQ (test/system/neutron.test.ts). */

import { expect, test } from 'vitest'
import { brokersOf } from '../../src/neutron/amqp.ts'

test.each([
  ['rabbit://u:p@192.0.2.1:5672/', ['amqp://u:p@192.0.2.1:5672?heartbeat=10']],
  ['rabbit://u:p%40@rabbit.example.org', ['amqp://u:p%40@rabbit.example.org?heartbeat=10']],
  [
    'rabbit://u:p@192.0.2.1:5672,u:p@192.0.2.2:5673/cloud',
    [1, 2].map((n) => `amqp://u:p@192.0.2.${n}:567${n + 1}/cloud?heartbeat=10`),
  ],
  ['rabbit://u:p@[fd00::1]:5671/%2Fv?ssl=1', ['amqps://u:p@[fd00::1]:5671/%2Fv?heartbeat=10']],
])('%s', (transport, urls) => {
  expect(brokersOf(transport).map(String)).toEqual(urls)
})

test.each(['rabbit://', 'kafka://h:1/', 'fake://', 'rabbit://u:p@h:x/'])('%s is none', (transport) => {
  expect(() => brokersOf(transport)).toThrow(/transport_url is none: write it as neutron.conf has it/)
})
