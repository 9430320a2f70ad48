import type { Stats } from '../../src/index.ts'

/** What a delivery can come to. */
export const OUTCOMES = ['sent', 'queued', 'conflated', 'dropped', 'failed', 'skipped', 'purged'] as const

export type Outcome = (typeof OUTCOMES)[number]

export type Counts = Readonly<Record<Outcome | 'matched', number>>

/** What is wrong with counts, whatever happened. */
export function imbalances(counts: Partial<Counts>): string[] {
  const sum = OUTCOMES.reduce((total, outcome) => total + (counts[outcome] ?? 0), 0)
  const negative = OUTCOMES.filter((outcome) => (counts[outcome] ?? 0) < 0)
  return [
    ...(sum === counts.matched ? [] : [`${counts.matched} matched, but ${sum} are accounted for`]),
    ...negative.map((outcome) => `${counts[outcome]} ${outcome}`),
  ]
}

/** `matched 9 = 8 sent + 1 failed`, without what is nothing. */
export function accountOf(stats: Stats): string {
  const terms = OUTCOMES.filter((outcome) => stats[outcome] !== 0).map((outcome) => `${stats[outcome]} ${outcome}`)
  return `matched ${stats.matched} = ${terms.join(' + ') || '0'}`
}
