import type { UserRecord } from './records.ts'

/** The users who have a connection or a subscription. */
export class Users {
  readonly #byId = new Map<string, UserRecord>()

  find(userId: unknown): UserRecord | undefined {
    return this.#byId.get(userId as string)
  }

  obtain(userId: string): UserRecord {
    let user = this.#byId.get(userId)
    if (user === undefined) {
      user = { id: userId, connections: undefined, subscriptions: undefined, ownSubscriptions: undefined }
      this.#byId.set(userId, user)
    }
    return user
  }

  /** Removes the user if the user has no connection and no subscription. Call `release` after removing a connection or a subscription. */
  release(user: UserRecord): void {
    if (user.connections === undefined && user.subscriptions === undefined) this.#byId.delete(user.id)
  }

  all(): IterableIterator<UserRecord> {
    return this.#byId.values()
  }
}
