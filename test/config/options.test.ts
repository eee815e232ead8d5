import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { controllerSections, loadConfig } from '../../src/config/index.ts'

function load(text: string) {
  const folder = mkdtempSync(join(tmpdir(), 'df-options-'))
  const file = join(folder, 'df.conf')
  try {
    writeFileSync(file, text)
    return loadConfig({ files: [file], sections: controllerSections })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('every default is a value that a file could give', () => {
  expect(loadConfig({ files: [], sections: controllerSections })).toEqual({
    values: {
      DEFAULT: {
        host: hostname(),
        dns_domain: 'openstacklocal',
        dhcp_lease_duration: 86_400,
        log_level: 'info',
        run_dir: '/run/dragonflow',
      },
      df: {
        apps_list: ['portbinding', 'classifier', 'portsec', 'l2', 'provider', 'dns'],
        nb_db_class: 'file_nb_db_driver',
        nb_path: '/var/lib/dragonflow/nb',
        remote_db_hosts: ['127.0.0.1:2379'],
        remote_db_user: '',
        remote_db_password: '',
        remote_db_ca_file: '',
        remote_db_cert_file: '',
        remote_db_key_file: '',
        remote_db_key_prefix: '',
        integration_bridge: 'br-int',
        local_ip: '',
        tunnel_types: ['geneve', 'vxlan', 'gre'],
        external_host_ip: '',
        ovsdb_connection: 'unix:/run/openvswitch/db.sock',
        metrics_listen: { host: '127.0.0.1', port: 9476 },
      },
      df_openflow: {
        listen: 'unix:/var/run/openvswitch/br-int.controller',
        controller_queue_size: 511,
        controller_rate_limit: 20_000,
        controller_burst_limit: 5000,
        inactivity_probe: 5000,
      },
    },
    warnings: [],
  })
})

test('the controller socket follows the bridge', () => {
  expect(load('[df]\nintegration_bridge = br-lab').values.df_openflow.listen).toBe(
    'unix:/var/run/openvswitch/br-lab.controller',
  )
})

test('the drivers of the northbound store are those that there are', () => {
  expect(load('[df]\nnb_db_class = etcd_nb_db_driver').values.df.nb_db_class).toBe('etcd_nb_db_driver')
  expect(() => load('[df]\nnb_db_class = redis_nb_db_driver')).toThrow(
    /df\.conf:2: \[df\] nb_db_class = 'redis_nb_db_driver': expected file_nb_db_driver or etcd_nb_db_driver$/,
  )
})

test("nothing in a neutron.conf is taken for a mistake, and Dragonflow's own names are only told", () => {
  const { warnings } = load(
    '[DEFAULT]\nbind_host = 127.0.0.1\ndebug = true\nlog_dir = /var/log/neutron\nstate_path = /var/lib/neutron\n' +
      'core_plugin = ml2\ndhcp_lease_duration = 86400\ndns_domain = a.example.\nuse_syslog = no\n' +
      '[database]\nconnection = sqlite://\n[df]\nenable_df_pub_sub = True\n',
  )
  expect(warnings).toEqual([
    expect.stringMatching(/:13: \[df\] enable_df_pub_sub is not an option here and is ignored$/),
  ])
})

test('what a running controller takes over: only what src/local-controller.ts hands on again', () => {
  const reloadable = Object.values(controllerSections)
    .flatMap((table) => Object.entries(table))
    .filter(([, { isReloadable }]) => isReloadable)
  expect(reloadable.map(([name]) => name)).toEqual(['dns_domain', 'dhcp_lease_duration', 'log_level'])
})
