import type { ChildProcess } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { end, start } from './children.ts'
import type { Beginning, Entry, FromServer, ToServer } from './messages.ts'

/** A server in a process of its own. It is loaded at once, and begins when it is told to. */
export class ServerProcess {
  /** How many messages it has published, as far as it has said. */
  acknowledgedCount = 0
  readonly unhandled: string[] = []
  readonly #process: ChildProcess
  readonly #answers = new EventEmitter()
  #isToEnd = false

  constructor(program: string) {
    this.#process = start(program)
    this.#process.on('message', (message: FromServer) => this.#hear(message))
    this.#process.once('exit', (code, signal) => {
      if (!this.#isToEnd) this.#fail(`A server ended by itself (${signal ?? `exit code ${code}`})`)
    })
  }

  /** Returns the port that it listens on. */
  async begin(beginning: Beginning): Promise<number> {
    const { port } = await this.#ask({ type: 'begin', ...beginning }, 'listening')
    return port
  }

  publish(entries: readonly Entry[]): void {
    this.#tell({ type: 'publish', entries })
  }

  expire(client: number, token: number, code: number): void {
    this.#tell({ type: 'expire', client, token, code })
  }

  /** Returns how many clients stayed. */
  async drain(withinMs: number): Promise<number> {
    const { stayed } = await this.#ask({ type: 'drain', withinMs }, 'drained')
    return stayed
  }

  /** Has it end by itself. Returns what it exported, as soon as it has. */
  async leave(): Promise<string | undefined> {
    this.#isToEnd = true
    const { history } = await this.#ask({ type: 'leave' }, 'left')
    return history
  }

  suspend(): void {
    this.#process.kill('SIGSTOP')
  }

  resume(): void {
    this.#process.kill('SIGCONT')
  }

  /** Ends it, whatever it does. */
  kill(): Promise<void> {
    this.#isToEnd = true
    return end(this.#process)
  }

  async #ask<TType extends FromServer['type']>(message: ToServer, type: TType): Promise<Extract<FromServer, { type: TType }>> {
    const answered = once(this.#answers, type)
    this.#tell(message)
    const [answer] = (await answered) as [Extract<FromServer, { type: TType }>]
    return answer
  }

  /** Whoever waits for an answer waits no longer. */
  #fail(error: string): void {
    this.unhandled.push(error)
    if (this.#answers.listenerCount('error') > 0) this.#answers.emit('error', new Error(error))
  }

  #tell(message: ToServer): void {
    // It may be gone, which its exit tells.
    if (this.#process.connected) this.#process.send(message, () => {})
  }

  #hear(message: FromServer): void {
    if (message.type === 'acknowledged') this.acknowledgedCount += message.count
    else if (message.type === 'unhandled') this.#fail(message.error)
    else this.#answers.emit(message.type, message)
  }
}
