import type { Agenda } from './agenda.ts'

/** If a check runs this many milliseconds too late, the client itself was asleep, or its timers were throttled. */
const LATE_MS = 1_000

/** Checks whether the server is still there, because a half-open connection does not report an error by itself. */
export interface Watch {
  /** Call this when the server has sent something that counts as an answer: any frame, or only a pong if the client POSTs its commands. */
  heard(): void
  /** Asks whether the server is there, unless the client still waits for an earlier answer. If the client cannot ask, a new wait begins. */
  probe(): void
}

/**
 * Watches a server until the task `look` is cancelled. `quietMs` and `answerMs` may be `Infinity`: such a time never ends.
 *
 * @param quietMs how often the client asks. If the client cannot ask, and hears nothing for this time, the connection counts as lost
 * @param answerMs how long the client waits for an answer
 * @param ask absent if the client cannot send
 */
export function watchServer(agenda: Agenda, quietMs: number, answerMs: number, ask: (() => void) | undefined, lose: () => void): Watch {
  /**
   * The time when the current wait began: the wait until the next ping, or for an answer. If the client cannot send pings, each frame from the
   * server begins a new wait.
   */
  let sinceMs = agenda.clock.monotonic()
  let isAsked = false
  /** True if the server was given another chance, and has sent nothing since. */
  let wasSpared = false
  const planLook = (): void => agenda.plan('look', sinceMs + (isAsked ? answerMs : quietMs) - agenda.clock.monotonic(), look)
  const probe = (): void => {
    if (isAsked) return
    sinceMs = agenda.clock.monotonic()
    isAsked = !!ask
    planLook()
    ask?.()
  }
  const look = (lateMs: number): void => {
    // A pause of the client's own says nothing about the server, which gets another chance. If a sleeping machine stops its clock, no time has passed for the
    // server's answer either.
    const wasAway = lateMs > LATE_MS && !wasSpared
    if (!wasAway && (isAsked || !ask)) return lose()
    wasSpared = wasAway
    isAsked = false
    probe()
  }
  const heard = (): void => {
    wasSpared = false
    if (ask && !isAsked) return
    if (!ask) sinceMs = agenda.clock.monotonic()
    // The next ping may be due before the deadline for the answer, so the check is planned anew.
    isAsked = false
    planLook()
  }
  planLook()
  return { heard, probe }
}
