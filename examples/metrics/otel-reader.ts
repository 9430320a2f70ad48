import { DataPointType, MeterProvider, MetricReader, type DataPoint, type MetricData } from '@opentelemetry/sdk-metrics'
import type { Meter } from '@opentelemetry/api'
import type { MetricsMeter } from 'stream-connection-manager/operations'
import type { Values } from './series-watch.ts'

/** Reads metrics when it is asked. A server has a `PeriodicExportingMetricReader` instead. */
class OnDemandReader extends MetricReader {
  protected async onForceFlush(): Promise<void> {}
  protected async onShutdown(): Promise<void> {}
}

/** A meter of the real SDK, and what it collects. */
export class OtelReader {
  readonly #reader = new OnDemandReader()
  readonly meter: Meter & MetricsMeter = new MeterProvider({ readers: [this.#reader] }).getMeter('stream-connection-manager')
  /** Names of the metrics that may only rise: counters, and the counts of histograms. */
  readonly monotonic: Set<string> = new Set<string>()
  readonly units: Map<string, string> = new Map<string, string>()

  async collect(): Promise<Values> {
    const { resourceMetrics, errors } = await this.#reader.collect()
    if (errors.length > 0) throw new AggregateError(errors)
    const values = new Map<string, number>()
    for (const { metrics } of resourceMetrics.scopeMetrics) for (const metric of metrics) this.#read(metric, values)
    return values
  }

  #read(metric: MetricData, values: Map<string, number>): void {
    const { name, unit } = metric.descriptor
    this.units.set(name, unit)
    if (metric.dataPointType === DataPointType.HISTOGRAM || (metric.dataPointType === DataPointType.SUM && metric.isMonotonic)) this.monotonic.add(name)
    for (const point of metric.dataPoints as DataPoint<number | { readonly count: number }>[]) {
      const labels = Object.entries(point.attributes).map(([key, value]) => `${key}=${String(value)}`).join()
      values.set(`${name}{${labels}}`, typeof point.value === 'number' ? point.value : point.value.count)
    }
  }
}
