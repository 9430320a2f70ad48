import type { Stats } from '../../../src/index.ts'

/** What a delivery can come to, as `stats()` counts it. */
export const OUTCOMES = ['sent', 'conflated', 'dropped', 'failed', 'skipped', 'purged', 'waiting'] as const

/** What never falls. */
const COUNTERS = ['matched', 'sent', 'conflated', 'dropped', 'failed', 'skipped', 'purged', 'rejected', 'gapNotices', 'deferred'] as const

export type Outcome = (typeof OUTCOMES)[number]

/** Those of `stats()`, or of the result of a publish, where what waits is `queued`. */
export type Counts = Readonly<Record<Outcome | 'matched' | 'queued', number>>

const TERMS = [...OUTCOMES, 'queued'] as const

/** What is wrong with counts, whatever happened. */
export function imbalances(counts: Partial<Counts>): string[] {
  const sum = TERMS.reduce((total, outcome) => total + (counts[outcome] ?? 0), 0)
  const negative = TERMS.filter((outcome) => (counts[outcome] ?? 0) < 0)
  return [
    ...(sum === counts.matched ? [] : [`${counts.matched} matched, but ${sum} are accounted for`]),
    ...negative.map((outcome) => `${counts[outcome]} ${outcome}`),
  ]
}

/** The counters that are lower than they were. */
export function fallen(before: Stats, after: Stats): string[] {
  const names = COUNTERS.filter((name) => after[name] < before[name])
  return names.map((name) => `${name} fell from ${before[name]} to ${after[name]}`)
}

/** `matched 9 = 8 sent + 1 failed`, without what is nothing. */
export function accountOf(stats: Stats): string {
  const terms = OUTCOMES.filter((outcome) => stats[outcome] !== 0).map((outcome) => `${stats[outcome]} ${outcome}`)
  return `matched ${stats.matched} = ${terms.join(' + ') || '0'}`
}
