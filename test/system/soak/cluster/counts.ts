/** What a process of clients has counted. A client is steady if it never stops reading. */
export type Counts = Record<(typeof NAMES)[number], number>

/** Kind of a fault → the first faults of the kind, in words. */
export type Examples = Partial<Record<keyof Counts, string[]>>

const MOST_EXAMPLES = 5

const NAMES = [
  // Messages, as they came over the wire.
  'received', 'lost', 'twice', 'outOfOrder', 'foreign',
  /** Messages that did not come, and that the server told as missing. */
  'told',
  /** Messages that came although the server had told them as missing. */
  'late',
  /** Messages that came again after a resume that was refused. `createClient` passes on none of them. */
  'again',
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

/** Adds an example of a fault, unless there are enough. */
export function addExample(examples: Examples, kind: keyof Counts, fault: string): void {
  const known = (examples[kind] ??= [])
  if (known.length < MOST_EXAMPLES) known.push(fault)
}

/** Returns the sum of the counts of several processes. */
export function sumOf(all: readonly Counts[]): Counts {
  const sum = newCounts()
  for (const counts of all) for (const name of NAMES) sum[name] += counts[name]
  return sum
}
