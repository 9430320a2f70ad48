import { setImmediate as nextTick } from 'node:timers/promises'

const MOST_ROUNDS = 20

/** Knows which of the things that it was shown the garbage collector has left. */
export class Collection {
  readonly #watched = new Map<string, WeakRef<object>[]>()

  /** Notes something that nobody is to hold in the end. */
  watch(kind: string, thing: object): void {
    const refs = this.#watched.get(kind) ?? []
    this.#watched.set(kind, refs)
    refs.push(new WeakRef(thing))
  }

  get size(): number {
    return [...this.#watched.values()].reduce((sum, { length }) => sum + length, 0)
  }

  /** Forgets what has been collected already. */
  prune(): void {
    for (const [kind, refs] of this.#watched) this.#watched.set(kind, refs.filter((ref) => ref.deref() !== undefined))
  }

  /** Collects garbage until all are gone, or no more will be; what is left, by kind. */
  async left(): Promise<string[]> {
    for (let round = 0; round < MOST_ROUNDS && this.size > 0; round++) await this.#collect()
    return Array.from(this.#watched, ([kind, { length }]) => `${length} × ${kind}`).filter((text) => !text.startsWith('0 '))
  }

  /** What was looked at is held until the job is over: so each look is a job of its own. */
  async #collect(): Promise<void> {
    await nextTick()
    collectGarbage()
    await nextTick()
    this.prune()
  }
}

/** @throws without `--expose-gc` */
export function collectGarbage(): void {
  if (globalThis.gc === undefined) throw new Error('node needs --expose-gc')
  globalThis.gc()
}
