import { Registry } from 'prom-client'
import { PromMeter } from './prom-meter.ts'
import type { Values } from './series-watch.ts'

/** The meter of the recipe, and what a scrape of its registry reads. */
export class PromReader {
  readonly #register = new Registry()
  readonly meter: PromMeter = new PromMeter(this.#register)
  /** Names of the metrics that may only rise: counters, and the three series of a histogram. */
  readonly monotonic: Set<string> = new Set<string>()

  /** Reads the text that Prometheus gets. */
  async collect(): Promise<Values> {
    const values = new Map<string, number>()
    for (const line of (await this.#register.metrics()).split('\n')) {
      const [, name = '', type] = /^# TYPE (\w+) (\w+)$/.exec(line) ?? []
      if (type === 'counter') this.monotonic.add(name)
      if (type === 'histogram') for (const suffix of ['bucket', 'sum', 'count']) this.monotonic.add(`${name}_${suffix}`)
      if (line !== '' && !line.startsWith('#')) values.set(line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1)))
    }
    return values
  }
}
