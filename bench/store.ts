/** A northbound store for figures: files in a directory, or a private etcd. It knows no rows. */

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type NbDriver, openNbDriver } from '../src/nb/index.ts'
import { Etcd } from '../test/support/etcd.ts'
import { type Need, refuse } from './needs.ts'

export interface BenchStore {
  readonly driver: NbDriver
  /** Lines of the section `[df]` that lead to it. */
  readonly configuration: string
  /** etcd, if that holds the rows. */
  readonly pid: number | undefined
  stop(): Promise<void>
}

/** The kinds of stores, each with the programs that it needs. */
const storeNeeds = new Map<string, readonly Need[]>([
  ['file', []],
  ['etcd', [['etcd', 'etcd-server']]],
])

/** What a store of that kind needs; ends the process if there is no such kind. */
export function needsOfStore(kind: string): readonly Need[] {
  return (
    storeNeeds.get(kind) ?? refuse(`'${kind}' is no store: --nb takes ${[...storeNeeds.keys()].join(' or ')}`)
  )
}

/** Starts an empty store: `file` or `etcd`. */
export async function startStore(kind: string, directory: string): Promise<BenchStore> {
  if (kind === 'etcd') {
    const etcd = await Etcd.start()
    const driver = await openNbDriver({
      nb_db_class: 'etcd_nb_db_driver',
      nb_path: '',
      remote_db_hosts: [etcd.host],
    })
    return {
      driver,
      configuration: `nb_db_class = etcd_nb_db_driver\nremote_db_hosts = ${etcd.host}`,
      pid: etcd.pid,
      async stop() {
        await driver.close()
        await etcd.remove()
      },
    }
  }
  const path = join(directory, 'nb')
  mkdirSync(path)
  const driver = await openNbDriver({ nb_db_class: 'file_nb_db_driver', nb_path: path })
  return { driver, configuration: `nb_path = ${path}`, pid: undefined, stop: () => driver.close() }
}
