import { ManualClock } from '../../support/manual-clock.ts'

/** A manual clock on which a whole process can stand still: afterwards all that fell due meanwhile happens at once, late. */
export class FaultyClock extends ManualClock {
  /** During a pause, how far the time of the timers lies behind. */
  #heldUntilMs = 0

  override monotonic(): number {
    return Math.max(super.monotonic(), this.#heldUntilMs)
  }

  override setTimeout(fn: () => void, ms: number): () => void {
    return super.setTimeout(fn, ms + this.monotonic() - super.monotonic())
  }

  /** Lets time pass in which nothing can happen: a laptop's lid is shut, a virtual machine is frozen. */
  pause(ms: number): void {
    this.#heldUntilMs = super.monotonic() + ms
    this.advance(ms)
  }
}
