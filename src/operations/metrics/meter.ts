/** The name of an attribute → its value. Each distinct combination of attributes is a time series of its own. */
export type MeasurementAttributes = Readonly<Record<string, string | number | boolean>>

/** What an instrument measures. In OpenTelemetry, an instrument is the object that records one metric. */
export interface InstrumentOptions {
  /** What is measured, as a sentence. */
  readonly description: string
  /** A unit in UCUM, such as `s`, `By` or `{connection}`. */
  readonly unit: string
  /** Advice for a histogram: the upper bounds of its buckets, in ascending order. */
  readonly advice?: { explicitBucketBoundaries: number[] }
}

/** An instrument that is read when metrics are collected. Only the meter knows what is in it. */
export type ObservableInstrument = object

/** An instrument that gets values one by one. */
export interface HistogramInstrument {
  /** Adds a value. */
  record(value: number, attributes?: MeasurementAttributes): void
}

/** Takes the readings of one collection. */
export interface Readings {
  /** Reports the present value of an instrument. */
  observe(instrument: ObservableInstrument, value: number, attributes?: MeasurementAttributes): void
}

/** All that `instrument` needs of a meter. A `Meter` of `@opentelemetry/api` fits as it is. */
export interface MetricsMeter {
  /** Makes an instrument that gets values one by one. */
  createHistogram(name: string, options: InstrumentOptions): HistogramInstrument
  /** Makes an instrument whose value never falls. */
  createObservableCounter(name: string, options: InstrumentOptions): ObservableInstrument
  /** Makes an instrument whose values cannot be summed over several processes. */
  createObservableGauge(name: string, options: InstrumentOptions): ObservableInstrument
  /** Makes an instrument whose values can be summed over several processes. */
  createObservableUpDownCounter(name: string, options: InstrumentOptions): ObservableInstrument
  /** Calls `callback` at each collection. */
  addBatchObservableCallback(callback: (readings: Readings) => void, instruments: ObservableInstrument[]): void
  /** Stops the calls of `callback`. */
  removeBatchObservableCallback(callback: (readings: Readings) => void, instruments: ObservableInstrument[]): void
}
