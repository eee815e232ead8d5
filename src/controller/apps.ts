/**
 * From the names in `apps_list` to running applications. It is given what there is and what became of the rest
 * (docs/applications.md), and knows no application itself.
 */

import type { App, AppHost, Application } from '../app/app.ts'
import { nearestOf } from '../config/index.ts'
import { ConfigError } from '../errors.ts'
import type { Logger } from '../log.ts'

/** Every name that `apps_list` may hold. */
export interface Catalogue {
  /** In the order in which their flows are collected. */
  readonly applications: readonly Application[]
  /** Names whose work the controller itself does. */
  readonly builtIn: readonly string[]
  /** Names of Dragonflow's applications that are left out with a warning. */
  readonly notPorted: readonly string[]
  /** Those from outside, by the paths and packages that `apps_list` names. */
  readonly foreign?: ReadonlyMap<string, Application>
}

/** Every name that is taken: an application from outside has another one. */
export function namesOf({ applications, builtIn, notPorted }: Catalogue): string[] {
  return [...applications.map(({ name }) => name), ...builtIn, ...notPorted]
}

/**
 * The applications that `names` (the option `apps_list`) asks for, in the catalogue's order, those from outside last.
 * Warns of names that are not ported; throws `ConfigError` for names that are nobody's.
 */
export function chosenApplications(
  names: readonly string[],
  { applications, builtIn, notPorted, foreign = new Map() }: Catalogue,
  log: Logger,
): Application[] {
  const known = [...applications.map(({ name }) => name), ...builtIn]
  for (const name of new Set(names)) {
    if (known.includes(name) || foreign.has(name)) continue
    if (!notPorted.includes(name)) throw unknownName(name, known, notPorted)
    log.warn({ app: name }, 'apps_list names an application that is not ported (docs/applications.md)')
  }
  return [...applications.filter(({ name }) => names.includes(name)), ...foreign.values()]
}

/**
 * Makes each application, with the options of its section and its own child of the log. Throws what a factory throws:
 * a wrong combination of options is a `ConfigError`.
 */
export function startApplications(
  applications: readonly Application[],
  optionsOf: (section: string) => Readonly<Record<string, unknown>>,
  host: AppHost,
): App[] {
  return applications.map(({ name, section, factory }) =>
    factory(optionsOf(section), { ...host, log: host.log.child({ app: name }) }),
  )
}

function unknownName(name: string, known: readonly string[], notPorted: readonly string[]): ConfigError {
  const nearest = nearestOf(name, [...known, ...notPorted])
  const remedy = nearest === undefined ? `known are ${known.join(', ')}` : `did you mean ${nearest}?`
  return new ConfigError(`apps_list: there is no application ${JSON.stringify(name)}; ${remedy}`)
}
