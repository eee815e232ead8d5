/**
 * The lab's memory on disk, `<lab directory>/state.json`: the plan, who is building it and every process started. It is
 * written before a thing is created, or in the same turn, so that `down` finds everything whatever interrupted `up`.
 */

import { existsSync, mkdirSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ConfigError, reasonOf } from '../errors.ts'
import { namespacesOf, type Plan, type PortPlan } from './plan.ts'
import type { ProcessRef } from './process.ts'

/** Where all labs live; each has a directory of its name there. */
export const labRoot = '/run/df-lab'

/** A process of the lab, by the name of its part (`compute-1/controller`). */
export interface Part {
  readonly name: string
  readonly process: ProcessRef
}

/** What is on disk. */
export interface StateFile {
  readonly plan: Plan
  readonly namespaces: readonly string[]
  /** The process that is building the lab, or that the lab ends with; undefined when the lab stands by itself. */
  readonly owner: ProcessRef | undefined
  readonly isUp: boolean
  readonly parts: readonly Part[]
}

/** The state as the process sees it that changes it. */
export interface State {
  readonly plan: Plan
  /** Puts a process on record, in place of an earlier one of that name. */
  record(name: string, process: ProcessRef): void
  /** Another port, of which nothing exists yet. */
  adopt(port: PortPlan): void
  /** The lab is up; from now on it stands by itself, unless it is to end with its owner. */
  finish(isOwned: boolean): void
}

/** The directory of a lab. */
export const directoryOf = (name: string) => join(labRoot, name)

/** Makes the lab's directory and its first state. Throws `ConfigError` if there is such a lab already. */
export function createState(plan: Plan, owner: ProcessRef): State {
  mkdirSync(dirname(plan.directory), { recursive: true })
  try {
    mkdirSync(plan.directory)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    throw new ConfigError(
      `there is a lab ${plan.name} already; take it down first (df-lab --name ${plan.name} down)`,
    )
  }
  const file = { plan, namespaces: namespacesOf(plan), owner, isUp: false, parts: [] }
  write(file)
  return stateOf(file)
}

/** The state of a lab that somebody made. Throws `ConfigError` if there is no such lab. */
export function openState(name: string): State {
  const file = readState(name)
  if (!file)
    throw new ConfigError(`there is no lab ${name}; bring it up first (df-lab --name ${name} up FILE.yaml)`)
  return stateOf(file)
}

/** What is on disk about a lab, or undefined if there is nothing. Throws `ConfigError` if it cannot be read. */
export function readState(name: string): StateFile | undefined {
  const path = join(directoryOf(name), 'state.json')
  if (!existsSync(path)) return undefined
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as StateFile
  } catch (error) {
    throw new ConfigError(`${path}: cannot be read (${reasonOf(error)}); remove the lab's parts by hand`)
  }
}

/** Removes the lab's directory, and the directory of all labs with the last one. */
export function removeState(name: string): void {
  rmSync(directoryOf(name), { recursive: true, force: true })
  removeIfEmpty(labRoot)
}

/** Removes a directory if nothing is in it. */
export function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory)
  } catch {
    // It is missing, or somebody else's files are in it: both are fine.
  }
}

function stateOf(first: StateFile): State {
  let current = first
  const change = (next: Partial<StateFile>) => {
    current = { ...current, ...next }
    write(current)
  }
  return {
    plan: first.plan,
    adopt: (port) =>
      change({
        plan: { ...current.plan, ports: [...current.plan.ports, port] },
        namespaces: [...current.namespaces, port.namespace],
      }),
    record: (name, process) =>
      change({ parts: [...current.parts.filter((part) => part.name !== name), { name, process }] }),
    finish: (isOwned) => change({ isUp: true, ...(isOwned ? {} : { owner: undefined }) }),
  }
}

function write(state: StateFile): void {
  const path = join(state.plan.directory, 'state.json')
  writeFileSync(`${path}.new`, `${JSON.stringify(state, undefined, 2)}\n`)
  renameSync(`${path}.new`, path)
}
