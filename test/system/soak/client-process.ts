import { fork, type ChildProcess } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { AuditReport } from './auditor.ts'
import type { FromClients, ToClients } from './clients.ts'

const MODULE = fileURLToPath(new URL('./clients.ts', import.meta.url))

/** The second process, in which the clients live, so that the server's heap is its own. */
export class ClientProcess {
  /** Why it ended, if it has without having been told to. */
  trouble: string | undefined
  readonly #process: ChildProcess
  readonly #onPaused: (client: number) => void
  readonly #milestones = new EventEmitter()
  #isToEnd = false

  constructor(onPaused: (client: number) => void) {
    this.#onPaused = onPaused
    // Structured clones: a text's mark goes once in a batch, whoever got it.
    this.#process = fork(MODULE, { serialization: 'advanced' })
    this.#process.on('message', (message: FromClients) => this.#hear(message))
    this.#process.on('error', ({ message }) => this.#note(message))
    this.#process.on('exit', (code, signal) => this.#note(`ended by itself (${signal ?? `exit code ${code}`})`))
  }

  tell(message: ToClients): void {
    if (this.#process.connected) this.#process.send(message)
  }

  /** Settles when every connection is over, or has had its time; rejects when the process does not live to say so. */
  async report(): Promise<AuditReport> {
    const reported = once(this.#milestones, 'report')
    this.tell({ type: 'report' })
    if (this.trouble !== undefined) this.#note(this.trouble)
    const [report] = (await reported) as [AuditReport]
    return report
  }

  /** Ends it, whatever it does, and settles when it is gone. */
  async end(): Promise<void> {
    this.#isToEnd = true
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const gone = once(this.#process, 'exit')
    this.#process.kill('SIGKILL')
    await gone
  }

  #hear(message: FromClients): void {
    if (message.type === 'paused') this.#onPaused(message.client)
    else this.#milestones.emit('report', message.report)
  }

  #note(what: string): void {
    if (this.#isToEnd) return
    this.trouble ??= `The clients' process ${what}`
    // Nobody listens before the report is asked for.
    if (this.#milestones.listenerCount('error') > 0) this.#milestones.emit('error', new Error(this.trouble))
  }
}
