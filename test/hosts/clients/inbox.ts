import type { StreamReference } from 'stream-connection-manager'
import type { Command } from '../../../examples/hosts/protocol.ts'

const ANSWER = /^\{"type":"(?:welcome|subscribed|unsubscribed|refused)"/

/** What came to one client: what the manager gave to its socket, and apart from that how the recipe answered. */
export class Inbox {
  readonly received: string[] = []
  #answerCount = 0
  #failure: Error | undefined
  #wake = (): void => {}

  readonly take = (text: string): void => {
    if (!ANSWER.test(text)) return void this.received.push(text)
    if (text.startsWith('{"type":"refused"')) return this.fail(new Error(`The server refused: ${text}`))
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
    for (const { streamType, symbol } of streams) {
      send(JSON.stringify({ command: 'subscribe', streamType, symbol: symbol ?? undefined } satisfies Command))
    }
    await this.answers(1 + streams.length)
  }

  /** Resolves once so many answers have come in all; rejects at a refusal, and when no more can come. */
  async answers(count: number): Promise<void> {
    while (this.#answerCount < count) {
      if (this.#failure !== undefined) throw this.#failure
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}
