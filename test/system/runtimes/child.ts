import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { FOLDER } from './programs.ts'

/** Only what hangs is killed by it. */
const DEADLINE_MS = 10_000

/** A process that tells what it has to tell line by line, and ends at the end of its standard input: so it does not outlive this one. */
export class Child {
  readonly #program: string
  readonly #process: ChildProcess
  readonly #exited: Promise<unknown>
  readonly #lines: AsyncIterator<string>

  /** `outputFd` is the file descriptor of the lines. */
  constructor(program: string, args: readonly string[], { stdio, outputFd }: { readonly stdio: StdioOptions; readonly outputFd: number }) {
    this.#program = program
    this.#process = spawn(program, args, { cwd: FOLDER, stdio })
    this.#exited = once(this.#process, 'exit')
    this.#exited.catch(() => {})
    this.#process.stdin?.on('error', () => {}) // of one that has ended: `nextLine` tells
    this.#lines = createInterface({ input: this.#process.stdio[outputFd] as Readable })[Symbol.asyncIterator]()
  }

  /** The next line; those who ask get theirs in the order in which they asked. Rejects when there is none to come. */
  async nextLine(): Promise<string> {
    const { done, value } = await this.#lines.next()
    if (done !== true) return value
    await this.#exited
    throw new Error(`${this.#program} ended with ${this.#outcome}`)
  }

  say(line: string): void {
    this.#process.stdin?.write(`${line}\n`)
  }

  /** Ends its input, and waits for its end. Rejects when that is a failure, or has to be forced. */
  async end(): Promise<void> {
    this.#process.stdin?.end()
    const deadline = setTimeout(() => this.#process.kill('SIGKILL'), DEADLINE_MS)
    await this.#exited
    clearTimeout(deadline)
    if (this.#process.exitCode !== 0) throw new Error(`${this.#program} ended with ${this.#outcome}`)
  }

  get #outcome(): string {
    const { exitCode, signalCode } = this.#process
    return signalCode ?? `exit code ${exitCode}`
  }
}
