/**
 * systemd-resolved inside a VM: it wants a system bus, a user of its own and directories that belong to the machine, so
 * it gets a bus and a mount namespace for itself. Nothing of the machine's is touched; scripts/setup.sh unpacks it.
 */

import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  outputOf,
  type ProcessRef,
  signalProcess,
  startDaemon,
  stopProcess,
  waitUntil,
} from '../../src/lab/process.ts'

const home = join(import.meta.dirname, '../../node_modules/.cache/df-systemd-resolved')
const libraries = join(home, 'usr/lib/x86_64-linux-gnu/systemd')

const busConfig = (socket: string) => `<busconfig>
  <type>system</type>
  <listen>unix:path=${socket}</listen>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>
`

/**
 * Runs in a mount namespace of its own; $0 is the directory, $1 where systemd-resolved is, $2 the pid of the
 * systemd-networkd beside which it runs, if so.
 */
const script = `
set -e
for file in passwd group; do cp "/etc/$file" "$0/$file"; done
echo 'systemd-resolve:x:990:990::/:/usr/sbin/nologin' >>"$0/passwd"
echo 'systemd-resolve:x:990:' >>"$0/group"
for file in passwd group; do mount --bind "$0/$file" "/etc/$file"; done
[ -n "$2" ] || { mkdir -p /run/systemd; mount -t tmpfs tmpfs /run/systemd; }
mkdir -p /run/systemd/resolve /run/systemd/resolved.conf.d
chown 990:990 /run/systemd/resolve
cp "$0/resolved.conf" /run/systemd/resolved.conf.d/test.conf
setpriv --pdeathsig TERM dbus-daemon --config-file="$0/bus.conf" --nofork --nopidfile &
while [ ! -S "$0/bus" ]; do sleep 0.02; done
exec "$1/lib/systemd/systemd-resolved"
`

/** One systemd-resolved. */
export interface Resolved {
  /** The command line of a `resolvectl` that speaks to it. */
  resolvectl(...words: string[]): string[]
  /** What it has logged, with what it knows of its servers and its cache. */
  report(): Promise<string>
  stop(): Promise<void>
}

/**
 * Starts one in a network namespace, with these lines in the section `Resolve` of its configuration; beside a
 * systemd-networkd if its process is given, whose servers and domains it then takes.
 */
export async function startResolved(
  namespace: string,
  lines: readonly string[],
  networkd?: ProcessRef,
): Promise<Resolved> {
  const directory = mkdtempSync(join(tmpdir(), 'df-resolved-'))
  const logFile = join(directory, 'log')
  const socket = join(directory, 'bus')
  chmodSync(directory, 0o755) // its own user has to find the bus
  writeFileSync(join(directory, 'bus.conf'), busConfig(socket))
  writeFileSync(join(directory, 'resolved.conf'), `[Resolve]\n${lines.join('\n')}\n`)
  const env = { DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${socket}`, LD_LIBRARY_PATH: libraries }
  const [command, ...words] = [
    ...(networkd === undefined ? [] : ['nsenter', '--mount', '--target', `${networkd.pid}`]),
    ...['unshare', '-m', 'sh', '-c', script, directory, home, `${networkd?.pid ?? ''}`],
  ]
  const process: ProcessRef = await startDaemon(command!, words, {
    ...{ logFile, namespace, diesWithParent: true },
    env: { ...env, SYSTEMD_LOG_LEVEL: 'debug', SYSTEMD_LOG_TARGET: 'console' },
  })
  const log = () => readFileSync(logFile, 'utf8')
  const alive = [{ name: 'systemd-resolved', process, logFile }]
  const resolvectl = (...words: string[]) => {
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`)
    return ['env', ...variables, join(home, 'usr/bin/resolvectl'), '--no-pager', ...words]
  }
  const isThere = async () =>
    (await outputOf('nsenter', [`--net=/run/netns/${namespace}`, ...resolvectl('status')])).exitCode === 0
  await waitUntil('systemd-resolved', isThere, { alive })
  return {
    resolvectl,
    report: async () => {
      const before = log().length
      signalProcess(process, 'SIGUSR1')
      await waitUntil('the report', () => log().slice(before).includes('feature level'), { alive })
      return log()
    },
    stop: async () => {
      await stopProcess(process)
      rmSync(directory, { recursive: true })
    },
  }
}
