import { isOfRevoked, type Revoked } from '../model/revocation.ts'

export interface Floor {
  readonly revoked: Revoked
  readonly order: number
  readonly atMs: number
}

/** More floors than this become one that concerns everybody. */
const MOST_FLOORS = 10_000

/**
 * Remembers revocations. What was recorded before a revocation is not for those whom it concerns, however long they were away. A revocation is
 * forgotten after `ageMs`, when the messages before it are gone as well. It is kept for longer if one of them is not, because the latest messages of
 * `latest` streams do not age.
 */
export class RevocationFloors {
  readonly #ageMs: number
  readonly #isNeeded: (floor: Floor) => boolean
  /** In the order in which they came. A later one of the same fields replaces an earlier one. */
  readonly #floors = new Map<string, Floor>()
  #forEverybody: Floor | undefined

  /** `isNeeded` says whether a message from before a revocation is still held. It is asked once in each `ageMs`. */
  constructor(ageMs: number, isNeeded: (floor: Floor) => boolean) {
    this.#ageMs = ageMs
    this.#isNeeded = isNeeded
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
    // Those that are needed move to the end, and are not asked about again.
    let left = this.#floors.size
    for (const [key, floor] of this.#floors) {
      if (left-- === 0 || nowMs - floor.atMs < this.#ageMs) break
      this.#floors.delete(key)
      if (this.#isNeeded(floor)) this.#floors.set(key, { ...floor, atMs: nowMs })
    }
    const everybody = this.#forEverybody
    if (everybody === undefined || nowMs - everybody.atMs < this.#ageMs) return
    this.#forEverybody = this.#isNeeded(everybody) ? { ...everybody, atMs: nowMs } : undefined
  }
}

const EVERYTHING: Revoked = { userId: undefined, streamType: undefined, symbol: undefined }

/** True if a stream, or for a whole type any stream of it, was revoked. */
function isConcerned({ streamType, symbol }: { readonly streamType: string; readonly symbol: string | undefined }, revoked: Revoked): boolean {
  return symbol === undefined ? revoked.streamType === undefined || revoked.streamType === streamType : isOfRevoked({ streamType, symbol }, revoked)
}
