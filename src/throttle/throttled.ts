import { ConnectionManagerError, describe } from '../errors.ts'
import { ErrorReports } from '../guards/error-reports.ts'
import type { StreamCatalogue, TradingStreams } from '../model/catalogue.ts'
import type { PublicMessage, PublishableMessage } from '../model/stream-message.ts'
import type { Clock } from '../time/clock.ts'
import { resolvedOptions } from './options.ts'
import { Throttle } from './throttle.ts'

/** The options of `throttled`. An unknown option is refused. An option whose value is `undefined` counts as absent. */
export interface ThrottleOptions<TStreams extends StreamCatalogue = TradingStreams> {
  /**
   * Stream type → length of its intervals, in milliseconds: a finite number of `1` or more. If the length is `0` or `undefined`, or a type is absent,
   * each message of the type is published at once.
   *
   * `Infinity` is refused, because a held message would never be published. A number between 0 and 1 is refused, because timers cannot be that short.
   * The delivery class of each type must be `latest`, because other streams must not miss a message.
   */
  readonly intervalsMs: { readonly [TName in PublicMessage<TStreams>['streamType']]?: number | undefined }
  /**
   * The catalogue of stream types, from `defineStreams`. Pass the manager's catalogue.
   *
   * @default the seven types of `StreamType`
   */
  readonly streams?: TStreams | undefined
  /**
   * The source of time. Pass the manager's clock.
   *
   * @default the runtime's own clock and timers
   */
  readonly clock?: Clock | undefined
  /**
   * Called if `publish` throws for a held message, or returns a promise that rejects for it. Gets the error and the message. Errors of `publish` for
   * a message that is published at once are not reported here.
   *
   * @default prints only the first such error, with `console.warn`
   */
  readonly onError?: ((error: unknown, message: PublishableMessage<TStreams>) => void) | undefined
}

/** Publishes at most one message of a stream in each interval, except at `flush`. Made by `throttled`. */
export interface Throttled<TStreams extends StreamCatalogue = TradingStreams, TResult = unknown> {
  /**
   * Publishes the message now if it is the first one of its stream in this interval, or if its type has no intervals, and returns the result of
   * `publish`. Otherwise holds the message until the interval ends, and returns `undefined`. The new message replaces a message of the same stream
   * that was held before.
   *
   * A held message is published as a new object, with the `streamType`, `symbol`, `data` and `timestamp` that this call read. If there was no
   * `timestamp`, the message gets the time of this call. Do not change the `data` of a held message: the data is not copied, and is serialized only
   * when the message is published.
   *
   * @throws any error of `publish` for a message that is published now. After such an error, the next message of the stream counts as the first one
   * of the interval, unless a message is held. If the type has intervals, an invalid message throws `ERR_INVALID_MESSAGE`, `ERR_SYMBOL_REQUIRED`,
   * `ERR_SYMBOL_NOT_ALLOWED`, `ERR_INVALID_ID` or `ERR_RECIPIENT_NOT_ALLOWED`, and `publish` does not get it. A message that is already held stays
   * held
   */
  (message: PublishableMessage<TStreams>): TResult | undefined
  /**
   * Publishes all held messages now, without waiting for the end of the interval. The interval goes on, so a further message of such a stream is held
   * until it ends. Call `flush` before you shut the manager down, because a closed manager refuses the held messages, and the timer does not keep the
   * process alive. Errors go to `onError`.
   */
  flush(): void
  /** Discards all held messages, and stops the timer. The next message of each stream is published at once. */
  stop(): void
  /** How many messages are held: at most one for each stream. */
  readonly held: number
}

/**
 * Returns a function that publishes at most one message of a stream in each interval, unless you call `flush`. The first message is published at
 * once.
 *
 * Later messages of the interval are held. When the interval ends, only the newest held message of the stream is published. So no client gets the
 * messages in between. A stream is a type and a symbol. The intervals of a type begin at multiples of their length, by the monotonic clock. So all
 * streams of a type have the same intervals, and a batching transport sends all of their held messages to a socket in one write. Two messages of a
 * stream may be less than one interval apart: the first message may be published shortly before an interval ends, and the held message at its end.
 *
 * One timer serves all streams. If the timer is late or lost, the next call publishes the held messages that are due.
 *
 * @throws `ERR_INVALID_ARGUMENT` if `publish` is not a function, and `ERR_INVALID_OPTION` for an option that is unknown, missing or out of range. For
 * example, `intervalsMs.TRADES` is refused, because the delivery class of `TRADES` is not `latest`
 *
 * @example
 * import { throttled } from 'stream-connection-manager/throttle'
 *
 * const manager = new ConnectionManager()
 * const offer = throttled((message) => manager.publish(message), { intervalsMs: { PRICE: 100 } })
 *
 * // Publishes 64,000 at once, and 64,002 when the interval ends.
 * for (const bid of [64_000, 64_001, 64_002]) offer({ streamType: 'PRICE', symbol: 'BTCUSDT', data: { bid } })
 *
 * offer.flush() // before a shutdown: publishes 64,002 now
 */
export function throttled<TStreams extends StreamCatalogue, TResult>(
  publish: (message: PublishableMessage<TStreams>) => TResult,
  options: ThrottleOptions<TStreams> & { readonly streams: TStreams },
): Throttled<TStreams, TResult>
/** Without the option `streams`, the messages must belong to the default catalogue. */
export function throttled<TResult>(publish: (message: PublishableMessage) => TResult, options: ThrottleOptions): Throttled<TradingStreams, TResult>
export function throttled(publish: (message: never) => unknown, options: object): unknown {
  if (typeof publish !== 'function') {
    throw new ConnectionManagerError('ERR_INVALID_ARGUMENT', `Invalid \`publish\`: expected a function, got ${describe(publish)}`)
  }
  const { onError, ...rest } = resolvedOptions(options, (error) => reports.print('its clock', error))
  const reports = new ErrorReports(onError, 'throttle', 'publishing a held message')
  const throttle = new Throttle(publish, { ...rest, reports })
  const offer = (message: unknown): unknown => throttle.offer(message)
  return Object.defineProperties(offer, {
    flush: { value: () => throttle.flush() },
    stop: { value: () => throttle.stop() },
    held: { get: () => throttle.held },
  })
}
