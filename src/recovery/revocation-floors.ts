import { isOfRevoked, type Revoked } from '../model/revocation.ts'

export interface Floor {
  readonly revoked: Revoked
  readonly order: number
  readonly atMs: number
}

/** The maximum number of remembered revocations. If there are more, a single revocation of all streams for all users replaces them. */
const MOST_FLOORS = 10_000

/**
 * Remembers revocations. A user who lost access must not get messages that were recorded before the revocation. All recorded messages are numbered by
 * their `order`, and a floor is the `order` of the last message before a revocation. A floor is forgotten after `ageMs`, because the messages before
 * the revocation have then expired. Only messages of `latest` streams do not expire. If a history still holds such a message from before the
 * revocation, the floor is kept for another `ageMs`.
 */
export class RevocationFloors {
  readonly #ageMs: number
  readonly #isNeeded: (floor: Floor) => boolean
  /** The oldest floor is first. A later revocation of the same user, stream type and symbol replaces an earlier one. */
  readonly #floors = new Map<string, Floor>()
  #forEverybody: Floor | undefined

  /**
   * `isNeeded` returns true if a message from before the revocation is still held. Within `ageMs`, `isNeeded` is called at most once for each floor.
   */
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

  /**
   * Returns the highest floor for this user and stream. Messages of the stream whose `order` is not above the floor must not be sent again to the
   * user. Returns `0` if the user may get all messages.
   */
  floorFor(userId: string, stream: { readonly streamType: string; readonly symbol: string | undefined }, nowMs: number): number {
    this.#forgetAged(nowMs)
    let floor = this.#forEverybody?.order ?? 0
    for (const { revoked, order } of this.#floors.values()) {
      const isRevoked = (revoked.userId === undefined || revoked.userId === userId) && isConcerned(stream, revoked)
      if (isRevoked) floor = Math.max(floor, order)
    }
    return floor
  }

  all(): Floor[] {
    return [...(this.#forEverybody === undefined ? [] : [this.#forEverybody]), ...this.#floors.values()]
  }

  #forgetAged(nowMs: number): void {
    // A floor that is still needed moves to the end. The counter `left` keeps this loop from reaching it again.
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

/** True if the stream was revoked. For a whole type, true if any stream of the type was revoked. */
function isConcerned({ streamType, symbol }: { readonly streamType: string; readonly symbol: string | undefined }, revoked: Revoked): boolean {
  return symbol === undefined ? revoked.streamType === undefined || revoked.streamType === streamType : isOfRevoked({ streamType, symbol }, revoked)
}
