import { ChildProgram } from './child-program.ts'
import type { Beginning, Entry, FromServer, ToServer } from './messages.ts'

/** A server in a process of its own. It is loaded at once, and begins when it is told to. */
export class ServerProcess {
  /** How many messages it has published, as far as it has said. */
  acknowledgedCount = 0
  readonly #program: ChildProgram<ToServer, FromServer>

  constructor(program: string) {
    this.#program = new ChildProgram(program, 'A server', (message) => {
      if (message.type === 'acknowledged') this.acknowledgedCount += message.count
    })
  }

  get unhandled(): readonly string[] {
    return this.#program.unhandled
  }

  /** Returns the port that it listens on. */
  async begin(beginning: Beginning): Promise<number> {
    const { port } = await this.#program.ask({ type: 'begin', ...beginning }, 'listening')
    return port
  }

  publish(entries: readonly Entry[]): void {
    this.#program.tell({ type: 'publish', entries })
  }

  expire(client: number, token: number, code: number): void {
    this.#program.tell({ type: 'expire', client, token, code })
  }

  /** Returns how many clients stayed. */
  async drain(withinMs: number): Promise<number> {
    const { stayed } = await this.#program.ask({ type: 'drain', withinMs }, 'drained')
    return stayed
  }

  /** Has it end by itself. Returns what it exported, as soon as it has. */
  async leave(): Promise<string | undefined> {
    this.#program.mayEnd()
    const { history } = await this.#program.ask({ type: 'leave' }, 'left')
    return history
  }

  suspend(): void {
    this.#program.suspend()
  }

  resume(): void {
    this.#program.resume()
  }

  /** Ends it, whatever it does. */
  kill(): Promise<void> {
    return this.#program.kill()
  }
}
