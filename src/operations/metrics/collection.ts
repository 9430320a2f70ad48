import type { ErrorReports } from '../../guards/error-reports.ts'
import type { InstrumentOptions, MeasurementAttributes, MetricsMeter, ObservableInstrument, Readings } from './meter.ts'
import { PREFIX, type Series } from './series.ts'

/**
 * Observable instruments that are read together at each collection.
 *
 * Each collection reads each source once. A source is user code: if reading it throws, only the series of this source are missing from the
 * collection.
 */
export class Collection {
  readonly #meter: MetricsMeter
  readonly #attributes: MeasurementAttributes
  readonly #reports: ErrorReports
  readonly #instruments: ObservableInstrument[] = []
  readonly #readers: ((readings: Readings) => void)[] = []
  readonly #collect = (readings: Readings): void => {
    for (const read of this.#readers) this.#guarded(() => read(readings))
  }

  constructor(meter: MetricsMeter, attributes: MeasurementAttributes, reports: ErrorReports) {
    this.#meter = meter
    this.#attributes = attributes
    this.#reports = reports
  }

  /** Makes an instrument for each series. Each collection calls `read` once, and reads all values of the series from its result. */
  add<TSource>(series: readonly Series<TSource>[], read: () => TSource): void {
    const instruments = series.map((each) => this.#instrumentOf(each))
    this.#instruments.push(...instruments)
    this.#readers.push((readings) => {
      const source = read()
      for (const [i, each] of series.entries()) this.#observe(readings, instruments[i] as ObservableInstrument, each, source)
    })
  }

  /** Lets the meter read from now on. Returns a function that ends the reading. That function does not throw. */
  start(): () => void {
    this.#meter.addBatchObservableCallback(this.#collect, this.#instruments)
    return () => this.#guarded(() => this.#meter.removeBatchObservableCallback(this.#collect, this.#instruments))
  }

  #instrumentOf<TSource>({ kind, name, unit, description }: Series<TSource>): ObservableInstrument {
    const options: InstrumentOptions = { unit, description }
    if (kind === 'Counter') return this.#meter.createObservableCounter(PREFIX + name, options)
    if (kind === 'Gauge') return this.#meter.createObservableGauge(PREFIX + name, options)
    return this.#meter.createObservableUpDownCounter(PREFIX + name, options)
  }

  #observe<TSource>(readings: Readings, instrument: ObservableInstrument, { attribute, valueIn }: Series<TSource>, source: TSource): void {
    const value = valueIn(source)
    if (typeof value === 'number') return readings.observe(instrument, value, this.#attributes)
    for (const [name, part] of Object.entries(value)) readings.observe(instrument, part, { ...this.#attributes, [`${PREFIX}${attribute}`]: name })
  }

  #guarded(act: () => void): void {
    try {
      act()
    } catch (error) {
      this.#reports.tell(error)
    }
  }
}
