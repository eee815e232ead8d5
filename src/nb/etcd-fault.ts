/**
 * What an error of etcd or of gRPC means: whether another host may do better, whether the call may have had its effect,
 * and what a person is told, in one line with the host and the remedy. The texts are those of etcd 3.4 and grpc-js.
 */

import { ConfigError, type ControllerError, NorthboundError } from '../errors.ts'

/** How an error is to be taken. */
export interface EtcdFault {
  /**
   * `host`: another host may do better. `everywhere`: all hosts would say the same. `compacted`: the revision is gone.
   * `large`: the answer does not fit into a message.
   */
  readonly kind: 'host' | 'everywhere' | 'compacted' | 'large'
  /** Whether the call may have had its effect all the same. */
  readonly isOutcomeUnknown: boolean
  readonly error: ControllerError
}

/** Whom the call was made to, and as whom. */
export interface EtcdPeer {
  readonly host: string
  readonly user: string
}

interface Rule {
  readonly pattern: RegExp
  readonly kind?: EtcdFault['kind']
  /** A person must mend it: waiting does not help. */
  readonly isMistake?: true
  readonly isUnsent?: true
  readonly told: (peer: EtcdPeer, details: string) => string
}

/** In order: the first that fits. */
const rules: readonly Rule[] = [
  {
    pattern: /invalid user ID or password/,
    kind: 'everywhere',
    isMistake: true,
    told: ({ user }) =>
      `refuses the user ${JSON.stringify(user)}: correct [df] remote_db_user or remote_db_password`,
  },
  {
    pattern: /user name is empty|user name not found/,
    kind: 'everywhere',
    isMistake: true,
    told: () => 'wants to know who asks: set [df] remote_db_user and remote_db_password',
  },
  {
    pattern: /authentication is not enabled/,
    kind: 'everywhere',
    isMistake: true,
    told: () => 'has authentication turned off: take out [df] remote_db_user, or run etcdctl auth enable',
  },
  {
    pattern: /permission denied|PERMISSION_DENIED/,
    kind: 'everywhere',
    isMistake: true,
    told: ({ user }) =>
      `does not let the user ${JSON.stringify(user)} do this: grant it the keys (etcdctl role grant-permission)`,
  },
  {
    pattern:
      /alert (bad certificate|certificate required|unknown ca|certificate unknown)|alert number (42|46|48|116)/,
    isMistake: true,
    isUnsent: true,
    told: () => 'does not take our certificate: correct [df] remote_db_cert_file and remote_db_key_file',
  },
  {
    pattern: /altnames/i,
    isMistake: true,
    isUnsent: true,
    told: () =>
      'shows a certificate for another name: write in [df] remote_db_hosts the name that stands in it',
  },
  {
    pattern: /certificate/i,
    isMistake: true,
    isUnsent: true,
    told: (_, details) =>
      `shows a certificate that is not trusted (${details}): correct [df] remote_db_ca_file`,
  },
  {
    pattern: /before secure TLS connection|wrong version number/,
    isUnsent: true,
    told: () => 'does not speak TLS: write http:// in [df] remote_db_hosts, or correct the port',
  },
  {
    pattern: /Failed to connect|ECONNRESET|socket hang up/,
    isUnsent: true,
    told: () => 'hangs up: write https:// in [df] remote_db_hosts if it speaks TLS, http:// if it does not',
  },
  {
    pattern: /ECONNREFUSED|ENOENT/,
    isUnsent: true,
    told: () => 'does not listen: start etcd there, or correct [df] remote_db_hosts',
  },
  {
    pattern: /Name resolution failed/,
    isUnsent: true,
    told: () => 'has a name that is not known: correct [df] remote_db_hosts',
  },
  {
    pattern: /EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|No connection established|Channel closed before/,
    isUnsent: true,
    told: (_, details) => `cannot be reached (${details})`,
  },
  {
    pattern: /no leader|leader changed|request timed out/,
    told: () => 'has no leader: most members of its cluster must run (etcdctl endpoint status --cluster)',
  },
  {
    pattern: /deadline[ _]exceeded/i,
    told: () =>
      'does not answer in time: see that most members of its cluster run (etcdctl endpoint status --cluster)',
  },
  {
    pattern: /revision has been compacted/,
    kind: 'compacted',
    told: () => 'has forgotten the revision that was asked for',
  },
  {
    pattern: /revision is a future revision/,
    kind: 'compacted',
    told: () => 'has not got as far as the revision that was asked for: it is behind, or was replaced',
  },
  {
    pattern: /larger than max/,
    kind: 'large',
    told: () => 'has rows that do not fit into one message',
  },
  {
    pattern: /request is too large/,
    kind: 'everywhere',
    told: () => 'takes no row of that size (etcd --max-request-bytes)',
  },
  {
    pattern: /database space exceeded/,
    kind: 'everywhere',
    told: () => 'is full: compact and defragment it, then etcdctl alarm disarm',
  },
]

/** What an error of a call means. */
export function faultOf(error: unknown, peer: EtcdPeer): EtcdFault {
  const message = error instanceof Error ? error.message : String(error)
  const rule = rules.find(({ pattern }) => pattern.test(message))
  const details = detailsOf(message)
  const told = `etcd at ${peer.host} ${rule ? rule.told(peer, details) : `cannot be used (${details})`}`
  const isRefusal = /^(3|5|6|7|9|11|12|16) [A-Z_]+:/.test(message)
  return {
    kind: rule?.kind ?? (isRefusal ? 'everywhere' : 'host'),
    isOutcomeUnknown: !rule?.isUnsent && !isRefusal && rule?.kind === undefined,
    error: rule?.isMistake ? new ConfigError(told) : new NorthboundError(told),
  }
}

/** What gRPC wraps around a reason tells nobody anything. */
function detailsOf(message: string): string {
  return message
    .replace(/^\d+ [A-Z_]+: /, '')
    .replace(/^No connection established\. Last error: /, '')
    .replace(/^Error(?: \[\w+\])?: /, '')
    .replace(/\s*(?:\([\dTZ:.-]+\))?\. Resolution note:.*$/s, '')
    .replaceAll(/\s+/g, ' ')
    .trim()
}
