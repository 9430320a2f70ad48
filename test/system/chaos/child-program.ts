import type { ChildProcess } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { end, start } from '../../support/children.ts'

/** A program that something was not caught in. */
interface Unhandled {
  readonly type: 'unhandled'
  readonly error: string
}

/** A program in a process of its own: it is told things, asked, and answers. */
export class ChildProgram<TTo extends { readonly type: string }, TFrom extends { readonly type: string }> {
  readonly process: ChildProcess
  readonly unhandled: string[] = []
  readonly #answers = new EventEmitter()
  #isToEnd = false

  /**
   * @param hear gets each message that the program sends, except what is unhandled
   * @param execArgv options for Node
   */
  constructor(program: string, what: string, hear: (message: TFrom) => void = () => {}, execArgv: readonly string[] = []) {
    this.process = start(program, execArgv)
    this.process.on('message', (message: TFrom | Unhandled) => {
      if (isUnhandled(message)) return this.#fail(message.error)
      hear(message)
      this.#answers.emit(message.type, message)
    })
    this.process.once('exit', (code, signal) => {
      const end = `${what} ended by itself (${signal ?? `exit code ${code}`})`
      if (!this.#isToEnd) return this.#fail(end)
      this.#release(end)
    })
  }

  tell(message: TTo): void {
    // It may be gone, which its exit tells.
    if (this.process.connected) this.process.send(message, () => {})
  }

  /** Returns the next answer of this type. */
  async ask<TType extends TFrom['type']>(message: TTo, type: TType): Promise<Extract<TFrom, { type: TType }>> {
    const answered = once(this.#answers, type)
    this.tell(message)
    const [answer] = (await answered) as [Extract<TFrom, { type: TType }>]
    return answer
  }

  suspend(): void {
    this.process.kill('SIGSTOP')
  }

  resume(): void {
    this.process.kill('SIGCONT')
  }

  /** From now on, its end is no failure. */
  mayEnd(): void {
    this.#isToEnd = true
  }

  /** Ends it, whatever it does. */
  kill(): Promise<void> {
    this.#isToEnd = true
    return end(this.process)
  }

  #fail(error: string): void {
    this.unhandled.push(error)
    this.#release(error)
  }

  /** Whoever waits for an answer waits no longer. */
  #release(error: string): void {
    if (this.#answers.listenerCount('error') > 0) this.#answers.emit('error', new Error(error))
  }
}

function isUnhandled(message: { readonly type: string }): message is Unhandled {
  return message.type === 'unhandled'
}
