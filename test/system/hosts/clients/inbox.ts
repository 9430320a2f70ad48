import type { StreamReference } from 'stream-connection-manager'
import { commandOf } from './command.ts'

/** What the command server says of itself. A message has no type, and a gap is the manager's. */
const FRAME = /^\{"type":"(welcome|subscribed|unsubscribed|refused|heartbeat|goodbye)"/

/** What a recovery adds to a message. The host suite expects messages without it. */
const POSITION = /,"epoch":"[^"]+","seq":\d+\}$/

/** Frames that answer nothing. */
const UNASKED: readonly (string | undefined)[] = ['heartbeat', 'goodbye']

/** What came to one client: what the manager gave to its socket, and apart from that how the recipe answered. */
export class Inbox {
  readonly received: string[] = []
  /** The server's id of the connection. Empty before the welcome. */
  connectionId = ''
  #answerCount = 0
  #failure: Error | undefined
  #wake = (): void => {}

  readonly take = (text: string): void => {
    const frame = FRAME.exec(text)
    if (frame === null) return void this.received.push(text.replace(POSITION, '}'))
    // A goodbye in place of the welcome: the server drains.
    if (frame[1] === 'goodbye' && this.#answerCount === 0) return this.fail(new Error(`The server refused: ${text}`))
    if (UNASKED.includes(frame[1])) return
    if (frame[1] === 'welcome') this.connectionId = (JSON.parse(text) as { readonly connection_id: string }).connection_id
    if (frame[1] === 'refused') return this.fail(new Error(`The server refused: ${text}`))
    this.#answerCount++
    this.#wake()
  }

  /** No answer is to come any more. */
  readonly fail = (error: Error): void => {
    this.#failure ??= error
    this.#wake()
  }

  /** Resolves once the server has welcomed the client, and subscribed it to these streams; rejects at a refusal. */
  async subscribe(streams: readonly StreamReference[], send: (text: string) => unknown): Promise<void> {
    await this.answers(1)
    for (const stream of streams) send(commandOf({ action: 'subscribe', stream }))
    await this.answers(1 + streams.length)
  }

  /** Resolves once the server has read what this client sent before: it has answered a command that changes nothing. */
  async roundTrip(send: (text: string) => unknown): Promise<void> {
    send(commandOf({ action: 'unsubscribe', stream: { streamType: 'PRICE', symbol: 'of a round trip' } }))
    await this.answers(this.#answerCount + 1)
  }

  /** Resolves once so many answers have come in all; rejects at a refusal, and when no more can come. */
  async answers(count: number): Promise<void> {
    while (this.#answerCount < count) {
      if (this.#failure !== undefined) throw this.#failure
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}
