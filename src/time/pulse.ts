/** After this many pings in a row without an answer, a peer counts as gone. */
export const MOST_MISSED = 2

/** Sends pings to one peer, and counts those in a row that have no answer. */
export class Pulse {
  readonly #ping: () => unknown
  readonly #mostMissed: number
  #missed = 0

  constructor(ping: () => unknown, mostMissed: number = MOST_MISSED) {
    this.#ping = ping
    this.#mostMissed = mostMissed
  }

  /** Call when the peer has answered, or has sent anything else. */
  heard(): void {
    this.#missed = 0
  }

  /** Pings the peer. If the peer has not answered the last `mostMissed` pings, it counts as gone: `beat` returns false, and sends no ping. */
  beat(): boolean {
    if (this.#missed >= this.#mostMissed) return false
    this.#missed++
    this.#ping()
    return true
  }
}
