import type { ErrorCode, QuotaName } from '../../../src/index.ts'
import { keyOf, type Stream } from './catalogue.ts'
import type { ConnectionFact, Facts, Move } from './facts.ts'
import type { Ledger } from './ledger.ts'
import type { Refusals } from './refusals.ts'
import type { CallFrame } from './stage.ts'

export interface MovingDependencies {
  readonly facts: Facts
  readonly refusals: Refusals
  readonly ledger: Pick<Ledger, 'streamsThatMayMatterTo'>
  /** Without one everything is allowed. */
  readonly hasAuthorize: boolean
  /** What `authorize` does when it is asked for this time, and what it answers. */
  answer(n: number): unknown
}

/**
 * A call of `reassign` while it runs. When it gives the connection to the user cannot be foretold: it sends what waits and asks `authorize` before,
 * and both call user code. So it is seen from the handle, and what may be refused is noted at each look.
 */
export class Moving implements Move {
  readonly connection: ConnectionFact
  readonly userId: string
  frame: CallFrame | undefined
  /** True once the call has given the connection to the user, or has found that it is the user's. */
  isDone = false
  /** What was justified at some moment of the call. */
  readonly codes = new Set<ErrorCode>()
  readonly exceeded = new Set<QuotaName>()
  /** What the connection held for itself at some moment of the call: stream → filters, as texts. */
  readonly held = new Map<string, Set<string | undefined>>()
  /** The streams that the connection held, or that may have waited for it, at some moment of the call. */
  readonly mattered = new Set<string>()
  readonly #granted = new Map<string, boolean>()
  readonly #dependencies: MovingDependencies

  constructor(connection: ConnectionFact, userId: string, dependencies: MovingDependencies) {
    this.connection = connection
    this.userId = userId
    this.#dependencies = dependencies
    this.look()
  }

  /** Notes what could be refused now. */
  look(): void {
    const { facts, ledger, refusals } = this.#dependencies
    const { connection, userId, held } = this
    this.isDone ||= connection.isLive && connection.userId === userId
    for (const code of refusals.reassign(connection, userId, undefined).codes) this.codes.add(code)
    if (connection.userId !== userId) for (const quota of refusals.exceededByMove(this)) this.exceeded.add(quota)
    if (this.exceeded.size > 0) this.codes.add('ERR_QUOTA_EXCEEDED')
    for (const key of ledger.streamsThatMayMatterTo(connection)) this.mattered.add(key)
    // A stream that waits, and is not held any more, is asked for without filters.
    const heldNow = facts.heldBy(connection).map(({ stream }) => keyOf(stream))
    for (const [key, filters] of held) if (this.mattered.has(key) && !heldNow.includes(key)) filters.add(undefined)
    for (const { stream, asked } of facts.heldBy(connection)) {
      const key = keyOf(stream)
      this.mattered.add(key)
      held.set(key, (held.get(key) ?? new Set()).add(JSON.stringify(asked.get(connection)?.filters)))
    }
  }

  readonly isAllowed = (stream: Stream): boolean => !this.#dependencies.hasAuthorize || this.#granted.get(keyOf(stream)) === true

  wasAsked(stream: Stream): boolean {
    return this.#granted.has(keyOf(stream))
  }

  /** `authorize` is asked of a stream. Refused until it has answered. */
  ask(stream: Stream): unknown {
    const n = this.#granted.size
    this.#granted.set(keyOf(stream), false)
    const answer = this.#dependencies.answer(n)
    this.#granted.set(keyOf(stream), answer === true)
    this.look()
    return answer
  }
}
