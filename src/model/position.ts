/**
 * The position of a client in a channel. It maps each epoch to the number of the last message from this epoch that the client has.
 *
 * A channel is the widest part of a stream type that one subscription can cover. An epoch is one run of a node that publishes in the channel, from
 * start to stop. So if only one node publishes in a channel, the channel has one epoch, and each restart of the node adds another epoch.
 */
export type Position = ReadonlyMap<string, number>

/** A longer text is not a position. */
const MOST_UNITS = 1_024

/** The most digits of a number, and the two characters that separate it. */
const UNITS_OF_A_NUMBER = 18

/** True if the text of a position with these epochs is never too long, whatever their numbers are. */
export function fitsInPosition(epochs: Iterable<string>): boolean {
  let units = 0
  for (const { length } of epochs) units += length + UNITS_OF_A_NUMBER
  return units <= MOST_UNITS
}

const PART = /^([\w-]{1,64}):(0|[1-9]\d{0,15})$/

const EPOCH = /^[\w-]{1,64}$/

/** True for the name of an epoch. Such a name has none of the characters that separate the parts of a position. */
export function isEpoch(value: unknown): value is string {
  return typeof value === 'string' && EPOCH.test(value)
}

/** The names of marks begin with this. */
const MARK = '--'

/** No name of an epoch is longer. */
const MOST_UNITS_OF_AN_EPOCH = 64

/**
 * Returns the name of the mark in the positions that a node gives in a channel.
 *
 * A mark stands where an epoch stands. Its number rises when a node can no longer tell what is missing to older positions. A position that has the
 * number was given afterwards. The marks of other nodes mean nothing to a node.
 *
 * @param epoch - the node's own epoch of the channel
 */
export function markOf(epoch: string): string {
  return `${MARK}${epoch}`.slice(0, MOST_UNITS_OF_AN_EPOCH)
}

export function isMark(epoch: string): boolean {
  return epoch.startsWith(MARK)
}

/**
 * Parses the text of a position, such as `k3f9:17,x2a1:3`. Returns `undefined` if the text is not a position.
 *
 * Epochs of which the client has nothing are left out, as those that began later are. In a cluster they may be of a node that published nothing: then
 * no other node knows them, and could prove that nothing is missing. If the client has nothing at all, they stay: they tell a restart.
 */
export function parsePosition(text: unknown): Position | undefined {
  if (typeof text !== 'string' || text.length > MOST_UNITS) return undefined
  const position = new Map<string, number>()
  for (const part of text.split(',')) {
    const [, epoch, seq] = PART.exec(part) ?? []
    if (epoch === undefined || position.has(epoch) || !Number.isSafeInteger(Number(seq))) return undefined
    position.set(epoch, Number(seq))
  }
  const begun = [...position].filter(([, seq]) => seq > 0)
  return begun.every(([epoch]) => isMark(epoch)) ? position : new Map(begun)
}

/** Returns the text of a position. */
export function positionText(position: Iterable<readonly [epoch: string, seq: number]>): string {
  return Array.from(position, ([epoch, seq]) => `${epoch}:${seq}`).join(',')
}
