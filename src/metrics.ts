/** Counters and gauges for every room, in one registry; the only file that sees prom-client. */

import { Counter, Gauge, Histogram, Registry } from 'prom-client'

export type { Counter, Gauge, Histogram } from 'prom-client'

export type Metrics = ReturnType<typeof createMetrics>

/** Makes an empty registry. A metric is declared once, by the room that counts it. */
export function createMetrics() {
  const registry = new Registry()
  const registers = [registry]
  return {
    counter: <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
      new Counter({ name, help, labelNames, registers }),
    gauge: <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
      new Gauge({ name, help, labelNames, registers }),
    /** `buckets` are upper bounds in seconds. */
    histogram: <L extends string>(
      name: string,
      help: string,
      buckets: number[],
      labelNames: readonly L[] = [],
    ) => new Histogram({ name, help, buckets, labelNames, registers }),
    /** The registry in Prometheus' text form. */
    text: () => registry.metrics(),
    contentType: registry.contentType,
  }
}
