/** Ten times a second is as much as anybody can read. */
const LEAST_GAP_MS = 100

/** Paints what changed, however much that is, only as often as it can be read, and not at all where nobody looks. */
export class Painter {
  #paint
  #isDue = false
  #paintedAt = 0

  /** @param {() => void} paint */
  constructor(paint) {
    this.#paint = paint
  }

  paint() {
    this.#isDue = false
    this.#paintedAt = performance.now()
    this.#paint()
  }

  paintSoon() {
    if (this.#isDue) return
    this.#isDue = true
    const waitMs = Math.max(0, LEAST_GAP_MS - (performance.now() - this.#paintedAt))
    setTimeout(() => requestAnimationFrame(() => this.#isDue && this.paint()), waitMs)
  }
}
