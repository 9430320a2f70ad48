import type { Dice } from '../../support/dice.ts'
import { ALL_STREAMS, type Stream } from './catalogue.ts'
import type { Limits } from './history.ts'

/** What one round is set up with. */
export interface Settings {
  readonly limits: Limits
  readonly replay: { readonly count: number; readonly units: number }
  readonly hardLimitBytes: number
  /** The streams of this round: few, so that much happens to each. */
  readonly streams: readonly Stream[]
  /** The host makes snapshots. */
  readonly hasSnapshots: boolean
  /** The host has its own `serialize` and `stamp`. */
  readonly isCustom: boolean
}

export const SOFT_LIMIT_BYTES = 200
export const IDLE_DELAY_MS = 100
const STREAMS = 4

export function settingsFrom(dice: Dice): Settings {
  const hardLimitBytes = dice.pick([1_500, 4_000, 20_000])
  return {
    limits: {
      count: dice.pick([3, 8, 30]),
      units: dice.pick([500, 1_500, 20_000]),
      ageMs: dice.pick([300, 2_000]),
      totalUnits: dice.pick([2_500, 8_000, 100_000]),
    },
    replay: { count: dice.pick([4, 20, 300]), units: hardLimitBytes / 2 },
    hardLimitBytes,
    streams: Array.from({ length: STREAMS }, () => dice.pick(ALL_STREAMS)),
    hasSnapshots: dice.chance(0.3),
    isCustom: dice.chance(0.25),
  }
}
