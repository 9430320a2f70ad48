/** Name of a series, with its labels in braces → value. */
export type Values = ReadonlyMap<string, number>

/** Something that collects metrics, and knows which of them are counters. */
export interface Reader {
  /** Names of the metrics that may only rise. */
  readonly monotonic: ReadonlySet<string>
  collect(): Promise<Values>
}

/** Compares each collection of a reader with the one before. */
export class SeriesWatch {
  readonly #reader: Reader
  /** What was wrong: counters that fell, and series that disappeared. */
  readonly faults: string[] = []
  /** The latest collection. */
  values: Values = new Map()
  collections = 0

  constructor(reader: Reader) {
    this.#reader = reader
  }

  async collect(): Promise<void> {
    const values = await this.#reader.collect()
    this.collections++
    for (const [series, before] of this.values) {
      const value = values.get(series)
      const isCounter = this.#reader.monotonic.has(nameOf(series))
      if (value === undefined) this.faults.push(`${series} disappeared at collection ${this.collections}`)
      else if (isCounter && value < before) this.faults.push(`${series} fell from ${before} to ${value} at collection ${this.collections}`)
    }
    this.values = values
  }
}

/** The name of a series, without its labels. */
export function nameOf(series: string): string {
  return series.split('{', 1)[0] as string
}
