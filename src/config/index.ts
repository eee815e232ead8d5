/** The gate of the configuration room: what others may use. */

export { type ConfigSource, configFilesOf, defaultConfigFile } from './files.ts'
export { type Config, fileThatSets, loadConfig, type Sections } from './load.ts'
export { nearestOf } from './near.ts'
export {
  fixed,
  type HostPort,
  type Option,
  type OptionTable,
  type OptionValues,
  option,
  type ValueOf,
} from './option.ts'
export { controllerSections } from './options.ts'
export { createReload } from './reload.ts'
export { sampleOf } from './sample.ts'
