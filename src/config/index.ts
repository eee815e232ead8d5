/** The gate of the configuration room: what others may use. */

export { loadConfig } from './load.ts'
export { type OptionTable, type OptionValues, option } from './option.ts'
