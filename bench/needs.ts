/** What a measurement needs of the machine, and how to get it. */

import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { machineLine } from './machine.ts'

/** Program and the Debian package that has it. */
export type Need = readonly [program: string, debianPackage: string]

const path = `${process.env.PATH ?? ''}${delimiter}/usr/sbin${delimiter}/sbin`

/** Those of the programs that are not there. */
export function missing(needs: readonly Need[]): readonly Need[] {
  return needs.filter(
    ([program]) => !path.split(delimiter).some((directory) => isExecutable(join(directory, program))),
  )
}

/** Ends the process with 2: what was asked for cannot be measured, for that reason. */
export function refuse(reason: string): never {
  process.stderr.write(`${reason}\n`)
  process.exit(2)
}

/** Ends the process, and says what to do, if some of the programs are not there. */
export function demand(needs: readonly Need[]): void {
  const absent = missing(needs)
  if (absent.length > 0) refuse(remedy(absent))
}

/** What to do about it. Debian would start the services of some; `setup.sh` does not let it. */
export function remedy(needs: readonly Need[]): string {
  const packages = [...new Set(needs.map(([, debianPackage]) => debianPackage))]
  return `missing: ${needs.map(([program]) => program).join(', ')}; install them with: bash scripts/setup.sh ${packages.join(' ')}`
}

/** Machine, versions and date, for whoever reads the figures later. */
export const provenance = (): string => `${machineLine()}, ${new Date().toISOString().slice(0, 10)}`

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
