import type { PublishableMessage } from '../../streams/stream-message.ts'
import type { StreamReference } from '../../streams/subscription.ts'
import type { HostClient } from '../host.ts'
import { isCovered, isPrivate } from './messages.ts'
import { shown, type Patience } from './patience.ts'
import { Reception, type Promised } from './reception.ts'

/** Who a client is, what it subscribed to, and what it may rely on. */
export interface ClientProfile {
  readonly label: string
  readonly userId: string
  readonly streams: readonly StreamReference[]
  readonly promised: Promised
}

/** A client of the host that is tried out, and what it should have received so far. */
export class TrialClient {
  readonly userId: string
  readonly streams: readonly StreamReference[]
  readonly #label: string
  readonly #peer: HostClient
  readonly #patience: Patience
  readonly #reception: Reception
  #seen = 0
  #isPaused = false

  constructor({ label, userId, streams, promised }: ClientProfile, peer: HostClient, patience: Patience) {
    this.userId = userId
    this.streams = streams
    this.#label = label
    this.#peer = peer
    this.#patience = patience
    this.#reception = new Reception(promised)
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  get receivedCount(): number {
    return this.#peer.received.length
  }

  /** Whether a published message is this client's to receive. */
  isRecipientOf(message: PublishableMessage): boolean {
    return isCovered(message, this.streams) && (!isPrivate(message) || message.userId === this.userId)
  }

  expect(message: PublishableMessage): void {
    this.#reception.expect(message)
  }

  /** Waits until all came that should have; fails as soon as something else comes. */
  async receivesAll(): Promise<void> {
    await this.#patience.until(`${this.#label} receives all that is due`, {
      look: () => this.#look(),
      isAsExpected: (missing) => missing === 0,
      told: (missing) => `${this.receivedCount} texts, and ${missing} missing`,
    })
  }

  /** Fails when something came that should not have. */
  receivedNothingElse(): void {
    this.#look()
  }

  close(): Promise<void> {
    return this.#patience.within(`${this.#label} closes its connection`, this.#peer.close())
  }

  destroy(): Promise<void> {
    return this.#patience.within(`${this.#label} destroys its connection`, this.#peer.destroy())
  }

  async pause(): Promise<void> {
    await this.#patience.within(`${this.#label} pauses`, this.#peer.pause())
    this.#isPaused = true
  }

  async resume(): Promise<void> {
    this.#isPaused = false
    await this.#patience.within(`${this.#label} resumes`, this.#peer.resume())
  }

  /** Waits until the client sees that its connection has ended. */
  seesItsEnd(): Promise<void> {
    return this.#patience.within(`${this.#label} sees its connection end`, this.#peer.closed)
  }

  /** Looks at what came since the last time; returns how much is missing. */
  #look(): number {
    const { received } = this.#peer
    while (this.#seen < received.length) {
      const text = received[this.#seen++] as string
      const due = this.#reception.see(text)
      if (due !== undefined) throw new Error(`Expected text ${this.#seen} of ${this.#label} to be ${due}; it is ${shown(text)}`)
    }
    return this.#reception.missing
  }
}
