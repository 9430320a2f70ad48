import { isThenable } from '../guards/user-code.ts'
import type { Backplane } from '../ports/backplane.ts'
import type { Clock } from '../time/clock.ts'
import { encodeFrame } from './envelope.ts'
import type { Frame } from './frame.ts'

export interface LinkDependencies {
  readonly backplane: Backplane
  readonly clock: Clock
  /** `node` is the name of this node. `subject` is the subject to which only this node is subscribed. */
  readonly node: string
  readonly subject: string
  readonly probeMs: number
  readonly maxUnconfirmedBytes: number
  /** Called when the link goes up, because a probe has come back, and when the link goes down. */
  changed(isUp: boolean): void
}

/** A probe that has not come back yet. A probe is a message of this node to itself. */
interface Probe {
  readonly number: number
  readonly sentAtMs: number
  /** True once the broker's client has sent the probe, or has failed to send it. */
  isHandedOver: boolean
}

/**
 * The link of this node to the broker.
 *
 * A probe is a message of this node to itself. When a probe comes back, the link is up, and everything that was sent before the probe is confirmed.
 * Nothing else proves that the broker works, because a broker's client reports a lost connection late and a new connection early. The link sends the
 * next probe only if the last one has come back, or if the broker's client no longer holds the last one and it is late or may be lost.
 *
 * If too many UTF-16 units are unconfirmed, or if the link is down, the link sends only probes, and discards all other frames. So no other frames
 * pile up in the broker's client while the broker is stuck. When another node notices that messages are missing, it asks for them.
 */
export class Link {
  downs = 0
  readonly #dependencies: LinkDependencies
  #isUp = false
  /** How many UTF-16 units were sent, and how many of these were sent before the last probe that has come back. */
  #sentUnits = 0
  #confirmedUnits = 0
  #probe: Probe | undefined
  #probeCount = 0
  /** True if `reported(true)` was called while the broker's client still held the last probe. That probe may be lost, so another one is due. */
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

  /** Milliseconds from sending a probe until it came back, for the last probe that came back. */
  get roundTripMs(): number {
    return this.#roundTripMs
  }

  get unconfirmedUnits(): number {
    return this.#sentUnits - this.#confirmedUnits
  }

  /** A mark that stands for everything that was sent up to now. Pass the mark to `isConfirmed`. */
  get mark(): number {
    return this.#sentUnits
  }

  /**
   * True if a probe has come back that was sent after the mark was read. Then everything that was sent before the mark has reached the broker, unless
   * the link was down in between.
   */
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

  /**
   * Hands a frame to the broker's client. Returns false if the link discards the frame, or if the client throws. The link does not send the frame
   * again.
   */
  send(subject: string, frame: Frame): boolean {
    return this.sendText(subject, encodeFrame(frame))
  }

  /** Hands an encoded frame to the broker's client, like `send`. */
  sendText(subject: string, text: string): boolean {
    const { maxUnconfirmedBytes } = this.#dependencies
    if (!this.#isUp || this.unconfirmedUnits > maxUnconfirmedBytes) return false
    const isSent = this.#hand(subject, text)
    // Much is unconfirmed, so do not wait until the timer sends the next probe.
    if (this.unconfirmedUnits > maxUnconfirmedBytes / 4 && this.#probe === undefined) this.#sendProbe()
    return isSent
  }

  /**
   * Call when the broker's client reports that its connection is up or down. Also call with `true` once this node is subscribed to its own subject,
   * because before that no probe can come back.
   */
  reported(isUp: boolean): void {
    if (!isUp) this.#fall()
    else if (this.#probe?.isHandedOver !== false) this.#sendProbe()
    else this.#isProbeDue = true
  }

  /** Call when a probe has come back. */
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
    // Do not send another probe while the broker's client still holds one, because probes would pile up there.
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

  /** Hands a text to the broker's client, which is user code. Calls `done` when the client has sent the text, or has failed to send it. */
  #hand(subject: string, text: string, done?: () => void): boolean {
    this.#sentUnits += text.length
    try {
      const answer = this.#dependencies.backplane.publish(subject, text)
      if (isThenable(answer)) void answer.then(done, () => this.#failed(done))
      else done?.()
      return true
    } catch {
      this.#failed(done)
      return false
    }
  }

  #failed(done: (() => void) | undefined): void {
    done?.()
    this.#fall()
  }

  #fall(): void {
    if (!this.#isUp || this.#isClosed) return
    this.#isUp = false
    this.downs++
    this.#dependencies.changed(false)
  }
}
