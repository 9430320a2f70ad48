import { Queue } from '../collections/queue.ts'
import type { ChangeNumbers } from './change-numbers.ts'
import { Events } from './events.ts'

/**
 * Makes each change of a manager whole, in three steps: change the state, settle, tell the listeners.
 *
 * To settle is to do what would have been wrong in the middle of the change: remove the connections whose sockets failed, stop the hooks
 * of transports, and deliver what user code published meanwhile. Sockets, transports, listeners and serializers are user code, and any of
 * it may publish. While messages are handed to sockets, such a publish waits its turn, so every connection sees messages in one order.
 */
export class Changes {
  readonly events: Events
  readonly #numbers: ChangeNumbers = { current: 0, latest: 0 }
  /** Whether messages are being handed to sockets. Only `Changes` sets it. */
  isSending = false
  #hasNews = false
  #afterwards: (() => void)[] = []
  readonly #postponed = new Queue<() => void>()
  /** How many were postponed since the outermost sending began. */
  postponedCount = 0

  constructor() {
    this.events = new Events(this.#numbers)
  }

  /** Makes a change, and tells the listeners what was posted during it. One that is made within another one is a change of its own. */
  make<TOutcome>(change: () => TOutcome): TOutcome {
    const outer = this.#begin()
    try {
      return change()
    } finally {
      if (!this.isSending && this.#afterwards.length > 0) this.send(() => {})
      this.events.flush()
      this.#numbers.current = outer
    }
  }

  /** As `make`, but as a part of the running change if there is one: for what comes of it. */
  continue(act: () => void): void {
    if (this.#numbers.current === 0) return this.make(act)
    act()
    this.events.flush()
  }

  /** Hands messages to sockets, in the running change if there is one. What user code publishes meanwhile follows. */
  send(act: () => void): void {
    if (this.isSending) return act()
    const outer = this.#numbers.current
    if (outer === 0) this.#begin()
    this.isSending = true
    try {
      act()
    } finally {
      this.#settleAll()
      this.#numbers.current = outer
    }
  }

  /** As `make` with a `send` in it, for `publish`, where two functions a message cost too much. Returns what `endSending` needs. */
  beginSending(): number {
    const numbers = this.#numbers
    const outer = numbers.current
    numbers.current = ++numbers.latest
    this.isSending = true
    return outer
  }

  endSending(outer: number): void {
    if (this.#afterwards.length > 0 || this.#hasNews || this.postponedCount > 0) this.#settleAll()
    this.isSending = false
    this.#numbers.current = outer
  }

  /** Does something as soon as the messages that are being handed to sockets are there. */
  afterwards(act: () => void): void {
    this.#afterwards.push(act)
  }

  /** Has the listeners told what was posted as soon as the messages that are being handed to sockets are there. */
  tellAfterwards(): void {
    this.#hasNews = true
  }

  /** Makes a change once the running one has settled, after those that were postponed before. */
  postpone(change: () => void): void {
    this.#postponed.push(change)
  }

  #settleAll(): void {
    try {
      this.#settle()
      for (let change = this.#postponed.shift(); change !== undefined; change = this.#postponed.shift()) this.#makePostponed(change)
    } finally {
      this.postponedCount = 0
      this.isSending = false
    }
  }

  #makePostponed(change: () => void): void {
    const outer = this.#begin()
    try {
      change()
      this.#settle()
    } finally {
      this.#numbers.current = outer
    }
  }

  /** Does what had to wait, and what comes of that. */
  #settle(): void {
    while (this.#afterwards.length > 0 || this.#hasNews) {
      const acts = this.#afterwards
      this.#afterwards = []
      for (const act of acts) act()
      this.#hasNews = false
      this.events.flush()
    }
  }

  /** Begins a change. Returns the number of the outer one, to be set again at the end. */
  #begin(): number {
    const outer = this.#numbers.current
    this.#numbers.current = ++this.#numbers.latest
    return outer
  }
}
