/**
 * Which files a command reads: those it is told of, in the order of the command line, by the rules of oslo.config
 * (`oslo_config/cfg.py`, `_ConfigFileOpt` and `_ConfigDirOpt`); and their texts. What the texts mean it does not know.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError, reasonOf } from '../errors.ts'

/** What an argument names: `--config-file` a file, `--config-dir` every `*.conf` of a directory. */
export interface ConfigSource {
  readonly kind: 'file' | 'directory'
  readonly path: string
}

/** What is read, if it is there, when no `--config-file` is given. */
export const defaultConfigFile = '/etc/dragonflow/df.conf'

/**
 * The files of these sources, each to be read over those before it. A directory's files come in the order of their names,
 * hidden ones not at all. Throws `ConfigError` for a directory that cannot be read.
 */
export function configFilesOf(sources: readonly ConfigSource[], defaultFile = defaultConfigFile): string[] {
  const isDefault = sources.every(({ kind }) => kind === 'directory') && existsSync(defaultFile)
  const named = sources.flatMap(({ kind, path }) => (kind === 'file' ? [path] : filesIn(path)))
  return isDefault ? [defaultFile, ...named] : named
}

function filesIn(directory: string): string[] {
  try {
    const names = readdirSync(directory).filter((name) => name.endsWith('.conf') && !name.startsWith('.'))
    return names.sort().map((name) => join(directory, name))
  } catch (error) {
    throw new ConfigError(
      `configuration directory ${directory}: ${whyOf(error, 'directory')}; check --config-dir`,
    )
  }
}

/** The text of a file. Throws `ConfigError` if it cannot be read or is not UTF-8. */
export function textOfFile(file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file))
  } catch (error) {
    throw new ConfigError(`configuration file ${file}: ${whyOf(error, 'file')}; check --config-file`)
  }
}

function whyOf(error: unknown, expected: 'file' | 'directory'): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
      return `no such ${expected}`
    case 'ENOTDIR':
      return 'is not a directory'
    case 'EISDIR':
      return 'is a directory'
    case 'EACCES':
      return 'permission denied'
    case 'ERR_ENCODING_INVALID_ENCODED_DATA':
      return 'is not UTF-8 text'
    default:
      return reasonOf(error)
  }
}
