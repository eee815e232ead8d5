/** The options of the Neutron feed; where they can, they have the names that Neutron's own sections use (keystoneauth). */

import { fixed, type OptionValues, option } from '../config/index.ts'

/** `[df_neutron_sync]`. All are looked at when the process starts. */
export const syncOptions = {
  auth_type: fixed(
    option.choice(
      ['password', 'v3applicationcredential', 'none'],
      'password',
      'How Keystone is told who asks; none where there is no Keystone and Neutron trusts the headers of whoever reaches it.',
      { v3password: 'write password', token: 'a token ends: use password or v3applicationcredential' },
    ),
  ),
  auth_url: fixed(option.string('', 'Where Keystone is, as https://keystone.example.org:5000.')),
  username: fixed(
    option.string(
      '',
      'The user, for auth_type = password. It needs the role admin or, from Neutron 2023.2 on, service.',
    ),
  ),
  user_domain_name: fixed(option.string('Default', 'The domain of the user.')),
  password: fixed(option.string('', 'The password of the user.')),
  project_name: fixed(option.string('service', 'The project in which the user has its role.')),
  project_domain_name: fixed(option.string('Default', 'The domain of the project.')),
  application_credential_id: fixed(
    option.string('', 'The application credential, for auth_type = v3applicationcredential.'),
  ),
  application_credential_secret: fixed(option.string('', 'Its secret.')),
  region_name: fixed(
    option.string(
      '',
      'The region whose Neutron is read, as in the catalogue; empty if there is only one. One feed works per region.',
    ),
  ),
  interface: fixed(
    option.choice(
      ['internal', 'public', 'admin'],
      'internal',
      'Which of Neutron’s endpoints in the catalogue is used.',
    ),
  ),
  endpoint_override: fixed(
    option.string('', 'Where Neutron is, instead of what the catalogue says, as http://192.0.2.10:9696.'),
  ),
  cafile: fixed(
    option.string(
      '',
      'The PEM file of the authorities that signed the certificates of Keystone and Neutron; empty for those that the system trusts.',
    ),
  ),
  timeout: fixed(
    option.integer({ min: 1, max: 3600, default: 60, unit: 'seconds' }, 'How long one request may take.'),
  ),
  page_size: fixed(
    option.integer(
      { min: 1, max: 10_000, default: 1000, unit: 'resources' },
      'How many resources are asked for at once.',
    ),
  ),
  interval: fixed(
    option.integer(
      { min: 1, max: 86_400, default: 60, unit: 'seconds' },
      'The time from one full read to the next; up to a tenth more, by chance.',
    ),
  ),
  transport_url: fixed(
    option.string(
      '',
      'The RabbitMQ of Neutron’s notifications, as neutron.conf has it: rabbit://user:password@host:5672/. Empty to live with interval alone.',
    ),
  ),
  control_exchange: fixed(option.string('neutron', 'The exchange that Neutron publishes to.')),
  notification_topic: fixed(
    option.string(
      'notifications',
      'The topic of the notifications, as in [oslo_messaging_notifications] topics.',
    ),
  ),
  metrics_listen: fixed(
    option.hostPort(
      { host: '127.0.0.1', port: 9477 },
      'Where /metrics, /livez and /readyz of the feed are served.',
    ),
  ),
}

export type SyncOptions = OptionValues<typeof syncOptions>
