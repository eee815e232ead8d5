/** Counters and gauges for every room, in one registry; the only file that sees prom-client. */

import { Counter, Gauge, Histogram, Registry } from 'prom-client'

export type { Counter, Gauge, Histogram } from 'prom-client'

/** One line of a counter that is counted up by hand, because it is met with every packet. */
export interface Cell {
  count: number
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
  const readings = new Map<string, () => number>()
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
    /** A gauge that is read when somebody asks. Declared again in the same words, it is read by the last `read`. */
    reading: (name: string, help: string, read: () => number): void => {
      readings.set(name, read)
      once(
        ['reading', name, help],
        () =>
          new Gauge({
            ...{ name, help, registers },
            collect() {
              this.set(readings.get(name)!())
            },
          }),
      )
    },
    /** `buckets` are upper bounds in seconds. */
    histogram: <L extends string>(
      name: string,
      help: string,
      buckets: number[],
      labelNames: readonly L[] = [],
    ) =>
      once(
        ['histogram', name, help, buckets, labelNames],
        () => new Histogram({ name, help, buckets, labelNames, registers }),
      ),
    /** The registry in Prometheus' text form. */
    text: () => registry.metrics(),
    contentType: registry.contentType,
  }
}
