import type { ConnectionCounts, MeasuredManager } from './manager-series.ts'

/** Manager → its counter. The counter stays when the measuring ends, so that no count falls if the manager is measured again. */
const counterOf = /* @__PURE__ */ new WeakMap<object, ConnectionCounter>()

/**
 * Counts the connections of a manager that are added and removed while the manager is measured. If the manager is measured several times at once, all
 * measurements share these counts.
 */
export class ConnectionCounter {
  readonly counts: ConnectionCounts = { added: 0, removed: { removed: 0, 'peer-closed': 0, 'send-failed': 0, 'slow-consumer': 0, cleanup: 0 } }
  readonly #manager: MeasuredManager
  /** How many measurements are running: calls of `start` whose returned function has not been called yet. */
  #users = 0
  #removers: (() => void)[] = []

  static of(manager: MeasuredManager): ConnectionCounter {
    const counter = counterOf.get(manager) ?? new ConnectionCounter(manager)
    counterOf.set(manager, counter)
    return counter
  }

  private constructor(manager: MeasuredManager) {
    this.#manager = manager
  }

  /** Counts until the returned function is called. Call that function once. */
  start(): () => void {
    if (this.#users++ === 0) this.#listen()
    return () => {
      if (--this.#users > 0) return
      for (const remove of this.#removers.splice(0)) remove()
    }
  }

  #listen(): void {
    const { counts } = this
    this.#removers = [
      this.#manager.on('connectionAdded', () => void counts.added++),
      this.#manager.on('connectionRemoved', ({ reason }) => void counts.removed[reason]++),
    ]
  }
}
