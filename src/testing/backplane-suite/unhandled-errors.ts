const EVENTS = ['unhandledRejection', 'uncaughtException'] as const

interface Process {
  on(event: string, listener: (error: unknown) => void): unknown
  off(event: string, listener: (error: unknown) => void): unknown
}

/** Collects unhandled errors and rejections, if the runtime reports them with the same events as Node. */
export class UnhandledErrors {
  readonly #process = (globalThis as { readonly process?: Partial<Process> }).process
  readonly #errors: unknown[] = []
  readonly #listener = (error: unknown): void => void this.#errors.push(error)

  constructor() {
    if (isProcess(this.#process)) for (const event of EVENTS) this.#process.on(event, this.#listener)
  }

  /** Ends the collection, and returns the errors. The method pauses first, because the runtime reports some errors a little later. */
  async end(pause: () => Promise<void>): Promise<readonly unknown[]> {
    await pause()
    if (isProcess(this.#process)) for (const event of EVENTS) this.#process.off(event, this.#listener)
    return this.#errors
  }
}

function isProcess(process: Partial<Process> | undefined): process is Process {
  return typeof process?.on === 'function' && typeof process.off === 'function'
}
