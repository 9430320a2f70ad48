import type { CloseDetails, CloseReason } from '../ports/connection.ts'

const NORMAL = 1000
const GOING_AWAY = 1001
const INTERNAL_ERROR = 1011
const TRY_AGAIN_LATER = 1013

/** Reason → close frame. The client sees the text, so the text reveals only the reason. */
const CLOSE_FRAMES: Readonly<Record<CloseReason, CloseDetails>> = {
  removed: { code: NORMAL, reason: 'removed' },
  'peer-closed': { code: NORMAL, reason: 'peer closed' },
  'send-failed': { code: INTERNAL_ERROR, reason: 'send failed' },
  'slow-consumer': { code: TRY_AGAIN_LATER, reason: 'slow consumer' },
  cleanup: { code: GOING_AWAY, reason: 'going away' },
}

/** Returns the close frame for a WebSocket client: the host's code and text, or a status code of RFC 6455 with a default text. */
export function closeFrame(reason: CloseReason, details: CloseDetails | undefined): CloseDetails {
  return details ?? CLOSE_FRAMES[reason]
}
