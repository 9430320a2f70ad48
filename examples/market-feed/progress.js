/** @typedef {{ position: number, length: number, deliveries: number }} Standing */

const EVERY_MS = 100
const START_OF_LINE = '\r'
const CLEAR_LINE = '\x1b[K'

/** One line on a terminal that says how far the play is; nothing where there is no terminal. */
export class Progress {
  #terminal
  #standing
  #startedAt = 0
  /** @type {NodeJS.Timeout | undefined} */
  #timer

  /**
   * @param {NodeJS.WriteStream} terminal
   * @param {() => Standing} standing
   */
  constructor(terminal, standing) {
    this.#terminal = terminal
    this.#standing = standing
  }

  start() {
    this.#startedAt = performance.now()
    if (this.#terminal.isTTY) this.#timer = setInterval(() => this.#draw(), EVERY_MS).unref()
  }

  /** Takes the line away again. */
  stop() {
    if (!this.#timer) return
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#terminal.write(START_OF_LINE + CLEAR_LINE)
  }

  #draw() {
    const line = progressLine(this.#standing(), (performance.now() - this.#startedAt) / 1000)
    // A line that wraps could not be written over.
    this.#terminal.write(START_OF_LINE + line.slice(0, (this.#terminal.columns || 80) - 1) + CLEAR_LINE)
  }
}

/**
 * @param {Standing} standing
 * @param {number} seconds
 */
export function progressLine({ position, length, deliveries }, seconds) {
  const percent = String(Math.floor((position / length) * 100)).padStart(3)
  const rate = Math.round(deliveries / Math.max(seconds, 0.001)).toLocaleString('en')
  return `${percent} %  ${position.toLocaleString('en')} messages  ` +
    `${deliveries.toLocaleString('en')} deliveries  ${rate} deliveries/s`
}
