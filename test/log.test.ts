import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { createLogger } from '../src/log.ts'

test('a changed level is also that of the children made before', () => {
  const lines: string[] = []
  const log = createLogger(
    'info',
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        lines.push((JSON.parse(chunk.toString()) as { msg: string }).msg)
        done()
      },
    }),
  )
  const child = log.child({ app: 'dns' })
  const grandchild = child.child({ port: 'red-web' })
  const say = (when: string) => {
    for (const [name, logger] of Object.entries({ log, child, grandchild })) logger.debug(`${name} ${when}`)
  }
  say('before')
  log.setLevel('debug')
  say('after')
  log.setLevel('warn')
  for (const logger of [log, child, grandchild]) logger.info('silent again')
  expect(lines).toEqual(['log after', 'child after', 'grandchild after'])
})
