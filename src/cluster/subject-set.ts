import type { Backplane } from './backplane.ts'

/** The broker gets this many subjects at once. */
const MOST_SUBJECTS = 500

/**
 * The subjects that this node is subscribed to, and those that it wants.
 *
 * One call to the broker runs at a time. What is wanted meanwhile waits for the next one, so many wishes make few calls. If a call fails, the set
 * waits for `retry`.
 */
export class SubjectSet {
  readonly #backplane: Pick<Backplane, 'subscribe' | 'unsubscribe'>
  readonly #subscribed: (subjects: readonly string[]) => void
  readonly #wanted = new Set<string>()
  readonly #held = new Set<string>()
  /** What changed since the last call to the broker. */
  readonly #changed = new Set<string>()
  #running: Promise<void> | undefined
  #hasFailed = false

  /** `subscribed` is called when the broker has taken subscriptions. */
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

  /** True if the broker has this subscription. */
  has(subject: string): boolean {
    return this.#held.has(subject)
  }

  /** Tries again what failed. */
  retry(): void {
    if (!this.#hasFailed) return
    this.#hasFailed = false
    for (const subject of this.#wanted) if (!this.#held.has(subject)) this.#changed.add(subject)
    for (const subject of this.#held) if (!this.#wanted.has(subject)) this.#changed.add(subject)
    this.#start()
  }

  /** Resolves when the broker has what is wanted now, or a call has failed. Never rejects. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  #change(subject: string): void {
    if (this.#wanted.has(subject) === this.#held.has(subject)) this.#changed.delete(subject)
    else this.#changed.add(subject)
    this.#start()
  }

  #start(): void {
    if (this.#changed.size > 0) this.#running ??= this.#run().then(() => this.#ended())
  }

  async #run(): Promise<void> {
    // In a microtask, so that the wishes of one turn go together.
    await undefined
    try {
      while (this.#changed.size > 0) await this.#bring(this.#next())
    } catch {
      // The broker is not there.
      this.#changed.clear()
      this.#hasFailed = true
    }
  }

  #ended(): void {
    this.#running = undefined
    this.#start()
  }

  #next(): readonly string[] {
    const next: string[] = []
    for (const subject of this.#changed) if (next.length < MOST_SUBJECTS) next.push(subject)
    for (const subject of next) this.#changed.delete(subject)
    return next
  }

  async #bring(subjects: readonly string[]): Promise<void> {
    const lost = subjects.filter((each) => !this.#wanted.has(each) && this.#held.has(each))
    const gained = subjects.filter((each) => this.#wanted.has(each) && !this.#held.has(each))
    if (lost.length > 0) await this.#backplane.unsubscribe(lost)
    for (const subject of lost) this.#held.delete(subject)
    if (gained.length > 0) await this.#backplane.subscribe(gained)
    for (const subject of gained) this.#held.add(subject)
    // A wish may have changed meanwhile.
    for (const subject of subjects) if (this.#wanted.has(subject) !== this.#held.has(subject)) this.#changed.add(subject)
    if (gained.length > 0) this.#subscribed(gained.filter((each) => this.#wanted.has(each)))
  }
}
