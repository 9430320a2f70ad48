import type { CloseReason } from '../ports/connection.ts'

/** What a WebSocket client is told when its connection is closed: a status code of RFC 6455, and a word for people. */
export interface CloseFrame {
  readonly code: number
  readonly text: string
}

const NORMAL = 1000
const GOING_AWAY = 1001
const INTERNAL_ERROR = 1011
const TRY_AGAIN_LATER = 1013

/** The close frame for each reason. The text says no more than the reason: it leaves the server. */
export const CLOSE_FRAMES: Readonly<Record<CloseReason, CloseFrame>> = {
  removed: { code: NORMAL, text: 'removed' },
  'peer-closed': { code: NORMAL, text: 'peer closed' },
  'send-failed': { code: INTERNAL_ERROR, text: 'send failed' },
  'slow-consumer': { code: TRY_AGAIN_LATER, text: 'slow consumer' },
  cleanup: { code: GOING_AWAY, text: 'going away' },
}
