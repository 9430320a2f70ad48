import { Queue } from '../collections/queue.ts'
import { ConnectionManagerError } from '../errors.ts'
import { disown, isThenable } from '../guards/user-code.ts'
import type { ChangeNumbers } from './change-numbers.ts'
import { Events } from './events.ts'

/** @throws `ERR_INVALID_ARGUMENT` for a promise, because a batch cannot wait for a promise */
function synchronous<TOutcome>(outcome: TOutcome): TOutcome {
  if (!isPromise(outcome)) return outcome
  disown(outcome)
  throw new ConnectionManagerError('ERR_INVALID_ARGUMENT', 'The function of a batch must not return a promise, because a batch is synchronous')
}

function isPromise(outcome: unknown): boolean {
  try {
    return isThenable(outcome)
  } catch {
    return false
  }
}

/**
 * Makes the changes of a manager. A change has three steps: it changes the state, it settles, and it calls the listeners.
 *
 * Settling is the work that has to wait while messages are handed to sockets. It removes connections whose sockets failed, removes drain listeners,
 * sends status notices to new subscribers, and delivers deferred messages.
 *
 * Sockets, transports, listeners and serializers are user code, and may publish. If user code publishes a message while other messages are handed to
 * sockets, the new message is deferred. So all connections see the messages in the same order.
 */
export class Changes {
  readonly events: Events
  readonly #numbers: ChangeNumbers = { current: 0, latest: 0 }
  /** True while a send runs: it hands messages to sockets, and then settles. False in a `postponedBatch`. Only this class sets it. */
  isSending = false
  #hasNews = false
  /** True while `batch` runs. During a batch, all calls are part of one change. */
  #isBatching = false
  #afterwards: (() => void)[] = []
  readonly #postponed = new Queue<() => void>()
  /** How many messages and functions were deferred since the outermost `send` or `batch` began. The callers of `postpone` count them here. */
  postponedCount = 0

  constructor() {
    this.events = new Events(this.#numbers)
  }

  /**
   * Makes a change, and then delivers its events to the listeners. If another change is running, the new change is separate and nested in it. Within
   * a batch, it is part of the batch.
   */
  make<TOutcome>(change: () => TOutcome): TOutcome {
    if (this.#isBatching) return this.#settled(change)
    const outer = this.#begin()
    try {
      return this.#settled(change)
    } finally {
      this.events.flush()
      this.#numbers.current = outer
    }
  }

  /**
   * Makes a change, and then calls the functions that wait for its end: see `afterwards`. In a batch, the functions are called after each change, and
   * not only at the end of the batch. So a new subscriber of a stream whose source has failed gets the status notice first.
   */
  #settled<TOutcome>(change: () => TOutcome): TOutcome {
    try {
      return change()
    } finally {
      if (!this.isSending && this.#afterwards.length > 0) this.send(() => {})
    }
  }

  /**
   * Calls a function, and treats everything that it changes or sends as one change. Listeners are called when this change ends. Messages that user
   * code publishes during a send are deferred to the end of the batch. A batch within another batch is part of the outer one.
   */
  batch<TOutcome>(act: () => TOutcome): TOutcome {
    if (this.#isBatching) return synchronous(act())
    return this.make(() => {
      this.#isBatching = true
      try {
        return synchronous(act())
      } finally {
        this.#isBatching = false
        if (!this.isSending && !this.#postponed.isEmpty) this.send(() => {})
      }
    })
  }

  /**
   * Makes a change that is a consequence of an earlier change. If a change is running, the new change is part of the running change. Otherwise, the
   * new change is a separate change.
   */
  continue(act: () => void): void {
    if (this.#numbers.current === 0) return this.make(act)
    act()
    if (!this.#isBatching) this.events.flush()
  }

  /**
   * Runs a function that hands messages to sockets, in the running change if there is one. Then settles, and delivers the deferred messages. Within
   * an outer `send`, both happen at the end of that `send`. Within a batch, the deferred messages wait for the end of the batch.
   */
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

  /**
   * Begins a change that only sends messages. Within a batch, the sending is part of the batch. The effect is the same as a call of `send` within
   * `make`. `publish` uses this method, because making two closures for each message is too slow. Returns the number that `endSending` takes.
   */
  beginSending(): number {
    const numbers = this.#numbers
    const outer = numbers.current
    if (!this.#isBatching) numbers.current = ++numbers.latest
    this.isSending = true
    return outer
  }

  endSending(outer: number): void {
    if (this.#afterwards.length > 0 || this.#hasNews || !this.#postponed.isEmpty) this.#settleAll()
    this.isSending = false
    this.#numbers.current = outer
  }

  /** Makes a change whose only effect is that another change is postponed. Events that were posted before are not delivered yet. */
  whilePostponing<TOutcome>(change: () => TOutcome): TOutcome {
    const outer = this.#begin()
    try {
      return change()
    } finally {
      this.#numbers.current = outer
    }
  }

  /** Calls a function as soon as no message is being handed to a socket. */
  afterwards(act: () => void): void {
    this.#afterwards.push(act)
  }

  /** Delivers the posted events as soon as no message is being handed to a socket. During a batch, delivers them at the end of the batch. */
  tellAfterwards(): void {
    this.#hasNews = true
  }

  /** Makes a change once the running one has settled, or at the end of the running batch. Postponed changes keep their order. */
  postpone(change: () => void): void {
    this.#postponed.push(change)
  }

  /** Runs a function as a batch: the function may make changes and send messages. Call this only within a postponed change. */
  postponedBatch(act: () => void): void {
    this.isSending = false
    this.#isBatching = true
    try {
      act()
    } finally {
      this.#isBatching = false
      this.isSending = true
      this.#hasNews = true
    }
  }

  #settleAll(): void {
    try {
      this.#settle()
      if (this.#isBatching) return
      for (let change = this.#postponed.shift(); change !== undefined; change = this.#postponed.shift()) {
        // The caller restores the number of the outer change.
        this.#begin()
        change()
        this.#settle()
      }
    } finally {
      if (!this.#isBatching) this.postponedCount = 0
      this.isSending = false
    }
  }

  /**
   * Calls the functions that had to wait, and delivers the events, except during a batch. Repeats this until there are no new functions and no new
   * events.
   */
  #settle(): void {
    while (this.#afterwards.length > 0 || this.#hasNews) {
      const acts = this.#afterwards
      this.#afterwards = []
      for (const act of acts) act()
      this.#hasNews = false
      if (!this.#isBatching) this.events.flush()
    }
  }

  /** Begins a change. Returns the number of the outer change, which the caller restores at the end. */
  #begin(): number {
    const outer = this.#numbers.current
    this.#numbers.current = ++this.#numbers.latest
    return outer
  }
}
