/**
 * Where a client is in a channel: epoch → the last number that it has of that epoch.
 *
 * A channel is the widest part of a stream type that one subscription can cover. An epoch is one incarnation of the node that published in it. So a
 * channel with one publisher has one epoch, and one more for each restart.
 */
export type Position = ReadonlyMap<string, number>

/** A longer text is not a position. */
const MOST_UNITS = 1_024

const PART = /^([\w-]{1,64}):(0|[1-9]\d{0,15})$/

const EPOCH = /^[\w-]{1,64}$/

/** True for the name of an epoch. It has no character that separates the parts of a position. */
export function isEpoch(value: unknown): value is string {
  return typeof value === 'string' && EPOCH.test(value)
}

/** Parses the text of a position, such as `k3f9:17,x2a1:3`. Returns `undefined` if the text is not a position. */
export function parsePosition(text: unknown): Position | undefined {
  if (typeof text !== 'string' || text.length > MOST_UNITS) return undefined
  const position = new Map<string, number>()
  for (const part of text.split(',')) {
    const [, epoch, seq] = PART.exec(part) ?? []
    if (epoch === undefined || position.has(epoch) || !Number.isSafeInteger(Number(seq))) return undefined
    position.set(epoch, Number(seq))
  }
  return position
}

/** Returns the text of a position. */
export function positionText(position: Iterable<readonly [epoch: string, seq: number]>): string {
  return Array.from(position, ([epoch, seq]) => `${epoch}:${seq}`).join(',')
}
