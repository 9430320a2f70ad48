import { ConnectionManagerError, describe, type ErrorFacts, type QuotaName, type RefusingQuota } from '../errors.ts'
import { jsonUnits, type SubscriptionFilters } from '../model/filters.ts'

/** Quota → limit. */
export type QuotaLimits = Readonly<Record<QuotaName, number>>

/** The facts of a request that a quota may refuse. */
export interface QuotaRequest {
  readonly userId?: string | undefined
  readonly connectionId?: string | undefined
  readonly streamType?: string | undefined
  readonly symbol?: string | undefined
}

const MESSAGES: Readonly<Record<RefusingQuota, (limit: number, request: QuotaRequest) => string>> = {
  connections: (limit) => `exceeded (limit ${limit})`,
  connectionsPerUser: (limit, { userId }) => `exceeded (limit ${limit}) for user ${describe(userId)}`,
  subscriptionsPerUser: (limit, { userId }) => `exceeded (limit ${limit}) for user ${describe(userId)}`,
  subscriptionsPerConnection: (limit, { connectionId }) => `exceeded (limit ${limit}) for connection ${describe(connectionId)}`,
  messageUnits: (limit, { streamType, connectionId }) =>
    `exceeded (limit ${limit}) by a ${streamType === undefined ? `text for connection ${describe(connectionId)}` : `message of stream type ${describe(streamType)}`}`,
  pendingUsers: (limit) => `exceeded (limit ${limit})`,
  filterUnits: (limit, { streamType }) => `exceeded (limit ${limit}) by the filters for stream type ${describe(streamType)}`,
}

/** The limits of a manager. This class counts nothing itself: its callers pass the counts. */
export class Quotas {
  readonly limits: QuotaLimits

  constructor(limits: QuotaLimits) {
    this.limits = limits
  }

  /** True if there are `count` items already, and the quota allows one more. */
  hasRoom(quota: RefusingQuota, count: number): boolean {
    return count < this.limits[quota]
  }

  /** @throws `ERR_QUOTA_EXCEEDED` if `count` has reached the limit */
  assertRoom(quota: RefusingQuota, count: number, request: QuotaRequest): void {
    if (!this.hasRoom(quota, count)) throw this.refusal(quota, request)
  }

  /** @throws `ERR_QUOTA_EXCEEDED` if a text has too many UTF-16 units, or a binary message has too many bytes */
  assertLength(text: { readonly length: number }, request: QuotaRequest): void {
    if (text.length > this.limits.messageUnits) throw this.refusal('messageUnits', request)
  }

  /**
   * Checks the length of the filters, unless the limit is `Infinity`.
   *
   * @throws `ERR_QUOTA_EXCEEDED` if the filters are too long, `ERR_INVALID_ARGUMENT` if they have no JSON form
   */
  assertFilters(filters: SubscriptionFilters, request: QuotaRequest): void {
    const { filterUnits } = this.limits
    if (filterUnits !== Infinity && jsonUnits(filters) > filterUnits) throw this.refusal('filterUnits', request)
  }

  /** Returns the error that names the quota and its limit, with the facts of the request. */
  refusal(quota: RefusingQuota, request: QuotaRequest): ConnectionManagerError {
    const limit = this.limits[quota]
    const message = `Quota \`${quota}\` ${MESSAGES[quota](limit, request)}`
    return new ConnectionManagerError('ERR_QUOTA_EXCEEDED', message, { ...factsOf(request), quota, limit })
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
