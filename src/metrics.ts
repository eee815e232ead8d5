/** Counters and gauges for every room, in one registry; the only file that sees prom-client. */

import { Counter, Gauge, type Metric, Registry } from 'prom-client'

export type { Counter, Gauge } from 'prom-client'

/** One line of a counter that is counted up by hand, because it is met with every packet. */
export interface Cell {
  count: number
}

/** A histogram that is counted up by hand, because it is met with every packet. */
export interface Buckets {
  readonly bounds: readonly number[]
  /** How many were seen up to each bound and above the one before; the last, above every bound. */
  readonly counts: Float64Array
  /** Of everything seen. */
  sum: number
  /** Counts one value: some comparisons and two additions. */
  observe(seconds: number): void
}

export type Metrics = ReturnType<typeof createMetrics>

/**
 * Makes an empty registry. A metric is declared in one place, by the room that counts it; declared again in the same
 * words, by an application that is made anew, it is the same metric and goes on counting.
 */
export function createMetrics() {
  const registry = new Registry()
  const registers = [registry]
  const declared = new Map<string, unknown>()
  const once = <M>(words: readonly unknown[], make: () => M): M => {
    const key = JSON.stringify(words)
    if (!declared.has(key)) declared.set(key, make())
    return declared.get(key) as M
  }
  const tally = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    once(['tally', name, help, labelNames], () => {
      const lines = new Map<string, { labels: Record<L, string>; cell: Cell }>()
      new Counter({
        ...{ name, help, labelNames, registers },
        collect() {
          this.reset()
          for (const { labels, cell } of lines.values()) this.inc(labels, cell.count)
        },
      })
      return (labels: Record<L, string>): Cell => {
        const key = JSON.stringify(labelNames.map((label) => labels[label]))
        const line = lines.get(key) ?? { labels, cell: { count: 0 } }
        lines.set(key, line)
        return line.cell
      }
    })
  const reads = new Map<string, () => Readonly<Record<string, number>>>()
  const reading = (
    name: string,
    help: string,
    label: string | undefined,
    read: () => Readonly<Record<string, number>>,
  ): void => {
    reads.set(name, read)
    const Kind = name.endsWith('_total') ? Counter<string> : Gauge<string>
    once(['reading', name, help, label], () => {
      return new Kind({
        ...{ name, help, registers, labelNames: label === undefined ? [] : [label] },
        collect() {
          this.reset()
          for (const [word, value] of Object.entries(reads.get(name)!()))
            this.inc(label === undefined ? {} : { [label]: word }, value)
        },
      })
    })
  }
  return {
    counter: <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
      once(['counter', name, help, labelNames], () => new Counter({ name, help, labelNames, registers })),
    /**
     * A counter whose lines are found once and then counted up as plain numbers: a packet cannot wait for its labels to be
     * hashed. The same labels give the same line.
     */
    tally,
    /** A tally with one label, whose line is found by the word: a look-up of a string that has its hash already. */
    words: (name: string, help: string, label: string) => {
      const lineOf = tally(name, help, [label])
      const cells = new Map<string, Cell>()
      return (word: string): Cell => {
        let cell = cells.get(word)
        if (cell === undefined) {
          cell = lineOf({ [label]: word })
          cells.set(word, cell)
        }
        return cell
      }
    },
    gauge: <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
      once(['gauge', name, help, labelNames], () => new Gauge({ name, help, labelNames, registers })),
    /**
     * A gauge, or a counter if its name ends in `_total`, that is read when somebody asks. Declared again in the same words,
     * it is read by the last `read`.
     */
    reading: (name: string, help: string, read: () => number) =>
      reading(name, help, undefined, () => ({ '': read() })),
    /** The same with a line for each value of one label. */
    readings: (name: string, help: string, label: string, read: () => Readonly<Record<string, number>>) =>
      reading(name, help, label, read),
    /** A histogram that is counted up by hand; `bounds` are the buckets' upper bounds in seconds, in order. */
    histogram: (name: string, help: string, bounds: readonly number[]): Buckets =>
      once(['histogram', name, help, bounds], () => {
        const buckets = createBuckets(bounds)
        registry.registerMetric(histogramOf(name, help, buckets))
        return buckets
      }),
    /** The registry in Prometheus' text form. */
    text: () => registry.metrics(),
    contentType: registry.contentType,
  }
}

function createBuckets(bounds: readonly number[]): Buckets {
  const counts = new Float64Array(bounds.length + 1)
  return {
    ...{ bounds, counts, sum: 0 },
    observe(seconds) {
      let place = 0
      while (place < bounds.length && seconds > bounds[place]!) place += 1
      counts[place]! += 1
      this.sum += seconds
    },
  }
}

/** What the registry asks of a metric; prom-client's own histogram hashes its labels with each value. */
function histogramOf(name: string, help: string, buckets: Buckets): Metric<string> {
  const get = async () => {
    let count = 0
    const values = [...buckets.bounds, '+Inf'].map((le, place) => {
      count += buckets.counts[place]!
      return { metricName: `${name}_bucket`, labels: { le }, value: count }
    })
    const total = [
      { metricName: `${name}_sum`, value: buckets.sum },
      { metricName: `${name}_count`, value: count },
    ]
    return { name, help, type: 'histogram', values: [...values, ...total] }
  }
  return { name, get } as unknown as Metric<string>
}
