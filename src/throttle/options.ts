import { ConnectionManagerError, describe } from '../errors.ts'
import { isPlain, readNamed } from '../guards/named-fields.ts'
import { bound, readUserCode } from '../guards/user-code.ts'
import { defineStreams, definitionOf, tradingStreams, type StreamCatalogue } from '../model/catalogue.ts'
import { GuardedClock, systemClock, type Clock, type ClockFailureListener } from '../time/clock.ts'

/** The options of `throttled`, validated and with defaults filled in. */
export interface ResolvedThrottleOptions {
  /** Stream type → length of its intervals. Types whose messages are published at once are not in the map. */
  readonly intervalsMs: ReadonlyMap<string, number>
  readonly streams: StreamCatalogue
  readonly clock: Clock
  readonly onError: ((error: unknown, message: never) => unknown) | undefined
}

const NAMES = ['intervalsMs', 'streams', 'clock', 'onError'] as const

const CLOCK_METHODS = ['now', 'monotonic', 'setTimeout'] as const

/** @throws `ERR_INVALID_OPTION` naming the option that is unknown, missing or out of range */
export function resolvedOptions(options: unknown, clockFailed: ClockFailureListener): ResolvedThrottleOptions {
  const given = readNamed(options, NAMES, (what, name = 'options', cause) => invalidOption(name, what, cause))
  const { intervalsMs, streams = tradingStreams, clock = systemClock, onError } = given
  const catalogue = checkedStreams(streams)
  return {
    streams: catalogue,
    intervalsMs: checkedIntervals(intervalsMs, catalogue),
    clock: checkedClock(clock, clockFailed),
    onError: onError === undefined ? undefined : checkedListener(onError, options),
  }
}

function checkedStreams(streams: unknown): StreamCatalogue {
  try {
    return defineStreams(streams as StreamCatalogue)
  } catch (cause) {
    throw invalidOption('streams', `expected the result of \`defineStreams\`, got ${describe(streams)}`, cause)
  }
}

function checkedIntervals(given: unknown, streams: StreamCatalogue): ReadonlyMap<string, number> {
  const entries = readUserCode(
    () => (typeof given === 'object' && given !== null && isPlain(given) && !Array.isArray(given) ? Object.entries(given) : undefined),
    (cause) => invalidOption('intervalsMs', 'reading it threw', cause),
  )
  if (entries === undefined) throw invalidOption('intervalsMs', `expected a plain object, got ${describe(given)}`)
  return new Map(entries.filter(([streamType, ms]) => checkedInterval(streamType, ms, streams) > 0) as [string, number][])
}

/** Returns the length of the intervals of a stream type, in milliseconds, or `0` if the type has no intervals. */
function checkedInterval(streamType: string, ms: unknown, streams: StreamCatalogue): number {
  const option = `intervalsMs.${streamType}`
  const definition = readUserCode(
    () => definitionOf(streams, streamType),
    (cause) => invalidOption(option, `the catalogue has no stream type ${describe(streamType)}`, cause),
  )
  if (definition.delivery !== 'latest') {
    throw invalidOption(option, `only streams with the delivery "latest" may miss messages, and this one has ${describe(definition.delivery)}`)
  }
  if (ms === undefined || ms === 0) return 0
  if (typeof ms === 'number' && ms >= 1 && ms < Infinity) return ms
  throw invalidOption(option, `expected 0, or a finite number of 1 or more, got ${describe(ms)}`)
}

function checkedClock(clock: unknown, failed: ClockFailureListener): Clock {
  let cause: unknown
  try {
    if (CLOCK_METHODS.every((name) => typeof (clock as Clock)[name] === 'function')) return new GuardedClock(clock as Clock, failed)
  } catch (error) {
    cause = error
  }
  throw invalidOption('clock', `expected an object with \`now\`, \`monotonic\` and \`setTimeout\`, got ${describe(clock)}`, cause)
}

function checkedListener(onError: unknown, options: unknown): NonNullable<ResolvedThrottleOptions['onError']> {
  if (typeof onError !== 'function') throw invalidOption('onError', `expected a function, got ${describe(onError)}`)
  return bound(onError as (error: unknown) => unknown, options, (cause) => invalidOption('onError', 'reading it threw', cause))
}

function invalidOption(option: string, what: string, cause?: unknown): ConnectionManagerError {
  return new ConnectionManagerError('ERR_INVALID_OPTION', `Invalid option \`${option}\`: ${what}`, { option }, cause)
}
