import { ConnectionManagerError, describe, type ErrorFacts, type QuotaName, type RefusingQuota } from '../errors.ts'
import { jsonUnits, type SubscriptionFilters } from '../model/filters.ts'

/** How many there may be of each. */
export type QuotaLimits = Readonly<Record<QuotaName, number>>

/** What somebody wants that there may be only so much of. */
export interface QuotaRequest {
  readonly userId?: string | undefined
  readonly connectionId?: string | undefined
  readonly streamType?: string | undefined
  readonly symbol?: string | undefined
}

const REASONS: Readonly<Record<RefusingQuota, (limit: number, request: QuotaRequest) => string>> = {
  connections: (limit) => `There are ${limit} connections already`,
  connectionsPerUser: (limit, { userId }) => `User ${describe(userId)} has ${limit} connections already`,
  subscriptionsPerUser: (limit, { userId }) => `User ${describe(userId)} has ${limit} subscriptions already`,
  subscriptionsPerConnection: (limit, { connectionId }) => `Connection ${describe(connectionId)} has ${limit} subscriptions already`,
  messageUnits: (limit, { streamType, connectionId }) =>
    `A ${streamType === undefined ? `text for connection ${describe(connectionId)}` : `message of stream type ${describe(streamType)}`} is longer than ${limit} UTF-16 units`,
  pendingUsers: (limit) => `There are ${limit} users with pending subscriptions alone already`,
  filterUnits: (limit, { streamType }) => `Filters for stream type ${describe(streamType)} are longer than ${limit} UTF-16 units of JSON`,
}

/** Ceilings: each question is answered by nothing, or by a refusal with the facts. Counts nothing itself. */
export class Quotas {
  readonly limits: QuotaLimits

  constructor(limits: QuotaLimits) {
    this.limits = limits
  }

  /** True if there may be one more than `count`. */
  hasRoom(quota: RefusingQuota, count: number): boolean {
    return count < this.limits[quota]
  }

  /** @throws `ERR_QUOTA_EXCEEDED` where there are as many already as there may be */
  assertRoom(quota: RefusingQuota, count: number, request: QuotaRequest): void {
    if (!this.hasRoom(quota, count)) throw this.refusal(quota, request)
  }

  /** @throws `ERR_QUOTA_EXCEEDED` for a text that is too long */
  assertLength(text: string, request: QuotaRequest): void {
    if (text.length > this.limits.messageUnits) throw this.refusal('messageUnits', request)
  }

  /** @throws `ERR_QUOTA_EXCEEDED` for filters that are too long, `ERR_INVALID_ARGUMENT` for those that cannot be measured */
  assertFilters(filters: SubscriptionFilters, request: QuotaRequest): void {
    const { filterUnits } = this.limits
    if (filterUnits !== Infinity && jsonUnits(filters) > filterUnits) throw this.refusal('filterUnits', request)
  }

  /** Returns the error that says which limit is reached, with the facts. */
  refusal(quota: RefusingQuota, request: QuotaRequest): ConnectionManagerError {
    const limit = this.limits[quota]
    return new ConnectionManagerError('ERR_QUOTA_EXCEEDED', REASONS[quota](limit, request), { ...factsOf(request), quota, limit })
  }
}

function factsOf({ userId, connectionId, streamType, symbol }: QuotaRequest): ErrorFacts {
  return {
    ...(userId !== undefined && { userId }),
    ...(connectionId !== undefined && { connectionId }),
    ...(streamType !== undefined && { streamType }),
    ...(symbol !== undefined && { symbol }),
  }
}
