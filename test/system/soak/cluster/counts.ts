/** What a process of clients has counted. A client is steady if it never stops reading. */
export type Counts = Record<(typeof NAMES)[number], number>

const NAMES = [
  // Messages, as they came over the wire.
  'received', 'lost', 'twice', 'outOfOrder', 'foreign',
  /** Messages that did not come, and that the server told as missing. */
  'told',
  /** Messages that came although the server had told them as missing. */
  'late',
  /** Messages of a `latest` stream that newer ones replaced. */
  'conflated',
  // Messages that steady clients got over the wire, and messages that their listeners heard.
  'receivedBySteady', 'heardBySteady',
  // Gap notices, refused resumes and ends of connections. Those of steady clients have no cause.
  'gaps', 'gapsOfSteady', 'refused', 'refusedSteady', 'ended', 'endedSteady',
  'resumed', 'left', 'moved', 'pauses', 'refusals',
] as const

export function newCounts(): Counts {
  return Object.fromEntries(NAMES.map((name) => [name, 0])) as Counts
}

/** Returns the sum of the counts of several processes. */
export function sumOf(all: readonly Counts[]): Counts {
  const sum = newCounts()
  for (const counts of all) for (const name of NAMES) sum[name] += counts[name]
  return sum
}
