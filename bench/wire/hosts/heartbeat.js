/** Servers that send heartbeats set their timers, and send none in the middle of a round. */
export const HEARTBEAT_MS = 1_000_000_000
