import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { InstrumentOptions, MeasurementAttributes, MetricsMeter, ObservableInstrument, Readings } from 'stream-connection-manager/operations'

type Reader = (readings: Readings) => void
type Labels = Record<string, string>

/** The attributes that `instrument` uses. prom-client has to know the names of all labels in advance. */
const ATTRIBUTES = ['stream_connection_manager.outcome', 'stream_connection_manager.reason', 'error.type']

/**
 * A meter for `instrument` whose metrics are in a registry of prom-client.
 *
 * Names and labels are those that Prometheus makes of the names of OpenTelemetry: dots become underscores, seconds and bytes are added to the name, and a
 * counter ends in `_total`.
 */
export class PromMeter implements MetricsMeter {
  readonly #register: Registry
  readonly #labelNames: string[]
  readonly #counters = new Map<string, Counter>()
  readonly #gauges = new Map<string, Gauge>()
  readonly #readers = new Set<Reader>()
  #isRead = false

  /** `attributes` names the attributes that you give to `instrument`. */
  constructor(register: Registry, attributes: readonly string[] = []) {
    this.#register = register
    this.#labelNames = [...ATTRIBUTES, ...attributes].map(sanitized)
  }

  createHistogram(name: string, { unit, description, advice }: InstrumentOptions): { record(value: number, attributes?: MeasurementAttributes): void } {
    const promName = sanitized(name) + suffixOf(unit)
    const existing = this.#register.getSingleMetric(promName) as Histogram | undefined
    const histogram = existing ?? new Histogram({ ...this.#configuration(promName, description), buckets: advice?.explicitBucketBoundaries ?? [] })
    return { record: (value, attributes) => histogram.observe(labelsOf(attributes), value) }
  }

  createObservableCounter(name: string, { unit, description }: InstrumentOptions): ObservableInstrument {
    const promName = `${sanitized(name)}${suffixOf(unit)}_total`
    const counter = this.#counters.get(promName) ?? new Counter({ ...this.#configuration(promName, description), collect: () => this.#read() })
    this.#counters.set(promName, counter)
    return counter
  }

  createObservableGauge(name: string, { unit, description }: InstrumentOptions): ObservableInstrument {
    const promName = sanitized(name) + suffixOf(unit)
    const gauge = this.#gauges.get(promName) ?? new Gauge({ ...this.#configuration(promName, description), collect: () => this.#read() })
    this.#gauges.set(promName, gauge)
    return gauge
  }

  createObservableUpDownCounter(name: string, options: InstrumentOptions): ObservableInstrument {
    return this.createObservableGauge(name, options)
  }

  addBatchObservableCallback(callback: Reader): void {
    this.#readers.add(callback)
  }

  removeBatchObservableCallback(callback: Reader): void {
    this.#readers.delete(callback)
  }

  #configuration(name: string, help: string) {
    return { name, help, labelNames: this.#labelNames, registers: [this.#register] }
  }

  /** prom-client asks each metric by itself, all in one turn. The first one that is asked reads all of them. */
  #read(): void {
    if (this.#isRead) return
    this.#isRead = true
    queueMicrotask(() => (this.#isRead = false))
    // prom-client can only add to a counter.
    for (const metric of [...this.#counters.values(), ...this.#gauges.values()]) metric.reset()
    for (const read of this.#readers) read({ observe })
  }
}

function observe(instrument: ObservableInstrument, value: number, attributes?: MeasurementAttributes): void {
  if (instrument instanceof Counter) instrument.inc(labelsOf(attributes), value)
  else (instrument as Gauge).set(labelsOf(attributes), value)
}

function labelsOf(attributes: MeasurementAttributes = {}): Labels {
  return Object.fromEntries(Object.entries(attributes).map(([name, value]) => [sanitized(name), String(value)]))
}

function sanitized(name: string): string {
  return name.replaceAll('.', '_')
}

function suffixOf(unit: string): string {
  return unit === 's' ? '_seconds' : unit === 'By' ? '_bytes' : ''
}
