/** What happened in a round, beside what became of the messages. */
export interface Happenings {
  publishes: number
  privatePublishes: number
  privateDeliveries: number
  /** Done from within a `send`, a `write` or a `toJSON`. */
  nested: number
  deferred: number
  /** Publishes that leave somebody out, and texts of the recorder that tell them so. */
  exceptions: number
  skips: number
  /** Notices of the host, and how many of them reached somebody. */
  notices: number
  told: number
  purges: number
  batches: number
  /** Texts of the host's own to one connection. */
  texts: number
  revocations: number
  /** Subscriptions that revocations ended. */
  revoked: number
  connects: number
  removals: number
  /** Connections that were given to another user, or to their own. */
  reassignments: number
  subscribes: number
  unsubscribes: number
  /** Calls that had to be refused, and were. */
  refusals: number
  mostConnections: number
  mostBehind: number
}

/** Nothing has happened yet. */
export function nothing(): Happenings {
  return {
    publishes: 0,
    privatePublishes: 0,
    privateDeliveries: 0,
    nested: 0,
    deferred: 0,
    exceptions: 0,
    skips: 0,
    notices: 0,
    told: 0,
    purges: 0,
    batches: 0,
    texts: 0,
    revocations: 0,
    revoked: 0,
    connects: 0,
    removals: 0,
    reassignments: 0,
    subscribes: 0,
    unsubscribes: 0,
    refusals: 0,
    mostConnections: 0,
    mostBehind: 0,
  }
}
