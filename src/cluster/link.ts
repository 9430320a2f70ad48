import { adopted, isThenable } from '../guards/user-code.ts'
import type { Backplane } from '../ports/backplane.ts'
import type { Clock } from '../time/clock.ts'
import { encodeFrame } from './envelope.ts'
import type { Frame } from './frame.ts'

export interface LinkDependencies {
  readonly backplane: Backplane
  readonly clock: Clock
  /** The name of this node, and the subject that only this node is subscribed to. */
  readonly node: string
  readonly subject: string
  readonly probeMs: number
  readonly maxUnconfirmedBytes: number
  /** Called when the broker is proven to work again, and when it does not work any more. */
  changed(isUp: boolean): void
}

/** A message of this node to itself that has not come back yet. */
interface Probe {
  readonly number: number
  readonly sentAtMs: number
  /** True once the client of the broker has sent it, or has failed to. */
  isHandedOver: boolean
}

/**
 * The way to the broker.
 *
 * It is up if a probe, a message of this node to itself, comes back. That also confirms everything that was sent before the probe. A client of a
 * broker reports a lost connection late, and a new one early, so nothing else proves that the broker works. There is one probe at a time.
 *
 * If too much is unconfirmed, or the link is down, nothing is sent. So nothing piles up in the client of the broker while the broker is stuck. The
 * other nodes ask for what they miss once they know of it.
 */
export class Link {
  downs = 0
  readonly #dependencies: LinkDependencies
  #isUp = false
  /** Units that were sent, and units that are known to have reached the broker. */
  #sentUnits = 0
  #confirmedUnits = 0
  #probe: Probe | undefined
  #probeCount = 0
  /** True if the client has its broker since the last probe, which may have been lost before. */
  #isProbeDue = false
  #roundTripMs = 0
  #cancelTimer: (() => void) | undefined
  #isClosed = false

  constructor(dependencies: LinkDependencies) {
    this.#dependencies = dependencies
  }

  get isUp(): boolean {
    return this.#isUp
  }

  /** How long the last probe took. */
  get roundTripMs(): number {
    return this.#roundTripMs
  }

  get unconfirmedUnits(): number {
    return this.#sentUnits - this.#confirmedUnits
  }

  /** A mark for `isConfirmed`: everything that was sent up to now. */
  get mark(): number {
    return this.#sentUnits
  }

  /** True if everything that was sent before the mark has reached the broker. */
  isConfirmed(mark: number): boolean {
    return this.#confirmedUnits >= mark
  }

  /** Sends probes from now on. */
  start(): void {
    this.#tick()
  }

  stop(): void {
    this.#isClosed = true
    this.#isUp = false
    this.#cancelTimer?.()
  }

  /** Sends a frame. Returns false if it could not be sent. Then the frame is lost. */
  send(subject: string, frame: Frame): boolean {
    const { maxUnconfirmedBytes } = this.#dependencies
    if (!this.#isUp || this.unconfirmedUnits > maxUnconfirmedBytes) return false
    const isSent = this.#hand(subject, encodeFrame(frame))
    // A large part is unconfirmed, so do not wait for the next turn.
    if (this.unconfirmedUnits > maxUnconfirmedBytes / 4 && this.#probe === undefined) this.#sendProbe()
    return isSent
  }

  /** What the client of the broker says of its connection. */
  reported(isUp: boolean): void {
    if (!isUp) this.#fall()
    else if (this.#probe?.isHandedOver !== false) this.#sendProbe()
    else this.#isProbeDue = true
  }

  /** A probe came back. */
  echoed(number: number, units: number): void {
    if (number > this.#probeCount || this.#isClosed) return
    if (this.#probe?.number === number) {
      this.#roundTripMs = this.#dependencies.clock.monotonic() - this.#probe.sentAtMs
      this.#probe = undefined
    }
    this.#confirmedUnits = Math.max(this.#confirmedUnits, Math.min(units, this.#sentUnits))
    if (this.#isUp) return
    this.#isUp = true
    this.#dependencies.changed(true)
  }

  #tick(): void {
    if (this.#isClosed) return
    const { clock, probeMs } = this.#dependencies
    const probe = this.#probe
    const isLate = probe !== undefined && clock.monotonic() - probe.sentAtMs >= 2 * probeMs
    if (isLate) this.#fall()
    // One that the client still has is not followed by another: they would pile up there.
    if (probe === undefined || (isLate && probe.isHandedOver)) this.#sendProbe()
    this.#cancelTimer = clock.setTimeout(() => this.#tick(), probeMs)
  }

  #sendProbe(): void {
    const { clock, node, subject } = this.#dependencies
    const probe: Probe = { number: ++this.#probeCount, sentAtMs: clock.monotonic(), isHandedOver: false }
    this.#probe = probe
    this.#isProbeDue = false
    this.#hand(subject, encodeFrame({ kind: 'probe', node, number: probe.number, units: this.#sentUnits }), () => this.#handedOver(probe))
  }

  #handedOver(probe: Probe): void {
    probe.isHandedOver = true
    if (this.#isProbeDue && this.#probe === probe && !this.#isClosed) this.#sendProbe()
  }

  /** Hands a text to the client of the broker, which is user code. `done` is called when the client has sent the text, or has failed to. */
  #hand(subject: string, text: string, done: () => void = () => {}): boolean {
    this.#sentUnits += text.length
    try {
      const answer = this.#dependencies.backplane.publish(subject, text)
      if (!isThenable(answer)) done()
      else adopted(answer).then(done, () => this.#failed(done))
      return true
    } catch {
      this.#failed(done)
      return false
    }
  }

  #failed(done: () => void): void {
    done()
    this.#fall()
  }

  #fall(): void {
    if (!this.#isUp || this.#isClosed) return
    this.#isUp = false
    this.downs++
    this.#dependencies.changed(false)
  }
}
