/**
 * Where the file driver keeps a row: `<root>/<table>/<id, percent-encoded>.json`. A name leads to one row and
 * a row to one name, and no id leads out of its table's folder. It touches no file.
 */

import { join } from 'node:path'
import { ConfigError } from '../errors.ts'

/** Begins the names of files that are being written; no row's file begins so. */
export const draftPrefix = '.draft-'

const ending = '.json'
/** NAME_MAX of Linux file systems, in bytes. */
const maxNameSize = 255
/** The ids that stand for themselves in their files' names, as nearly all do. */
const plainId = /^[\w~-][\w.~-]{0,199}$/
/** No id has it: it is no Unicode text. */
const misnamed = '\ud800'

/** Whether `name` can be a table and so the name of its folder. */
export function isTableFolder(name: string): boolean {
  return /^[a-z][a-z0-9_]{0,63}$/.test(name)
}

/** The folder of a table; throws ConfigError if the name cannot be one. */
export function folderOf(root: string, table: string): string {
  if (isTableFolder(table)) return join(root, table)
  throw new ConfigError(
    `${JSON.stringify(table)} cannot be a table: small letters, digits and _ make its name`,
  )
}

/**
 * The name of a row's file, without its folder; throws ConfigError if the id is empty, too long or not
 * Unicode.
 */
export function fileNameOf(id: string): string {
  if (plainId.test(id)) return id + ending
  const shown = JSON.stringify(id.length > 40 ? `${id.slice(0, 40)}...` : id)
  if (id === '') throw new ConfigError('the id of a row cannot be empty')
  if (/\p{Surrogate}/u.test(id)) throw new ConfigError(`the id ${shown} is not Unicode text`)
  const name = encoded(id) + ending
  if (Buffer.byteLength(name) > maxNameSize)
    throw new ConfigError(`the id ${shown} is too long: its file name may have ${maxNameSize} bytes`)
  return name
}

/** The id that a file name stands for, or undefined if `fileNameOf` makes no such name. */
export function idOf(fileName: string): string | undefined {
  const plain = fileName.slice(0, -ending.length)
  if (plainId.test(plain) && fileName.endsWith(ending)) return plain
  try {
    const id = decodeURIComponent(plain)
    return fileNameOf(id) === fileName ? id : undefined
  } catch {
    return undefined
  }
}

/** What a file is known by: the id of its row, or a text that is no id if its name stands for none. */
export const keyOfFile = (fileName: string): string => idOf(fileName) ?? misnamed + fileName

/** The name of the file that is known by `key`. */
export const fileOfKey = (key: string): string =>
  key.startsWith(misnamed) ? key.slice(misnamed.length) : fileNameOf(key)

/** Whether a file name is meant to be a row's: not a draft, an editor's copy or anything hidden. */
export function isRowFile(fileName: string): boolean {
  return fileName.endsWith(ending) && !fileName.startsWith('.')
}

/** Letters, digits and `-_~` stand for themselves, and `.` unless it is the first. */
function encoded(id: string): string {
  return encodeURIComponent(id)
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/^\./, '%2E')
}
