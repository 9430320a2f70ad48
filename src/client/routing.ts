import type { StreamCatalogue } from '../model/catalogue.ts'
import type { ServerMessage } from '../model/wire-form.ts'
import type { WireObject } from '../model/wire-reading.ts'
import { ClientError } from './client-error.ts'
import { messageIn } from './reading.ts'
import type { Requests } from './requests.ts'
import type { WantedStreams } from './wanted-streams.ts'

/** Passes a frame to those whom it concerns. Frames of other types are ignored, so that the server can be newer than the client. */
export function route(frame: WireObject, streams: WantedStreams, requests: Requests): void {
  const { type, id, code, data, retry_ms: retryMs } = frame
  if (type === 'result') requests.settle(id, 'resolve', data)
  else if (type === 'subscribed') streams.answered(frame)
  else if (type === 'unsubscribed') id === undefined && streams.unsubscribed(frame)
  else if (type !== 'refused') update(messageIn(frame, undefined), streams)
  else if (!requests.settle(id, 'reject', new ClientError(String(code), retryMs as number | undefined))) streams.refused(frame)
}

function update(message: ServerMessage<StreamCatalogue>, streams: WantedStreams): void {
  if (message.type !== 'unknown' && message.type !== 'subscribed') streams.receive(message)
}
