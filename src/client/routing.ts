import type { WireObject } from '../model/wire-reading.ts'
import { ClientError } from './client-error.ts'
import type { Requests } from './requests.ts'
import type { Incoming } from './wanted-stream.ts'
import type { WantedStreams } from './wanted-streams.ts'

/** Passes a frame to those whom it concerns. Frames of other types are ignored, so that the server can be newer than the client. */
export function route(frame: WireObject, streams: WantedStreams, requests: Requests): void {
  const { type, id, code, data, retry_ms: retryMs } = frame
  if (type === 'result') requests.settle(id, 'resolve', data)
  else if (type === 'subscribed') streams.answered(frame)
  else if (type === 'unsubscribed') id === undefined && streams.unsubscribed(frame)
  else if (type === 'refused') requests.settle(id, 'reject', new ClientError(String(code), retryMs as number | undefined)) || streams.refused(frame)
  else streams.receive(updateIn(frame))
}

/** Returns the message, or the notice, that a frame is. It trusts the server. Notices of other types go to nobody. */
function updateIn({ type, stream_type: streamType, symbol, data, timestamp, user_id: userId, epoch, seq, snapshot, dropped, status }: WireObject): Incoming {
  const place = { streamType, symbol: symbol ?? undefined, epoch, seq }
  const update = type ? { ...place, type, dropped: dropped ?? undefined, status } : { ...place, data, timestamp: new Date(timestamp as string), userId: userId ?? undefined, snapshot }
  return update as unknown as Incoming
}
