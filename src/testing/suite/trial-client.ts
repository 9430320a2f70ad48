import type { CloseDetails } from '../../ports/connection.ts'
import type { PublishableMessage } from '../../model/stream-message.ts'
import type { StreamReference } from '../../model/subscription.ts'
import type { HostClient, HostRequest } from '../host.ts'
import { needed } from './capabilities.ts'
import { isCovered, isPrivate, isSameStream } from './messages.ts'
import { describe, type Patience } from './patience.ts'
import { Reception, type Promised } from './reception.ts'

/** A client's label, user and subscriptions, and the kind of delivery that the client is guaranteed. */
export interface ClientProfile {
  readonly label: string
  readonly userId: string
  readonly streams: readonly StreamReference[]
  readonly promised: Promised
}

/** A client of the host under test, and the messages that it should have received. */
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

  /** The streams that the client is subscribed to. */
  get streams(): readonly StreamReference[] {
    return this.#streams
  }

  /** True once the client has seen its connection end. */
  get hasEnded(): boolean {
    return this.#hasEnded
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  get receivedCount(): number {
    return this.#peer.received.length
  }

  /** True if this client should receive a published message. */
  isRecipientOf(message: PublishableMessage): boolean {
    return isCovered(message, this.#streams) && (!isPrivate(message) || message.userId === this.userId)
  }

  expect(message: PublishableMessage): void {
    this.#reception.expect(message)
  }

  /** Waits until the client has received all expected messages. Fails as soon as the client receives any other text. */
  async receivesAll(): Promise<void> {
    await this.#patience.until(`${this.label} receives all that is due`, {
      look: () => this.#look(),
      isAsExpected: (missing) => missing === 0,
      describeSeen: (missing) => `${this.receivedCount} texts, and ${missing} missing`,
    })
  }

  /** Fails if the client has received an unexpected text. */
  receivesNothingElse(): void {
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

  /**
   * Sends a request to subscribe. From now on, the test expects the client to receive the stream. So before you publish, wait until the server has
   * carried out the request.
   */
  async subscribe(stream: StreamReference): Promise<void> {
    await this.ask({ action: 'subscribe', stream })
    this.#streams = [...this.#streams, stream]
  }

  /** Sends a request to unsubscribe. From now on, the test does not expect the client to receive the stream. */
  async unsubscribe(stream: StreamReference): Promise<void> {
    await this.ask({ action: 'unsubscribe', stream })
    this.#streams = this.#streams.filter((each) => !isSameStream(each, stream))
  }

  /** Sends requests. The requests do not change the messages that the client is expected to receive. */
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
  seesItsConnectionEnd(): Promise<void> {
    return this.#patience.within(`${this.label} sees its connection end`, this.#peer.closed)
  }

  /** Waits for the end of the connection, and checks the code and the reason that the client got. */
  async isTold({ code, reason }: CloseDetails): Promise<void> {
    const closedWith = needed('closedWith', this.#peer)
    await this.seesItsConnectionEnd()
    const told = await this.#patience.within(`${this.label} reports why its connection ended`, closedWith())
    if (told?.code === code && told.reason === reason) return
    throw new Error(`Expected that ${this.label} is told ${describe({ code, reason })}, but it was told ${told === undefined ? 'nothing' : describe(told)}`)
  }

  /** Checks the texts that the client has received since the last call. Returns how many messages are missing. */
  #look(): number {
    const { received } = this.#peer
    while (this.#seen < received.length) {
      const text = received[this.#seen++] as string
      const due = this.#reception.see(text)
      if (due !== undefined) throw new Error(`Expected text ${this.#seen} of ${this.label} to be ${due}, but it is ${describe(text)}`)
    }
    return this.#reception.missing
  }
}
