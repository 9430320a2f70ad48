/** @import { InstrumentOptions, MeasurementAttributes, MetricsMeter, ObservableInstrument, Readings } from '../../../dist/operations.js' */

const PREFIX = 'stream_connection_manager.'
const MICROSECONDS = 1e6

/**
 * A meter as small as it can be, in place of the one of OpenTelemetry: it knows what each series is now, and the averages of the histograms.
 *
 * @implements {MetricsMeter}
 */
export class DeskMeter {
  /** @type {Set<(readings: Readings) => void>} */
  #readers = new Set()
  /** @type {Map<string, { count: number, sum: number }>} */
  #histograms = new Map()

  /**
   * Reads all series. Names have no prefix, and end with the value of their attribute: `message.deliveries sent`.
   *
   * @returns {Map<string, number>}
   */
  collect() {
    /** @type {Map<string, number>} */
    const values = new Map()
    for (const [name, { count, sum }] of this.#histograms) values.set(`${name} mean`, sum / count)
    const observe = (/** @type {ObservableInstrument} */ instrument, /** @type {number} */ value, /** @type {MeasurementAttributes} */ attributes = {}) => {
      const { name } = /** @type {{ name: string }} */ (instrument)
      values.set([name, ...Object.values(attributes)].join(' '), value)
    }
    for (const read of this.#readers) read({ observe })
    return values
  }

  /**
   * @param {string} fullName
   * @param {InstrumentOptions} options
   */
  createHistogram(fullName, { unit }) {
    const name = shortName(fullName)
    const scale = unit === 's' ? MICROSECONDS : 1
    return {
      record: (/** @type {number} */ value) => {
        const { count, sum } = this.#histograms.get(name) ?? { count: 0, sum: 0 }
        this.#histograms.set(name, { count: count + 1, sum: sum + value * scale })
      },
    }
  }

  /** @param {string} name */
  createObservableCounter(name) {
    return { name: shortName(name) }
  }

  /** @param {string} name */
  createObservableGauge(name) {
    return { name: shortName(name) }
  }

  /** @param {string} name */
  createObservableUpDownCounter(name) {
    return { name: shortName(name) }
  }

  /** @param {(readings: Readings) => void} reader */
  addBatchObservableCallback(reader) {
    this.#readers.add(reader)
  }

  /** @param {(readings: Readings) => void} reader */
  removeBatchObservableCallback(reader) {
    this.#readers.delete(reader)
  }
}

/** @param {string} name */
function shortName(name) {
  return name.replace(PREFIX, '')
}
