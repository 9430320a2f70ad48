import type { HostSkip } from 'stream-connection-manager/testing'

/** For hosts of server-sent events. */
export const CANNOT_SEND: HostSkip = {
  reason: 'its clients subscribe by their URL, and cannot send',
  tests: [
    'ends the subscription that a client gives up',
    'carries out what a client asks for that client alone',
    'goes on serving whatever text a client sends',
    'lets no answers pile up for a client that does not read',
  ],
}

/** For hosts of server-sent events: their heartbeat are comments. */
export const ENDS_UNREAD_LATE: HostSkip = {
  reason: 'comments end the stream of a client that stops reading, but only after a minute, and the suite does not wait so long',
  tests: ['removes a client that falls silent'],
}

/** For hosts whose heartbeat is not a recipe's. */
export function heartbeatElsewhere(reason: string): HostSkip {
  return { reason, tests: ['removes a client that falls silent'] }
}
