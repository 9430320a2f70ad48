import type { PublishableMessage } from '../../model/stream-message.ts'
import type { StreamReference } from '../../model/subscription.ts'
import type { HostClient, HostRequest } from '../host.ts'
import { needed } from './capabilities.ts'
import { isCovered, isPrivate, isSameStream } from './messages.ts'
import { describe, type Patience } from './patience.ts'
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
  readonly label: string
  readonly userId: string
  readonly #peer: HostClient
  readonly #patience: Patience
  readonly #reception: Reception
  #streams: readonly StreamReference[]
  #seen = 0
  #isPaused = false
  #hasEnded = false

  constructor({ label, userId, streams, promised }: ClientProfile, peer: HostClient, patience: Patience) {
    this.label = label
    this.userId = userId
    this.#streams = streams
    this.#peer = peer
    this.#patience = patience
    this.#reception = new Reception(promised)
    void peer.closed.then(() => (this.#hasEnded = true))
  }

  /** What it is subscribed to. */
  get streams(): readonly StreamReference[] {
    return this.#streams
  }

  /** Whether it has seen its connection end. */
  get hasEnded(): boolean {
    return this.#hasEnded
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  get receivedCount(): number {
    return this.#peer.received.length
  }

  /** Whether a published message is this client's to receive. */
  isRecipientOf(message: PublishableMessage): boolean {
    return isCovered(message, this.#streams) && (!isPrivate(message) || message.userId === this.userId)
  }

  expect(message: PublishableMessage): void {
    this.#reception.expect(message)
  }

  /** Waits until all came that should have; fails as soon as something else comes. */
  async receivesAll(): Promise<void> {
    await this.#patience.until(`${this.label} receives all that is due`, {
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
    return this.#patience.within(`${this.label} closes its connection`, this.#peer.close())
  }

  destroy(): Promise<void> {
    return this.#patience.within(`${this.label} destroys its connection`, this.#peer.destroy())
  }

  async pause(): Promise<void> {
    await this.#patience.within(`${this.label} pauses`, this.#peer.pause())
    this.#isPaused = true
  }

  async resume(): Promise<void> {
    this.#isPaused = false
    await this.#patience.within(`${this.label} resumes`, this.#peer.resume())
  }

  /** Asks for a stream. The client should receive it from now on, so the server has to carry this out before anything is published. */
  async subscribe(stream: StreamReference): Promise<void> {
    await this.ask({ action: 'subscribe', stream })
    this.#streams = [...this.#streams, stream]
  }

  /** Asks for a stream no longer. */
  async unsubscribe(stream: StreamReference): Promise<void> {
    await this.ask({ action: 'unsubscribe', stream })
    this.#streams = this.#streams.filter((each) => !isSameStream(each, stream))
  }

  /** Sends a request that does not change what the client should receive. */
  ask(...requests: readonly HostRequest[]): Promise<void> {
    const ask = needed('ask', this.#peer)
    const asking = async (): Promise<void> => {
      for (const request of requests) await ask(request)
    }
    return this.#patience.within(`${this.label} asks`, asking())
  }

  send(text: string): Promise<void> {
    return this.#patience.within(`${this.label} sends a text`, needed('send', this.#peer)(text))
  }

  sendBytes(bytes: Uint8Array): Promise<void> {
    return this.#patience.within(`${this.label} sends bytes`, needed('sendBytes', this.#peer)(bytes))
  }

  async freeze(): Promise<void> {
    await this.#patience.within(`${this.label} falls silent`, needed('freeze', this.#peer)())
    this.#isPaused = true
  }

  /** Waits until the client sees that its connection has ended. */
  seesItsEnd(): Promise<void> {
    return this.#patience.within(`${this.label} sees its connection end`, this.#peer.closed)
  }

  /** Looks at what came since the last time; returns how much is missing. */
  #look(): number {
    const { received } = this.#peer
    while (this.#seen < received.length) {
      const text = received[this.#seen++] as string
      const due = this.#reception.see(text)
      if (due !== undefined) throw new Error(`Expected text ${this.#seen} of ${this.label} to be ${due}; it is ${describe(text)}`)
    }
    return this.#reception.missing
  }
}
