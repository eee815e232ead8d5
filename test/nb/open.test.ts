import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openNbDriver } from '../../src/nb/open.ts'

test('the file driver is opened by its name', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'df-nb-'))
  const config = { nb_db_class: 'file_nb_db_driver', nb_path: join(folder, 'nb') }
  await expect(openNbDriver(config)).rejects.toThrow(
    `does not exist: make it with 'df-db --nb-path ${folder}/nb init'`,
  )
  const driver = await openNbDriver(config, { createMissing: true })
  expect(await driver.list()).toEqual([])
  await driver.close()
  await rm(folder, { recursive: true })
})

test('another name is refused with what to write', async () => {
  await expect(openNbDriver({ nb_db_class: 'redis_nb_db_driver', nb_path: '/nb' })).rejects.toMatchObject({
    name: 'ConfigError',
    message:
      '[df] nb_db_class = redis_nb_db_driver is not available: set it to file_nb_db_driver or etcd_nb_db_driver',
  })
})
