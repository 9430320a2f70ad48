import type { ErrorReports } from '../../guards/error-reports.ts'
import type { PublishResult } from '../../model/publish-result.ts'
import type { Clock } from '../../time/clock.ts'
import type { MeasurementAttributes, MetricsMeter } from './meter.ts'
import { PREFIX } from './series.ts'

/** The bounds of the histogram's buckets, in seconds. The lowest one suits a publish without recipients. The highest one is a quarter of a second. */
const DURATIONS = [1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 1e-1, 2.5e-1]
const RECIPIENTS = [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000]

/** The method of a manager that is measured. */
export interface Publisher {
  publish(message: never, options?: never): PublishResult
}

/** What is behind a function that a probe put in front of `publish`. */
interface Link {
  publish: Publisher['publish']
  /** The manager's own property `publish` before the probe. `undefined` if there was none, because the method came from the class. */
  before: PropertyDescriptor | undefined
}

/** A function in front of `publish` → what is behind it. Several probes of one manager make a chain. */
const linkOf = /* @__PURE__ */ new WeakMap<Publisher['publish'], Link>()

export interface ProbeDependencies {
  readonly meter: MetricsMeter
  readonly attributes: MeasurementAttributes
  /** On average, one publish in this many is measured. Finite. */
  readonly measureEvery: number
  readonly clock: Pick<Clock, 'monotonic'>
  readonly reports: ErrorReports
}

/**
 * Measures some of the publishes of a manager: how long they take, and how many connections they reach.
 *
 * No event of the manager tells of a publish, because that would cost more than a publish to one connection. So the probe puts a function of its own
 * in front of `publish`. For a publish that is not measured, this function counts down and calls the method.
 *
 * The distances between two measured publishes are random. With a fixed distance, a feed that publishes its streams in turn could have the same stream
 * measured each time.
 */
export class PublishProbe {
  readonly #dependencies: ProbeDependencies
  readonly #duration: ReturnType<MetricsMeter['createHistogram']>
  readonly #recipients: ReturnType<MetricsMeter['createHistogram']>

  constructor(dependencies: ProbeDependencies) {
    const { meter } = dependencies
    this.#dependencies = dependencies
    this.#duration = meter.createHistogram(`${PREFIX}publish.duration`, {
      unit: 's',
      description: 'How long a publish took.',
      advice: { explicitBucketBoundaries: DURATIONS },
    })
    this.#recipients = meter.createHistogram(`${PREFIX}publish.recipients`, {
      unit: '{connection}',
      description: 'Connections that a message was published to.',
      advice: { explicitBucketBoundaries: RECIPIENTS },
    })
  }

  /** Begins to measure. Returns a function that ends the measuring. */
  attach(manager: Publisher): () => void {
    const link: Link = { publish: manager.publish, before: Object.getOwnPropertyDescriptor(manager, 'publish') }
    let left = this.#nextDistance()
    const probed = (message: never, options?: never): PublishResult => {
      if (--left > 0) return link.publish.call(manager, message, options)
      left = this.#nextDistance()
      return this.#measured(link.publish, manager, message, options)
    }
    Object.defineProperty(manager, 'publish', { value: probed, writable: true, configurable: true, enumerable: false })
    linkOf.set(probed, link)
    return () => {
      // Other code may have put a function in front of `probed`. Then `probed` stays, and measures nothing.
      left = Infinity
      unlink(manager, probed, link)
    }
  }

  /** Takes parameters and not a closure. With a closure, each call of `probed` would allocate memory, even for a publish that is not measured. */
  #measured(publish: Publisher['publish'], manager: Publisher, message: never, options: never | undefined): PublishResult {
    const { clock } = this.#dependencies
    const startMs = clock.monotonic()
    try {
      const result = publish.call(manager, message, options)
      // A deferred message is delivered later.
      if (!result.deferred) this.#recordDelivered(clock.monotonic() - startMs, result.matched)
      return result
    } catch (error) {
      this.#recordRefused(clock.monotonic() - startMs, error)
      throw error
    }
  }

  #recordDelivered(ms: number, recipients: number): void {
    const { attributes } = this.#dependencies
    this.#guarded(() => {
      this.#duration.record(ms / 1_000, attributes)
      this.#recipients.record(recipients, attributes)
    })
  }

  #recordRefused(ms: number, error: unknown): void {
    const { attributes } = this.#dependencies
    this.#guarded(() => this.#duration.record(ms / 1_000, { ...attributes, 'error.type': errorType(error) }))
  }

  /** The meter is user code. The caller of `publish` must not get an error of the meter, because it would look like an error of the publish. */
  #guarded(record: () => void): void {
    try {
      record()
    } catch (error) {
      this.#dependencies.reports.tell(error)
    }
  }

  /** Returns a random whole number from 1 to `2 × measureEvery − 1`. All are equally likely, so the mean is `measureEvery`. */
  #nextDistance(): number {
    return 1 + Math.floor(Math.random() * (2 * this.#dependencies.measureEvery - 1))
  }
}

/** Takes the function of a probe out of the chain in front of `publish`. If a function of other code is in front of it, nothing changes. */
function unlink(manager: Publisher, probed: Publisher['publish'], { publish, before }: Link): void {
  if (manager.publish === probed) {
    if (before === undefined) Reflect.deleteProperty(manager, 'publish')
    else Object.defineProperty(manager, 'publish', before)
    return
  }
  for (let front = linkOf.get(manager.publish); front !== undefined; front = linkOf.get(front.publish)) {
    if (front.publish === probed) Object.assign(front, { publish, before })
  }
}

/** Returns the value of the attribute `error.type`: the code of the error, or what OpenTelemetry prescribes for an error without one. */
function errorType(error: unknown): string {
  const code = (error as { readonly code?: unknown } | null | undefined)?.code
  return typeof code === 'string' ? code : '_OTHER'
}
