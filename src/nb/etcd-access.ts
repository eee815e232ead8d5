/** From the options of `[df]` to where etcd is and who asks there: hosts, TLS, user. It reads the files, and calls nobody. */

import { readFileSync } from 'node:fs'
import { isIPv6 } from 'node:net'
import { ConfigError, reasonOf } from '../errors.ts'
import type { EtcdAccess } from './etcd-client.ts'

/** The options that say where etcd is; what is missing or empty is not used. The first name is Dragonflow's. */
export interface EtcdConfig {
  /** `host:port`, `http://host:port`, `https://host:port` or `unix:/path`; 127.0.0.1:2379 by default. */
  readonly remote_db_hosts?: readonly string[]
  readonly remote_db_user?: string
  readonly remote_db_password?: string
  /** PEM files. */
  readonly remote_db_ca_file?: string
  readonly remote_db_cert_file?: string
  readonly remote_db_key_file?: string
  /** Stands before `/<table>/<id>`. */
  readonly remote_db_key_prefix?: string
}

/** Throws ConfigError, which names the option, for a host that is none, a file that cannot be read, half a pair. */
export function etcdAccess(config: EtcdConfig): EtcdAccess {
  const { remote_db_hosts = ['127.0.0.1:2379'], remote_db_user: user = '', remote_db_password = '' } = config
  const { remote_db_ca_file: ca = '', remote_db_cert_file: cert = '', remote_db_key_file: key = '' } = config
  if (remote_db_hosts.length === 0)
    throw new ConfigError('[df] remote_db_hosts is empty: write the hosts of etcd, as 127.0.0.1:2379')
  if ((cert === '') !== (key === ''))
    throw new ConfigError(
      '[df] remote_db_cert_file and remote_db_key_file belong together: set both or neither',
    )
  if (user === '' && remote_db_password !== '')
    throw new ConfigError('[df] remote_db_password is set, remote_db_user is not: set both or neither')
  const isSecure = ca !== '' || cert !== ''
  const hosts = remote_db_hosts.map((host) => hostOf(host, isSecure))
  const pem = (option: string, file: string) => (file === '' ? undefined : pemOf(option, file))
  const privateKey = pem('remote_db_key_file', key)
  const certChain = pem('remote_db_cert_file', cert)
  const rootCertificate = pem('remote_db_ca_file', ca)
  return { hosts, user, password: remote_db_password, tls: { rootCertificate, privateKey, certChain } }
}

/** TLS is spoken where `https://` says so, or where files for it are given and nothing else is said. */
function hostOf(text: string, isSecure: boolean): string {
  if (/^unix:\/./.test(text)) return text
  const [, scheme = isSecure ? 'https://' : 'http://', address, bracketed, digits] =
    /^(https?:\/\/)?((?:\[([^\]]*)\]|[^:\s[\]/]+):(\d{1,5}))\/?$/.exec(text) ?? []
  const isGood =
    address !== undefined && Number(digits) <= 65535 && (bracketed === undefined || isIPv6(bracketed))
  if (isGood) return `${scheme}${address}`
  throw new ConfigError(
    `[df] remote_db_hosts: ${JSON.stringify(text)} is no host of etcd: write <host>:<port>, [<IPv6 address>]:<port>, https://<host>:<port> or unix:<absolute path>`,
  )
}

function pemOf(option: string, file: string): Buffer {
  try {
    const pem = readFileSync(file)
    if (pem.includes('-----BEGIN ')) return pem
  } catch (error) {
    throw new ConfigError(
      `[df] ${option} = ${file} cannot be read (${reasonOf(error)}): correct it, or let us read it`,
    )
  }
  throw new ConfigError(`[df] ${option} = ${file} holds no PEM: write the file in that form`)
}
