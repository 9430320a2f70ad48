import type { FanOutList, Overlap } from '../collections/fan-out-list.ts'

/** A part of a fan-out list: the slots from `from` to `to`, without `to` itself. */
export interface SlotRange<TConnection> {
  readonly list: FanOutList<TConnection>
  readonly from: number
  readonly to: number
}

/** The recipients of one message. The recipients are fixed when the delivery of the message starts. */
export interface Recipients<TConnection> {
  /** How many recipients there are. */
  readonly matched: number
  /**
   * The slots of the recipients. If there are overlaps (connections with a slot in two lists), the first range is in the list of the whole type, and
   * the second range is in the list of the exact stream.
   */
  readonly ranges: readonly SlotRange<TConnection>[]
  readonly overlaps: readonly Overlap[]
  /** Slots whose connections are not recipients, although the slots are in `ranges`. */
  readonly leftOut?: readonly Slot<TConnection>[]
}

/** The place of one connection in a list. */
export interface Slot<TConnection> {
  readonly list: FanOutList<TConnection>
  readonly slot: number
}

const NO_OVERLAPS: readonly Overlap[] = []

export function nobody(): Recipients<never> {
  return { matched: 0, ranges: [], overlaps: NO_OVERLAPS }
}

/** All connections in the list. */
export function allOf<TConnection>(list: FanOutList<TConnection>): Recipients<TConnection> {
  return { matched: list.size, ranges: [rangeOf(list)], overlaps: NO_OVERLAPS }
}

/** The connection in this slot. If the connection has left the list, its slot is `NO_SLOT`, and there is no recipient. */
export function oneOf<TConnection>(list: FanOutList<TConnection>, slot: number): Recipients<TConnection> {
  return list.has(slot) ? eachOf(list, [slot]) : nobody()
}

/** The connection in this slot. If the connection has left the list, nothing is sent, but the connection counts as one recipient that was skipped. */
export function thisOne<TConnection>(list: FanOutList<TConnection>, slot: number): Recipients<TConnection> {
  return list.has(slot) ? eachOf(list, [slot]) : { matched: 1, ranges: [], overlaps: NO_OVERLAPS }
}

/** The connections in these slots. Each slot must have a connection. */
export function eachOf<TConnection>(list: FanOutList<TConnection>, slots: readonly number[]): Recipients<TConnection> {
  const ranges = slots.map((slot) => ({ list, from: slot, to: slot + 1 }))
  return { matched: ranges.length, ranges, overlaps: NO_OVERLAPS }
}

/**
 * All connections of two lists: the list of a whole type, and the list of one exact stream of this type. A connection in both lists counts once.
 * `overlaps` has the slots of these connections.
 */
export function eitherOf<TConnection>(
  whole: FanOutList<TConnection> | undefined,
  exact: FanOutList<TConnection> | undefined,
  overlaps: readonly Overlap[],
): Recipients<TConnection> {
  if (whole === undefined || whole.size === 0) {
    // Nearly every message takes this path.
    return exact === undefined ? nobody() : { matched: exact.size, ranges: [{ list: exact, from: 0, to: exact.connections.length }], overlaps: NO_OVERLAPS }
  }
  if (exact === undefined || exact.size === 0) return allOf(whole)
  return { matched: whole.size + exact.size - overlaps.length, ranges: [rangeOf(whole), rangeOf(exact)], overlaps }
}

/**
 * Returns the recipients without these connections. Each connection is given by its slots. A connection with two slots counts once, and a connection
 * without a slot is ignored.
 */
export function without<TConnection>(recipients: Recipients<TConnection>, connections: readonly (readonly Slot<TConnection>[])[]): Recipients<TConnection> {
  const found = connections.filter((slots) => slots.length > 0)
  if (found.length === 0) return recipients
  const leftOut = found.flat()
  const isLeftOut = ({ exactSlot }: Overlap): boolean => leftOut.some(({ list, slot }) => slot === exactSlot && list === recipients.ranges[1]?.list)
  const overlaps = recipients.overlaps.filter((overlap) => !isLeftOut(overlap))
  return { ...recipients, matched: recipients.matched - found.length, overlaps, leftOut }
}

function rangeOf<TConnection>(list: FanOutList<TConnection>): SlotRange<TConnection> {
  return { list, from: 0, to: list.connections.length }
}
