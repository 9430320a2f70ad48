import type { ClusterStats } from '../../cluster/cluster.ts'
import type { CommandStats } from '../../protocol/stats.ts'
import type { RecoveryStats } from '../../recovery/recovery.ts'
import type { Clock, ClockFailureListener } from '../../time/clock.ts'
import type { MeasurementAttributes } from './meter.ts'
import { clockIn, commandsIn, numberIn, readOptions } from '../option-checks.ts'
import { describe } from '../../errors.ts'
import { isPlain } from '../../guards/named-fields.ts'
import { functionIn, invalidOption, withMethods } from '../../guards/option-values.ts'
import { readUserCode } from '../../guards/user-code.ts'

/** All that `instrument` needs of a recovery. */
export interface MeasuredRecovery {
  /** Returns what the recovery holds now, and how many resumes succeeded and failed so far. */
  stats(): RecoveryStats
}

/** All that `instrument` needs of a cluster. */
export interface MeasuredCluster {
  /** `up` while the messages that this node sends to itself come back from the broker. */
  readonly status: 'up' | 'down'
  /** Returns what this node has counted since it joined, and what it holds now. */
  stats(): ClusterStats
}

/** The options of `instrument`. Each one is optional. An unknown name is refused. A value of `undefined` counts as absent. */
export interface InstrumentingOptions {
  /**
   * The manager's recovery. Its histories and resumes are measured.
   *
   * @default none: the metrics `recovery.*` are absent
   */
  readonly recovery?: MeasuredRecovery | undefined
  /**
   * The cluster that the manager has joined.
   *
   * @default none: the metrics `cluster.*` are absent
   */
  readonly cluster?: MeasuredCluster | undefined
  /**
   * The manager's command server.
   *
   * @default none: the metrics `protocol.*` are absent
   */
  readonly commands?: { readonly sessions: number; readonly stats: CommandStats } | undefined
  /**
   * Attributes of all measurements. If several managers share one meter, give each manager other attributes, so that you can tell their values apart.
   *
   * @default none
   */
  readonly attributes?: MeasurementAttributes | undefined
  /**
   * Measures the duration and the recipients of one publish in this many, on average. A number of 1 or more. The publishes are picked at random.
   * Otherwise, a feed that publishes its streams in turn could have the same stream measured each time. `1` measures each publish. `Infinity`
   * measures none, and leaves `manager.publish` as it is.
   *
   * @default 100
   */
  readonly measureEvery?: number | undefined
  /**
   * The source of time. Its `monotonic` measures how long a publish takes, so the resolution of `monotonic` must be finer than a microsecond. No timer
   * is set.
   *
   * @default the runtime's own clock
   */
  readonly clock?: Clock | undefined
  /**
   * Gets the errors that the meter throws after the start, and the errors of reading the manager, the recovery, the cluster or the command server.
   * The first error of the clock is printed instead.
   *
   * @default prints the first error with `console.warn`
   */
  readonly onError?: ((error: unknown) => void) | undefined
}

/** The options of `instrument`, validated and with defaults filled in. */
export interface ResolvedInstrumentingOptions {
  readonly recovery: NonNullable<InstrumentingOptions['recovery']> | undefined
  readonly cluster: NonNullable<InstrumentingOptions['cluster']> | undefined
  readonly commands: NonNullable<InstrumentingOptions['commands']> | undefined
  readonly attributes: MeasurementAttributes
  readonly measureEvery: number
  readonly clock: Clock
  readonly onError: ((error: unknown) => unknown) | undefined
}

/** @throws `ERR_INVALID_OPTION` naming the option that is unknown or out of range */
export function instrumentingOptions(options: unknown, clockFailed: ClockFailureListener): ResolvedInstrumentingOptions {
  const given = readOptions(options, ['recovery', 'cluster', 'commands', 'attributes', 'measureEvery', 'clock', 'onError'])
  return {
    recovery: given.recovery === undefined ? undefined : withMethods('recovery', given.recovery, ['stats']),
    cluster: given.cluster === undefined ? undefined : withMethods('cluster', given.cluster, ['stats']),
    commands: given.commands === undefined ? undefined : commandsIn(given.commands),
    attributes: attributesIn(given.attributes),
    measureEvery: numberIn('measureEvery', given.measureEvery ?? 100, 1),
    clock: clockIn(given.clock, clockFailed),
    onError: given.onError === undefined ? undefined : functionIn('onError', given.onError, options),
  }
}

function attributesIn(value: unknown): MeasurementAttributes {
  if (value === undefined) return {}
  const copy = readUserCode(() => copyIfPlain(value), (cause) => invalidOption('attributes', 'reading it threw', cause))
  if (copy === undefined) throw invalidOption('attributes', `expected a plain object, got ${describe(value)}`)
  return copy as MeasurementAttributes
}

function copyIfPlain(value: unknown): object | undefined {
  return typeof value === 'object' && value !== null && isPlain(value) ? { ...value } : undefined
}
