import { isReordered, type ChannelModel, type Entry, type HistoryModel } from './history.ts'
import type { Stream } from './catalogue.ts'

/** Reads a position as a person would: the numbers of each epoch. `undefined` if it is malformed. */
export function readPosition(text: string): Map<string, number> | undefined {
  if (text === '' || text.length > 1_024) return undefined
  const position = new Map<string, number>()
  for (const part of text.split(',')) {
    const [epoch = '', seq = '', ...more] = part.split(':')
    const isNumber = /^\d+$/.test(seq) && String(Number(seq)) === seq && Number.isSafeInteger(Number(seq))
    if (!isNumber || more.length > 0 || !/^[A-Za-z0-9_-]+$/.test(epoch) || position.has(epoch)) return undefined
    position.set(epoch, Number(seq))
  }
  return position
}

export function writePosition(position: ReadonlyMap<string, number>): string {
  return Array.from(position, ([epoch, seq]) => `${epoch}:${seq}`).join(',')
}

/** Whether a server can prove what a client missed, and what that is. */
export interface Proof {
  /** `undefined`: it may, and need not. */
  readonly isProven: boolean | undefined
  readonly missed: readonly Entry[]
}

const UNPROVEN: Proof = { isProven: false, missed: [] }

/** Finds by the plain list what a client missed since a position, and whether all of it is held and may be sent. */
export function proofFor(history: HistoryModel, channel: ChannelModel, stream: Stream, asked: string, floor: number): Proof {
  const position = readPosition(asked)
  if (position === undefined || isReordered(stream)) return UNPROVEN
  for (const [epoch, seq] of position) if ((channel.epochs.get(epoch) ?? -1) < seq) return UNPROVEN
  const present = channel.isLatest ? newest(channel.entries) : channel.entries
  const after = present.filter(({ epoch, seq }) => seq > (position.get(epoch) ?? 0))
  if (!after.every((each) => history.isHeld(each))) return UNPROVEN
  const missed = after.filter((each) => stream.symbol === undefined || each.stream.symbol === stream.symbol)
  if (!missed.every(({ index }) => index >= floor)) return UNPROVEN
  // A latest message that was evicted and then replaced is not missing, but that need not be remembered.
  return { isProven: channel.isLatest && channel.hasLost ? undefined : true, missed }
}

/** The newest message of each symbol, oldest first. */
export function newest(entries: readonly Entry[]): Entry[] {
  return entries.filter((each, i) => !entries.slice(i + 1).some((later) => later.stream.symbol === each.stream.symbol))
}
