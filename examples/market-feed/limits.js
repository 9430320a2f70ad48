/** What may wait for one client. Little, so that this short a play comes to it: the library's default is 1 MiB. */
export const HARD_LIMIT_BYTES = 8 * 1024

/** How much a client that comes back is sent again. One that missed more is told so, and goes on from the present. */
export const REPLAY = { count: 100, units: HARD_LIMIT_BYTES / 2 }

/** How much is kept of each channel. So much that `REPLAY` alone decides who is refused, however fast the play goes. */
export const HISTORY = { count: 10_000, units: 4 * 1024 * 1024, totalUnits: Infinity, ageMs: Infinity }
