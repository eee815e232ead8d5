/**
 * What the demo asks, and what must come back (docs/lab.md): questions about examples/two-tenants.yaml as data. Whoever
 * reads them knows what the project does.
 */

/** Who answered, as the captures tell. */
export type Answerer = 'cloud controller' | 'outside server' | "tenant's own server"

/** One question by one VM. */
export interface Question {
  readonly asker: string
  /** Arguments for dig. */
  readonly ask: string
  readonly status: 'NOERROR' | 'NXDOMAIN'
  readonly answers: readonly string[]
  readonly by: Answerer
}

const v4 = '@198.51.100.53'
const v6 = '@2001:db8::53'
const own = '@10.0.0.53'

const cloud = (asker: string, ask: string, ...answers: string[]): Question => ({
  asker,
  ask,
  status: 'NOERROR',
  answers,
  by: 'cloud controller',
})

const outside = (asker: string, ask: string, ...answers: string[]): Question => ({
  asker,
  ask,
  status: answers.length > 0 ? 'NOERROR' : 'NXDOMAIN',
  answers,
  by: 'outside server',
})

const tenant = (asker: string, ask: string, ...answers: string[]): Question => ({
  ...outside(asker, ask, ...answers),
  by: "tenant's own server",
})

/** With the controller at work. The last two reach the captured servers, so that the captures are known to be complete. */
export const questions: readonly Question[] = [
  // A tenant's own names, whichever server outside is asked.
  cloud('red-web', `${v4} db.red.example.org A`, '10.0.0.12'),
  cloud('red-db', `${v4} web.red.example.org A`, '10.0.0.11'),
  cloud('blue-web', `${v4} db.blue.example.org A`, '10.0.0.12'),
  cloud('blue-db', `${v4} WEB.Blue.Example.ORG A`, '10.0.0.11'),
  // Short names: as they are, and through the search list of /etc/resolv.conf.
  cloud('red-web', `${v4} db A`, '10.0.0.12'),
  cloud('blue-web', '+search db A', '10.0.0.12'),
  // The other tenant's names do not exist: they are passed on, and the world does not know them.
  outside('red-web', `${v4} web.blue.example.org A`),
  outside('blue-web', `${v4} web.red.example.org A`),
  outside('blue-web', `${v6} db.red.example.org A`),
  // Reverse: the same address, to each tenant its own name.
  cloud('red-web', `${v4} -x 10.0.0.12`, 'db.red.example.org.'),
  cloud('blue-web', `${v4} -x 10.0.0.12`, 'db.blue.example.org.'),
  // IPv6, as transport and as answer.
  cloud('red-web', `${v6} web.red.example.org AAAA`, 'fd00:a::11'),
  cloud('blue-web', `${v6} web.blue.example.org AAAA`, 'fd00:a::11'),
  cloud('red-web', `${v6} -x fd00:a::53`, 'dns.red.example.org.'),
  // The name exists, the type does not: an answer without data, never passed on.
  cloud('red-web', `${v4} db.red.example.org AAAA`),
  cloud('blue-web', `${v6} web.blue.example.org MX`),
  // Names of the wide world, and one that nobody has.
  outside('red-db', `${v4} ext.example.net A`, '192.0.2.80'),
  outside('blue-web', `${v6} ext.example.net AAAA`, '2001:db8::80'),
  outside('red-web', `${v4} nobody.red.example.org A`),
  // A VM's own DNS server: nobody stands in between, not even for names that the cloud knows.
  tenant('red-web', `${own} wiki.corp.example.com A`, '10.0.0.80'),
  tenant('red-web', `${own} web.red.example.org A`),
  outside('red-web', `${v4} mail.example.net A`, '192.0.2.25'),
]

/** After the controller was killed: the world is still there, the cloud's own names are not. */
export const questionsWithoutController: readonly Question[] = [
  outside('red-web', `${v4} ext.example.net A`, '192.0.2.80'),
  outside('blue-web', `${v6} ext.example.net AAAA`, '2001:db8::80'),
  tenant('red-db', `${own} wiki.corp.example.com A`, '10.0.0.80'),
  outside('red-web', `${v4} db.red.example.org A`),
]

/** After it was started again. */
export const questionsAfterRestart: readonly Question[] = [
  cloud('red-web', `${v4} db.red.example.org A`, '10.0.0.12'),
  cloud('blue-web', `${v6} -x fd00:a::11`, 'web.blue.example.org.'),
  outside('red-web', `${v4} mail.example.net A`, '192.0.2.25'),
]
