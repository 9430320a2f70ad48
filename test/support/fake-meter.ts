import type { InstrumentOptions, MeasurementAttributes, MetricsMeter, ObservableInstrument, Readings } from '../../src/operations/index.ts'

interface Described extends InstrumentOptions {
  readonly kind: 'Counter' | 'Gauge' | 'Histogram' | 'UpDownCounter'
}

type Reader = (readings: Readings) => void

/** A meter that keeps what it is told. */
export class FakeMeter implements MetricsMeter {
  /** Name → what the instrument measures. */
  readonly instruments = new Map<string, Described>()
  /** Name of a histogram → its measurements. */
  readonly records = new Map<string, { readonly value: number; readonly attributes: MeasurementAttributes | undefined }[]>()
  readonly readers = new Set<Reader>()
  readonly #names = new Map<ObservableInstrument, string>()
  /** Called with each measurement of a histogram. */
  onRecord = (): void => {}

  createHistogram(name: string, options: InstrumentOptions): { record(value: number, attributes?: MeasurementAttributes): void } {
    this.instruments.set(name, { kind: 'Histogram', ...options })
    const records = this.records.get(name) ?? []
    this.records.set(name, records)
    return {
      record: (value, attributes) => {
        this.onRecord()
        records.push({ value, attributes })
      },
    }
  }

  createObservableCounter(name: string, options: InstrumentOptions): ObservableInstrument {
    return this.#create(name, { kind: 'Counter', ...options })
  }

  createObservableGauge(name: string, options: InstrumentOptions): ObservableInstrument {
    return this.#create(name, { kind: 'Gauge', ...options })
  }

  createObservableUpDownCounter(name: string, options: InstrumentOptions): ObservableInstrument {
    return this.#create(name, { kind: 'UpDownCounter', ...options })
  }

  addBatchObservableCallback(callback: Reader): void {
    this.readers.add(callback)
  }

  removeBatchObservableCallback(callback: Reader): void {
    this.readers.delete(callback)
  }

  /** Reads all observable instruments once. Name, with the values of the attributes in braces → value. */
  collect(readers: Iterable<Reader> = this.readers): Record<string, number> {
    const values: Record<string, number> = {}
    const observe = (instrument: ObservableInstrument, value: number, attributes: MeasurementAttributes = {}): void => {
      const parts = Object.values(attributes)
      values[`${this.#names.get(instrument)}${parts.length === 0 ? '' : `{${parts.join()}}`}`] = value
    }
    for (const read of readers) read({ observe })
    return values
  }

  #create(name: string, described: Described): ObservableInstrument {
    const instrument = {}
    this.instruments.set(name, described)
    this.#names.set(instrument, name)
    return instrument
  }
}
