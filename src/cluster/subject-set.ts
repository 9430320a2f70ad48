import type { Backplane } from '../ports/backplane.ts'

/** The maximum number of subjects in one call to the broker. */
const MOST_SUBJECTS = 500

/**
 * The subjects that this node wants, and the subjects to which it is subscribed at the broker.
 *
 * Only one call to the broker runs at a time. If a subject is wanted or unwanted during a call, this change waits for the next call. So a few calls
 * carry out many changes. If a call fails, all changes wait for `retry`.
 */
export class SubjectSet {
  readonly #backplane: Pick<Backplane, 'subscribe' | 'unsubscribe'>
  readonly #subscribed: (subjects: readonly string[]) => void
  readonly #wanted = new Set<string>()
  readonly #held = new Set<string>()
  /** Subjects to which this node may or may not be subscribed, because a call to the broker is running or has failed. */
  readonly #doubted = new Set<string>()
  /** Subjects whose changes have not been carried out yet. */
  readonly #changed = new Set<string>()
  #running: Promise<void> | undefined
  /** True after a failed call, until `retry` is called. Always true after `stop`. */
  #isPaused = false
  #isStopped = false

  /**
   * `subscribed` is called with wanted subjects once this node is subscribed to them at the broker. This includes subjects to which the node was
   * already subscribed when `want` was called.
   */
  constructor(backplane: Pick<Backplane, 'subscribe' | 'unsubscribe'>, subscribed: (subjects: readonly string[]) => void) {
    this.#backplane = backplane
    this.#subscribed = subscribed
  }

  want(subject: string): void {
    this.#wanted.add(subject)
    this.#change(subject)
  }

  unwant(subject: string): void {
    this.#wanted.delete(subject)
    this.#change(subject)
  }

  /** Carries out the changes that wait because a call to the broker has failed. Does nothing after `stop`. */
  retry(): void {
    this.#isPaused = this.#isStopped
    this.#start()
  }

  /** After this call, no further changes are carried out. Changes that are being carried out already are completed. */
  stop(): void {
    this.#isStopped = true
    this.#isPaused = true
  }

  /**
   * Resolves when the subscriptions at the broker match the wanted subjects, or when a call to the broker has failed. After `stop`, resolves when the
   * running call has ended. Resolves at once if changes wait for `retry`. Never rejects.
   */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  #change(subject: string): void {
    this.#changed.add(subject)
    this.#start()
  }

  #start(): void {
    if (this.#changed.size > 0 && !this.#isPaused) this.#running ??= this.#run()
  }

  async #run(): Promise<void> {
    // Wait for a microtask, so that one call carries out all changes of the running code.
    await undefined
    while (this.#changed.size > 0 && !this.#isPaused) await this.#tryNext()
    this.#running = undefined
  }

  async #tryNext(): Promise<void> {
    const next: string[] = []
    for (const subject of this.#changed) if (next.length < MOST_SUBJECTS) next.push(subject)
    for (const subject of next) this.#changed.delete(subject)
    try {
      await this.#bring(next)
    } catch {
      // The broker is not there.
      for (const subject of next) this.#changed.add(subject)
      this.#isPaused = true
    }
  }

  async #bring(subjects: readonly string[]): Promise<void> {
    await this.#release(subjects.filter((each) => !this.#wanted.has(each) && (this.#held.has(each) || this.#doubted.has(each))))
    await this.#obtain(subjects.filter((each) => this.#wanted.has(each) && !this.#held.has(each)))
    const fulfilled = subjects.filter((each) => this.#wanted.has(each) && this.#held.has(each))
    if (fulfilled.length > 0) this.#subscribed(fulfilled)
  }

  async #release(subjects: readonly string[]): Promise<void> {
    if (subjects.length === 0) return
    for (const subject of subjects) {
      this.#held.delete(subject)
      this.#doubted.add(subject)
    }
    await this.#backplane.unsubscribe(subjects)
    for (const subject of subjects) this.#doubted.delete(subject)
  }

  async #obtain(subjects: readonly string[]): Promise<void> {
    if (subjects.length === 0) return
    for (const subject of subjects) this.#doubted.add(subject)
    await this.#backplane.subscribe(subjects)
    for (const subject of subjects) {
      this.#held.add(subject)
      this.#doubted.delete(subject)
    }
  }
}
