import { ConnectionManagerError, shown, type ErrorFacts, type QuotaName } from '../errors.ts'

/** How many there may be of each. */
export type QuotaLimits = Readonly<Record<QuotaName, number>>

/** How many there are already, of what something new would be one more of. */
export type Occupancy = Partial<Record<QuotaName, number>>

const REASONS: Readonly<Record<QuotaName, (limit: number, facts: ErrorFacts) => string>> = {
  connections: (limit) => `There are ${limit} connections already`,
  connectionsPerUser: (limit, { userId }) => `User ${shown(userId)} has ${limit} connections already`,
  subscriptionsPerUser: (limit, { userId }) => `User ${shown(userId)} has ${limit} subscriptions already`,
  subscriptionsPerConnection: (limit, { connectionId }) => `Connection ${shown(connectionId)} has ${limit} subscriptions already`,
  messageUnits: (limit, { streamType }) => `A message of stream type ${shown(streamType)} is longer than ${limit} UTF-16 units`,
  pendingUsers: (limit) => `There are ${limit} users with pending subscriptions alone already`,
}

/** Ceilings: each question is answered by nothing, or by a refusal with the facts. Counts nothing itself. */
export class Quotas {
  readonly #limits: QuotaLimits

  constructor(limits: QuotaLimits) {
    this.#limits = limits
  }

  /** @throws `ERR_QUOTA_EXCEEDED` where one more would be too many */
  assertRoom(occupancy: Occupancy, facts: ErrorFacts): void {
    for (const [quota, count] of Object.entries(occupancy) as [QuotaName, number][]) {
      if (count >= this.#limits[quota]) throw this.#refusal(quota, facts)
    }
  }

  /** @throws `ERR_QUOTA_EXCEEDED` for a text that is too long */
  assertLength(text: string, facts: ErrorFacts): void {
    if (text.length > this.#limits.messageUnits) throw this.#refusal('messageUnits', facts)
  }

  #refusal(quota: QuotaName, facts: ErrorFacts): ConnectionManagerError {
    const limit = this.#limits[quota]
    return new ConnectionManagerError('ERR_QUOTA_EXCEEDED', REASONS[quota](limit, facts), { ...facts, quota, limit })
  }
}
