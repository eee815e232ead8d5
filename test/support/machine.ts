/**
 * A machine of its own with a real systemd as its first process: namespaces of everything but users, and this machine's
 * files under an overlay that is thrown away. Nothing that is installed or started there is seen outside.
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
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
 * $1 is an empty directory, $2 the name of a control group. That group is entered before its namespace is made, so that it
 * is the root of what systemd sees. All mounts are private to the machine.
 */
const enter = `
set -e
mkdir "$1/groups" "$1/mount"
mount -t cgroup2 none "$1/groups"
mkdir "$1/groups/$2"
echo $$ >"$1/groups/$2/cgroup.procs"
exec unshare --pid --fork --kill-child --net --ipc --uts --cgroup sh -c "$3" boot "$1/mount"
`

/**
 * Units that an administrator enabled here are not started there: only journald is. systemd shall not run below a chroot,
 * neither one of ours nor one around all this: the kernel makes no user namespaces there, which PrivateUsers= needs. Hence
 * nsenter, which gets out of one, and pivot_root.
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
exec nsenter --mount=/proc/self/ns/mnt --wd=. sh -c 'pivot_root . mnt && umount --lazy /mnt && exec "$@"' sh \
  env -i container=machine PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin \
  /lib/systemd/systemd --system --unit=machine.target --log-target=journal --show-status=no
`

/** Removes the control group $2, with those below it; fails while there is a process in one. */
const leave = `
set -e
mount -t cgroup2 none "$1/groups"
if [ -e "$1/groups/$2" ]; then find "$1/groups/$2" -depth -type d -exec rmdir {} +; fi
`

/** Starts it and waits until its systemd takes orders. */
export async function startMachine(name: string): Promise<Machine> {
  const directory = mkdtempSync(join(tmpdir(), `df-${name}-`))
  const group = `df-${name}-${process.pid}`
  const logFile = join(directory, 'log')
  const privately = (script: string, ...args: string[]) =>
    [
      'unshare',
      ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', directory, group, ...args],
    ] as const
  const outer = await startDaemon(...privately(enter, boot), { logFile, diesWithParent: true })
  let first: ProcessRef | undefined
  const inside = (command: string, args: readonly string[]) =>
    ['nsenter', ['--target', String(first!.pid), '--all', '--root', '--wd', command, ...args]] as const
  const stop = async () => {
    if (first !== undefined) signalProcess(first, 'SIGKILL') // with it ends everything in its namespace of processes
    await stopProcess(outer)
    const isEmpty = async () => (await outputOf(...privately(leave))).exitCode === 0
    await waitUntil('the control group to be empty', isEmpty)
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
