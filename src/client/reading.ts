import type { StreamCatalogue } from '../model/catalogue.ts'
import type { ServerMessage, UnknownNotice } from '../model/wire-form.ts'
import type { WireObject } from '../model/wire-reading.ts'

// `parseServerMessage` with its catalogue is twice as large as a whole tracker. This module reads the texts of a server in the same way, but trusts
// the server: it does not check symbols, user ids, the fields of notices, or the rules of a catalogue. It throws only if the parsed text is `null`.

export const UNKNOWN: UnknownNotice = /* @__PURE__ */ Object.freeze({ type: 'unknown' })

/** Reads an object as a message or as a notice. Without a catalogue, a stream type may have any name. */
export function messageIn(wire: WireObject, streams: StreamCatalogue | undefined): ServerMessage<StreamCatalogue> {
  const { stream_type: streamType, symbol, ...others } = wire
  const facts = wire['data'] === undefined ? noticeFactsIn(others) : messageFactsIn(others)
  if (!facts || typeof streamType !== 'string' || (streams && !Object.hasOwn(streams, streamType))) return UNKNOWN
  return Object.freeze({ ...facts, streamType, symbol: symbol ?? undefined }) as ServerMessage<StreamCatalogue>
}

function messageFactsIn({ data, timestamp, user_id: userId, epoch, seq, snapshot }: WireObject): object | undefined {
  const date = new Date(timestamp as string)
  if (date.toJSON() !== timestamp) return undefined
  const place = typeof epoch === 'string' && Number.isSafeInteger(seq) && { epoch, seq, ...(snapshot === true && { snapshot }) }
  return { data, timestamp: date, userId: userId ?? undefined, ...place }
}

function noticeFactsIn(facts: WireObject): object | undefined {
  const { type, dropped, position, epoch } = facts
  if (type === 'gap') return { type, dropped: dropped ?? undefined }
  return type === 'status' || (type === 'skip' && epoch) || (type === 'subscribed' && typeof position === 'string') ? facts : undefined
}
