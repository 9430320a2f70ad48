/** The name of an attribute → its value. Each distinct combination of attributes is a time series of its own. */
export type MeasurementAttributes = Readonly<Record<string, string | number | boolean>>

/** What an instrument measures. */
export interface InstrumentOptions {
  readonly description: string
  /** A unit in UCUM, such as `s`, `By` or `{connection}`. */
  readonly unit: string
  readonly advice?: { explicitBucketBoundaries: number[] }
}

/** An instrument that is read when metrics are collected. Only the meter knows what is in it. */
export type ObservableInstrument = object

/** Takes the readings of one collection. */
export interface Readings {
  observe(instrument: ObservableInstrument, value: number, attributes?: MeasurementAttributes): void
}

/** All that `instrument` needs of a meter. A `Meter` of `@opentelemetry/api` fits as it is. */
export interface MetricsMeter {
  createHistogram(name: string, options: InstrumentOptions): { record(value: number, attributes?: MeasurementAttributes): void }
  createObservableCounter(name: string, options: InstrumentOptions): ObservableInstrument
  createObservableGauge(name: string, options: InstrumentOptions): ObservableInstrument
  createObservableUpDownCounter(name: string, options: InstrumentOptions): ObservableInstrument
  /** Calls `callback` at each collection. */
  addBatchObservableCallback(callback: (readings: Readings) => void, instruments: ObservableInstrument[]): void
  removeBatchObservableCallback(callback: (readings: Readings) => void, instruments: ObservableInstrument[]): void
}
