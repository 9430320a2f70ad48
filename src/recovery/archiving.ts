import type { ResolvedCatalogue } from '../model/catalogue.ts'
import type { RecorderSettings } from '../ports/recorder.ts'
import type { Clock } from '../time/clock.ts'
import type { Archive, ArchivedChannel, ArchivedMessage } from './archive.ts'
import type { Channel } from './channel.ts'
import type { Histories } from './histories.ts'
import type { RevocationFloors } from './revocation-floors.ts'

/** Returns all channels, histories and revocations in the form that `export` writes. */
export function archived(histories: Histories, floors: RevocationFloors, clock: Clock): Archive {
  const nowMs = clock.monotonic()
  const channels = Array.from(histories.all(), (channel) => archivedChannel(channel, nowMs))
  const revocations = floors.all().map(({ revoked: { userId = null, streamType = null, symbol = null }, order, atMs }) => ({
    userId,
    streamType,
    symbol,
    order,
    ageMs: Math.max(0, nowMs - atMs),
  }))
  return { version: 1, exportedAt: clock.now(), channels, floors: revocations }
}

function archivedChannel(channel: Channel, nowMs: number): ArchivedChannel {
  const messages = channel.messages().map(({ epoch, seq, symbol = null, text, unstamped = null, atMs, order }) => ({
    epoch,
    seq,
    symbol,
    text,
    unstamped,
    ageMs: Math.max(0, nowMs - atMs),
    order,
  }))
  const { streamType, symbol = null, userId = null, epochs } = channel
  return { streamType, symbol, userId, epochs, messages }
}

/**
 * Restores channels, histories and revocations from an archive. Messages keep their age, and the time since the export is added to it. A channel is
 * left out if its stream type is no longer in the catalogue, or has another audience now. A channel is also left out if its type now requires a
 * symbol and did not before, or the reverse.
 */
export function restoreInto(histories: Histories, floors: RevocationFloors, archive: Archive, { clock, streams }: RecorderSettings): void {
  const elapsedMs = Math.max(0, clock.now() - archive.exportedAt)
  const known = archive.channels.filter((channel) => isChannelIn(streams as ResolvedCatalogue, channel))
  const messages = known.flatMap((channel) => restoredChannel(histories, channel)).sort((one, other) => one.message.order - other.message.order)
  const { order: firstOrder } = histories
  for (const { channel, message: { epoch, seq, symbol, text, unstamped, ageMs } } of messages) {
    histories.append(channel, { epoch, seq, symbol: symbol ?? undefined, text, unstamped: unstamped ?? undefined, message: undefined }, ageMs + elapsedMs)
  }
  const nowMs = clock.monotonic()
  for (const { userId, streamType, symbol, order, ageMs } of archive.floors) {
    const revoked = { userId: userId ?? undefined, streamType: streamType ?? undefined, symbol: symbol ?? undefined }
    floors.add(revoked, firstOrder + countUpTo(order, messages), nowMs - ageMs - elapsedMs)
  }
  histories.refresh()
}

/**
 * Returns how many messages have this `order` or a lower one. The messages must be sorted by `order`. The function uses a binary search, because it
 * may be called for many revocations.
 */
function countUpTo(order: number, messages: readonly { readonly message: ArchivedMessage }[]): number {
  let [from, to] = [0, messages.length]
  while (from < to) {
    const middle = (from + to) >> 1
    if ((messages[middle] as { readonly message: ArchivedMessage }).message.order <= order) from = middle + 1
    else to = middle
  }
  return from
}

function isChannelIn(streams: ResolvedCatalogue, { streamType, symbol, userId }: ArchivedChannel): boolean {
  const definition = Object.hasOwn(streams, streamType) ? streams[streamType] : undefined
  return definition !== undefined && (definition.audience === 'private') === (userId !== null) && (definition.symbol === 'required') === (symbol !== null)
}

function restoredChannel(histories: Histories, { streamType, symbol, userId, epochs, messages }: ArchivedChannel): { readonly channel: Channel; readonly message: ArchivedMessage }[] {
  const channel = histories.obtain({ streamType, symbol: symbol ?? undefined, userId: userId ?? undefined })
  for (const { epoch, seq, forgotten, isForeign } of epochs) channel.knowEpoch(epoch, { seq, forgotten, isForeign: isForeign === true })
  return messages.map((message) => ({ channel, message }))
}
