import { expect, test } from 'vitest'
import { deviceOf, macOf, topicOf, uuidOf } from '../../src/lab/ids.ts'

test('an id is a name-based UUID (as python3 -c "import uuid; uuid.uuid5(...)" makes it)', () => {
  expect(uuidOf('lport', 'red-web')).toBe('35b833ed-d095-5b88-a416-68c28b73bd2c')
})

test('a device, a MAC and a project id are of the kinds that OpenStack makes', () => {
  expect(deviceOf('tap', 'lport', 'red-web')).toBe('tap35b833ed-d0')
  expect(macOf('red-web')).toMatch(/^fa:16:3e(:[0-9a-f]{2}){3}$/)
  expect(topicOf('red')).toMatch(/^[0-9a-f]{32}$/)
})
