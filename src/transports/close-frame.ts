import type { CloseDetails, CloseReason } from '../ports/connection.ts'

const NORMAL = 1000
const GOING_AWAY = 1001
const INTERNAL_ERROR = 1011
const TRY_AGAIN_LATER = 1013

/**
 * Reason of the removal → the close frame that the client gets by default. The client can read the `reason` of the frame, so this text says only why
 * the connection was removed.
 */
const CLOSE_FRAMES: Readonly<Record<CloseReason, CloseDetails>> = {
  removed: { code: NORMAL, reason: 'removed' },
  'peer-closed': { code: NORMAL, reason: 'peer closed' },
  'send-failed': { code: INTERNAL_ERROR, reason: 'send failed' },
  'slow-consumer': { code: TRY_AGAIN_LATER, reason: 'slow consumer' },
  cleanup: { code: GOING_AWAY, reason: 'going away' },
}

/**
 * Returns the close frame for a WebSocket client: `details` if the host gave a code or a reason, otherwise the default for the reason of the removal.
 */
export function closeFrame(reason: CloseReason, details: CloseDetails | undefined): CloseDetails {
  return details ?? CLOSE_FRAMES[reason]
}
