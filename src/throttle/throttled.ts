import { ConnectionManagerError, describe } from '../errors.ts'
import type { StreamCatalogue, TradingStreams } from '../model/catalogue.ts'
import type { PublicMessage, PublishableMessage } from '../model/stream-message.ts'
import type { Clock } from '../time/clock.ts'
import { Failures } from './failures.ts'
import { resolvedOptions } from './options.ts'
import { Throttle } from './throttle.ts'

/** The options of `throttled`. An unknown name is refused. `undefined` means the same as absence. */
export interface ThrottleOptions<TStreams extends StreamCatalogue = TradingStreams> {
  /**
   * Stream type → length of its intervals, in milliseconds: `1` or more, and finite. `0`, and absence, pass the messages of the type straight
   * through.
   *
   * `Infinity` is refused, because a held message would never be published. Fractions of a millisecond are refused, because timers are no finer.
   * The delivery class of each type must be `latest`, because other streams must not miss a message.
   */
  readonly intervalsMs: { readonly [TName in PublicMessage<TStreams>['streamType']]?: number | undefined }
  /**
   * The catalogue of stream types, from `defineStreams`. Pass the one that the manager has.
   *
   * @default the seven types of `StreamType`
   */
  readonly streams?: TStreams | undefined
  /**
   * The source of time. Pass the one that the manager has.
   *
   * @default the runtime's own clock and timers
   */
  readonly clock?: Clock | undefined
  /**
   * Receives each error that `publish` threw for a held message, or that its promise rejected with. The message is the one that `publish` got.
   *
   * @default the first such error is printed by `console.warn`, and later ones are not
   */
  readonly onError?: ((error: unknown, message: PublishableMessage<TStreams>) => void) | undefined
}

/** Publishes at most one message of a stream in each interval. Made by `throttled`. */
export interface Throttled<TStreams extends StreamCatalogue = TradingStreams, TResult = unknown> {
  /**
   * Publishes the message now if it is the first of its stream in this interval, and returns what `publish` returned. Otherwise returns `undefined`,
   * and holds the message until the interval ends. It replaces the message that was held before.
   *
   * A held message is published as a new object, with the fields that this call read. If it has no `timestamp`, it gets the time of this call. Its
   * `data` is not copied: do not change it. It is serialized only when it is published.
   *
   * @throws what `publish` throws for a message that is published now. For a message that is held, the errors of an invalid one:
   * `ERR_INVALID_MESSAGE`, `ERR_SYMBOL_REQUIRED`, `ERR_SYMBOL_NOT_ALLOWED`, `ERR_INVALID_ID`, `ERR_RECIPIENT_NOT_ALLOWED`; then the held message
   * stays. If `publish` throws, the message does not count as the one of the interval
   */
  (message: PublishableMessage<TStreams>): TResult | undefined
  /**
   * Publishes all that is held now, without waiting for the end of the interval. Call it before you shut the manager down, because the timer does
   * not keep the process alive. Errors go to `onError`.
   */
  flush(): void
  /** Discards all that is held, and stops the timer. A later message is published at once, as if it were the first. */
  stop(): void
  /** How many messages are held: at most one for each stream. */
  readonly held: number
}

/**
 * Returns a function that publishes at most one message of a stream in each interval: the first at once, the newest at the end.
 *
 * The newest message is never lost: it is published when the interval ends. The messages between the first and the newest are left out for all
 * clients. A stream is a type and a symbol. The intervals of a type begin at multiples of their length, by the monotonic clock. So they end together
 * for all streams of the type. A transport that batches writes all of their messages to a socket at once. Two messages of a stream may be less than
 * one interval apart, because the first one may come shortly before an interval ends.
 *
 * One timer serves all streams. If it is late, or lost, the next message publishes what is due.
 *
 * @throws `ERR_INVALID_ARGUMENT` if `publish` is not a function; `ERR_INVALID_OPTION` naming the option that is unknown, missing or out of range, for
 * example `intervalsMs.TRADES`, because `TRADES` is not of the delivery class `latest`
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
/** Without `streams`, the messages are those of the default catalogue. */
export function throttled<TResult>(publish: (message: PublishableMessage) => TResult, options: ThrottleOptions): Throttled<TradingStreams, TResult>
export function throttled(publish: (message: never) => unknown, options: object): unknown {
  if (typeof publish !== 'function') {
    throw new ConnectionManagerError('ERR_INVALID_ARGUMENT', `Invalid \`publish\`: expected a function, got ${describe(publish)}`)
  }
  const { onError, ...rest } = resolvedOptions(options, (error) => failures.print('its clock', error))
  const failures = new Failures(onError)
  const throttle = new Throttle(publish, { ...rest, failures })
  const offer = (message: unknown): unknown => throttle.offer(message)
  return Object.defineProperties(offer, {
    flush: { value: () => throttle.flush() },
    stop: { value: () => throttle.stop() },
    held: { get: () => throttle.held },
  })
}
