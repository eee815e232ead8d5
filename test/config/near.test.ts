import { expect, test } from 'vitest'
import { nearestOf } from '../../src/config/near.ts'

const names = ['host', 'dns_domain', 'log_level', 'run_dir', 'apps_list', 'nb_path']

test.each([
  ['hots', 'host'],
  ['hosts', 'host'],
  ['Host', 'host'],
  ['most', 'host'],
  ['port', undefined],
  ['dns_domian', 'dns_domain'],
  ['dns-domain', 'dns_domain'],
  ['dhcp_domain', undefined],
  ['loglevels', 'log_level'],
  ['app_list', 'apps_list'],
  ['apps_list_', 'apps_list'],
  ['nbpath', 'nb_path'],
  ['', undefined],
])('%s: %s', (word, expected) => {
  expect(nearestOf(word, names)).toBe(expected)
})

test('of two, the nearer', () => {
  expect(nearestOf('metric_lissten', ['metrics_listen', 'metric_listen'])).toBe('metric_listen')
})
