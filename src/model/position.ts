/**
 * The position of a client in a channel. For each epoch of the channel, a position has the number of the last message that the client has.
 *
 * A channel is the largest part of a stream type that one subscription can cover: one symbol if the type requires a symbol, the whole type otherwise.
 * An epoch is one node's numbering of the messages that it publishes in a channel. A node is a server process, and each node has its own epoch of a
 * channel. A node begins a new epoch when it restarts, and when it uses a forgotten channel again. It forgets a channel `history.ageMs` after the
 * last message of the channel or after its last stream became idle (see the event `streamIdle`), whichever is later. If more than 100,000 channels
 * have no active stream, the node forgets some of them earlier: those that were created first.
 */
export type Position = ReadonlyMap<string, number>

/** The maximum length of the text of a position, in UTF-16 units. */
const MOST_UNITS = 1_024

/** The maximum length of a number in a position: 16 digits, and the two separators `:` and `,`. */
const UNITS_OF_A_NUMBER = 18

/** True if a position with these epochs never exceeds the maximum length, whatever the numbers of the epochs are. */
export function fitsInPosition(epochs: Iterable<string>): boolean {
  let units = 0
  for (const { length } of epochs) units += length + UNITS_OF_A_NUMBER
  return units <= MOST_UNITS
}

const PART = /^([\w-]{1,64}):(0|[1-9]\d{0,15})$/

const EPOCH = /^[\w-]{1,64}$/

/** True if the value can be the name of an epoch. The name of an epoch has none of the characters that separate the parts of a position. */
export function isEpoch(value: unknown): value is string {
  return typeof value === 'string' && EPOCH.test(value)
}

/** The prefix of the name of each mark: see `markOf`. */
const MARK = '--'

/** The maximum length of the name of an epoch, in UTF-16 units. */
const MOST_UNITS_OF_AN_EPOCH = 64

/**
 * Returns the name of a node's mark in a channel.
 *
 * In a position, a mark looks like an epoch: it has a name and a number. A node raises the number of its mark when it no longer knows which messages
 * a client with an older position misses. From then on, each position that the node gives out has the mark with its new number. At this node, nobody
 * can resume from a position without the mark, or with a smaller number of the mark. Other nodes ignore the mark.
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
 * Epochs with the number 0 are left out, because the client has no message of them. In a cluster, such an epoch may belong to a node that published
 * nothing. No other node knows this epoch, so no other node could prove that nothing is missing. If all epochs have the number 0, they all stay,
 * because they show whether the server has restarted. The numbers of marks do not matter for this.
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
