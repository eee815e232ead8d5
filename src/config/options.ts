/**
 * The options of the controller itself, as architecture.md section 10 has them; applications declare their own. An
 * option stands here as soon as something reads it, never before.
 */

import { hostname } from 'node:os'
import { fixed, option } from './option.ts'

/** `[DEFAULT]`, which neutron.conf shares. */
export const defaultOptions = {
  host: fixed(
    option.string(
      { compute: hostname, shown: 'the name of this machine' },
      'The chassis id of this compute node: rows of the northbound store that name it are local.',
    ),
  ),
  dns_domain: option.string(
    'openstacklocal',
    'The domain of ports whose subnet has no domain of its own; empty for none.',
  ),
  dhcp_lease_duration: option.integer(
    { min: -1, max: 0xffff_fffe, default: 86_400, unit: 'seconds' },
    'How long an address that DHCP gave may be used without asking again; -1 for ever.',
  ),
  log_level: option.choice(
    ['trace', 'debug', 'info', 'warn', 'error', 'fatal'],
    'info',
    'How much is written to standard error.',
  ),
  run_dir: fixed(option.string('/run/dragonflow', 'The directory of the control socket.')),
}

/** `[df]`. */
export const dfOptions = {
  apps_list: fixed(
    option.list(
      ['portbinding', 'classifier', 'portsec', 'l2', 'provider', 'dns'],
      'The applications to load; their order does not matter.',
    ),
  ),
  nb_db_class: fixed(
    option.choice(
      ['file_nb_db_driver', 'etcd_nb_db_driver'],
      'file_nb_db_driver',
      'The driver of the northbound store: file_nb_db_driver keeps one JSON file per row under nb_path, etcd_nb_db_driver keeps the rows in etcd at remote_db_hosts.',
    ),
  ),
  nb_path: fixed(option.string('/var/lib/dragonflow/nb', 'The directory of the file driver.')),
  remote_db_hosts: fixed(
    option.list(
      ['127.0.0.1:2379'],
      'The hosts of etcd, each <host>:<port>, https://<host>:<port> or unix:<absolute path>. If one does not answer, the next is asked.',
    ),
  ),
  remote_db_user: fixed(option.string('', 'The user as whom etcd is asked; empty if it asks for none.')),
  remote_db_password: fixed(option.string('', 'The password of remote_db_user.')),
  remote_db_ca_file: fixed(
    option.string(
      '',
      'The PEM file of the authority that signed the certificate of etcd; empty for those that the system trusts.',
    ),
  ),
  remote_db_cert_file: fixed(
    option.string('', 'The PEM file of the certificate that is shown to etcd; empty for none.'),
  ),
  remote_db_key_file: fixed(option.string('', 'The PEM file of the key to remote_db_cert_file.')),
  remote_db_key_prefix: fixed(
    option.string('', 'What stands before /<table>/<id> in the keys of etcd; empty, as for Dragonflow.'),
  ),
  integration_bridge: fixed(
    option.string('br-int', 'The bridge that the ports of the cloud are plugged into.'),
  ),
  local_ip: fixed(
    option.address(
      'The address that tunnels of this node leave from and come to; written into its chassis row, for other nodes. Without one the row is left alone, and there are no tunnels.',
    ),
  ),
  tunnel_types: fixed(
    option.choices(
      ['geneve', 'vxlan', 'gre'],
      ['geneve', 'vxlan', 'gre'],
      'The types of tunnels that this node has; written into its chassis row, if the application tunneling is loaded.',
    ),
  ),
  external_host_ip: fixed(
    option.address(
      'The address that ports of this node have outside; written into its chassis row, which is left as it is without one.',
    ),
  ),
  ovsdb_connection: fixed(
    option.endpoint('unix:/run/openvswitch/db.sock', 'The Open vSwitch database of this node.'),
  ),
  metrics_listen: fixed(
    option.hostPort({ host: '127.0.0.1', port: 9476 }, 'Where /metrics, /livez and /readyz are served.'),
  ),
}

/** `[df_openflow]`. */
export const openflowOptions = {
  listen: fixed(
    option.endpoint(
      `unix:/var/run/openvswitch/\${df.integration_bridge}.controller`,
      'Where the bridge connects to this controller. Open vSwitch accepts a unix: path only inside its run directory, spelled as it spells that: /var/run, not /run.',
    ),
  ),
  controller_queue_size: fixed(
    option.integer(
      { min: 1, max: 511, default: 511, unit: 'packets' },
      'How many packets the switch may hold back for the controller.',
    ),
  ),
  controller_rate_limit: fixed(
    option.integer(
      { min: 100, max: 10_000_000, default: 20_000, unit: 'packets a second' },
      'How many packets the switch sends up; what is beyond waits in a queue for each port, so that no port takes the place of others.',
    ),
  ),
  controller_burst_limit: fixed(
    option.integer(
      { min: 25, max: 10_000_000, default: 5000, unit: 'packets' },
      'How many packets may wait in all those queues together; the longest of them loses what is more.',
    ),
  ),
  inactivity_probe: fixed(
    option.integer(
      { min: 0, default: 5000, unit: 'ms' },
      'How long the switch waits for a sign of life before it probes; 0 for never.',
    ),
  ),
}

/** The sections that are the controller's own. */
export const controllerSections = {
  DEFAULT: defaultOptions,
  df: dfOptions,
  df_openflow: openflowOptions,
}
