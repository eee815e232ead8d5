/** The gate of the Neutron room: what others may use. */

export { listen } from './amqp.ts'
export { neutronApi } from './api.ts'
export { createFeed, type Outcome } from './feed.ts'
export { openHttp } from './http.ts'
export { identityOf } from './keystone.ts'
export { syncOptions } from './options.ts'
export { createSync } from './sync.ts'
export { syncMetrics } from './sync-metrics.ts'
