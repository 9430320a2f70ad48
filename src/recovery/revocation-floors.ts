import { isOfRevoked, type Revoked } from '../model/revocation.ts'

interface Floor {
  readonly revoked: Revoked
  readonly order: number
  readonly atMs: number
}

/** More floors than this become one that concerns everybody. */
const MOST_FLOORS = 10_000

/**
 * Remembers revocations. What was recorded before a revocation is not for those whom it concerns, however long they were away. A revocation is
 * forgotten after `ageMs`, when the messages before it are gone as well.
 */
export class RevocationFloors {
  readonly #ageMs: number
  /** In the order in which they came. A later one of the same fields replaces an earlier one. */
  readonly #floors = new Map<string, Floor>()
  #forEverybody: Floor | undefined

  constructor(ageMs: number) {
    this.#ageMs = ageMs
  }

  add(revoked: Revoked, order: number, nowMs: number): void {
    const key = JSON.stringify([revoked.userId, revoked.streamType, revoked.symbol])
    this.#floors.delete(key)
    this.#floors.set(key, { revoked, order, atMs: nowMs })
    this.#forgetAged(nowMs)
    if (this.#floors.size <= MOST_FLOORS) return
    this.#floors.clear()
    this.#forEverybody = { revoked: EVERYTHING, order, atMs: nowMs }
  }

  /** Returns the number of the last message that a user may not get again of a stream; `0` if there is none. */
  floorFor(userId: string, stream: { readonly streamType: string; readonly symbol: string | undefined }, nowMs: number): number {
    this.#forgetAged(nowMs)
    let floor = this.#forEverybody?.order ?? 0
    for (const { revoked, order } of this.#floors.values()) {
      if (order > floor && (revoked.userId === undefined || revoked.userId === userId) && isConcerned(stream, revoked)) floor = order
    }
    return floor
  }

  all(): Floor[] {
    return [...(this.#forEverybody === undefined ? [] : [this.#forEverybody]), ...this.#floors.values()]
  }

  #forgetAged(nowMs: number): void {
    for (const [key, { atMs }] of this.#floors) {
      if (nowMs - atMs < this.#ageMs) break
      this.#floors.delete(key)
    }
    if (this.#forEverybody !== undefined && nowMs - this.#forEverybody.atMs >= this.#ageMs) this.#forEverybody = undefined
  }
}

const EVERYTHING: Revoked = { userId: undefined, streamType: undefined, symbol: undefined }

/** True if a stream, or for a whole type any stream of it, was revoked. */
function isConcerned({ streamType, symbol }: { readonly streamType: string; readonly symbol: string | undefined }, revoked: Revoked): boolean {
  return symbol === undefined ? revoked.streamType === undefined || revoked.streamType === streamType : isOfRevoked({ streamType, symbol }, revoked)
}
