/**
 * A machine of its own with a real systemd as its first process: namespaces of everything but users, and this machine's
 * files under an overlay that is thrown away. Nothing that is installed or started there is seen outside.
 */

import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Output,
  outputOf,
  type ProcessRef,
  processOf,
  run,
  signalProcess,
  startDaemon,
  stopProcess,
  waitUntil,
} from '../../src/lab/process.ts'

export interface Machine {
  /** Its files as they are seen from here, while it runs. */
  readonly root: string
  /** Runs a command there and returns its standard output. Throws `LabError` unless it exits with 0. */
  run(command: string, ...args: string[]): Promise<string>
  /** The same, whatever its exit code. */
  outputOf(command: string, ...args: string[]): Promise<Output>
  /** Ends everything in it. */
  stop(): Promise<void>
}

/**
 * Mounts are private to the machine. Units that an administrator enabled here are not started there: only journald is.
 * $1 is an empty directory.
 */
const boot = `
set -e
mount -t tmpfs none "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
cd "$1/root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mount --rbind /dev dev
rm -rf etc/systemd/system
mkdir etc/systemd/system
printf '[Unit]\\nWants=systemd-journald.service\\n' >etc/systemd/system/machine.target
# Not chroot: from inside one the kernel makes no user namespaces, which PrivateUsers= needs.
pivot_root . mnt
umount --lazy /mnt
exec env -i container=machine PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin \
  /lib/systemd/systemd --system --unit=machine.target --log-target=journal --show-status=no
`

/** Starts it and waits until its systemd takes orders. */
export async function startMachine(name: string): Promise<Machine> {
  const directory = mkdtempSync(join(tmpdir(), `df-${name}-`))
  const group = join(cgroupMount(), `df-${name}-${process.pid}`)
  mkdirSync(group)
  mkdirSync(join(directory, 'mount'))
  const logFile = join(directory, 'log')
  // The control group is entered before its namespace is made, so that it is the root of what systemd sees.
  const enter = 'echo $$ >"$0/cgroup.procs"; exec "$@"'
  const unshare = ['--mount', '--pid', '--fork', '--kill-child', '--net', '--ipc', '--uts', '--cgroup']
  const bootArgs = ['bash', '-c', boot, 'boot', join(directory, 'mount')]
  const outer = await startDaemon(
    'sh',
    ['-c', enter, group, 'unshare', ...unshare, '--propagation', 'private', ...bootArgs],
    { logFile, diesWithParent: true },
  )
  let first: ProcessRef | undefined
  const inside = (command: string, args: readonly string[]) =>
    ['nsenter', ['--target', String(first!.pid), '--all', '--root', '--wd', command, ...args]] as const
  const stop = async () => {
    if (first !== undefined) signalProcess(first, 'SIGKILL') // with it ends everything in its namespace of processes
    await stopProcess(outer)
    const groups = (await run('find', [group, '-depth', '-type', 'd'])).trim().split('\n')
    await waitUntil('the control groups to be empty', () => groups.every(removed))
    rmSync(directory, { recursive: true })
  }
  try {
    const alive = [{ name: 'the machine', process: outer, logFile }]
    await waitUntil(
      'systemd',
      async () => {
        first = processOf(Number(readFileSync(`/proc/${outer.pid}/task/${outer.pid}/children`, 'latin1')))
        if (first === undefined) return false
        return (await outputOf(...inside('systemctl', ['is-system-running']))).stdout.trim() === 'running'
      },
      { alive },
    )
  } catch (error) {
    await stop()
    throw error
  }
  return {
    root: `/proc/${first!.pid}/root`,
    run: (command, ...args) => run(...inside(command, args)),
    outputOf: (command, ...args) => outputOf(...inside(command, args)),
    stop,
  }
}

function removed(group: string): boolean {
  try {
    rmdirSync(group)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
  }
}

/** Where the unified hierarchy of control groups is mounted. */
function cgroupMount(): string {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n')
  const line = mounts.map((each) => each.split(' ')).find(([, , kind]) => kind === 'cgroup2')
  if (line === undefined) throw new Error('no cgroup2 file system is mounted')
  return line[1]!
}
