import type { CloseReason } from '../ports/connection.ts'

/** The close frame that a WebSocket client gets: a status code of RFC 6455, and a text for people. */
export interface CloseFrame {
  readonly code: number
  readonly text: string
}

const NORMAL = 1000
const GOING_AWAY = 1001
const INTERNAL_ERROR = 1011
const TRY_AGAIN_LATER = 1013

/** Reason → close frame. The text has only the reason, because the client sees it. */
export const CLOSE_FRAMES: Readonly<Record<CloseReason, CloseFrame>> = {
  removed: { code: NORMAL, text: 'removed' },
  'peer-closed': { code: NORMAL, text: 'peer closed' },
  'send-failed': { code: INTERNAL_ERROR, text: 'send failed' },
  'slow-consumer': { code: TRY_AGAIN_LATER, text: 'slow consumer' },
  cleanup: { code: GOING_AWAY, text: 'going away' },
}
