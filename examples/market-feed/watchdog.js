const TICK_MS = 1_000
/** In ticks and not by the clock, so that a machine that slept is not taken for a run that hangs. */
const PATIENCE_TICKS = 30

/** Ends a wait that nothing will end: it barks when nobody has stroked it for half a minute. */
export class Watchdog {
  #ticks = 0
  #timer

  /** @param {() => void} bark */
  constructor(bark) {
    this.#timer = setInterval(() => {
      if (++this.#ticks === PATIENCE_TICKS) bark()
    }, TICK_MS)
  }

  /** Something happened: all is well. */
  stroke() {
    this.#ticks = 0
  }

  stop() {
    clearInterval(this.#timer)
  }
}
