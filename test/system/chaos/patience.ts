/** How the clients of a run are set. The limits of a half-open link follow from it. Milliseconds. */
export const PATIENCE = { backoff: { minMs: 100, maxMs: 1_500 }, pingMs: 1_000, pongMs: 1_000, connectTimeoutMs: 2_000 } as const
