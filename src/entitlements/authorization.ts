import type { Connection, Socket } from '../connection.ts'
import { ConnectionManagerError, shown } from '../errors.ts'
import { adopted, isThenable } from '../foreign.ts'
import type { StreamCatalogue, TradingStreams } from '../streams/catalogue.ts'
import type { SubscriptionFilters } from '../streams/subscription.ts'

/** What `authorize` is asked: whether this user may subscribe to this stream. Frozen. */
export interface AuthorizationRequest<TSocket extends Socket = Socket, TStreams extends StreamCatalogue = TradingStreams> {
  readonly userId: string
  readonly streamType: keyof TStreams & string
  /** `undefined` for a stream without a symbol, and for one that covers its whole type. */
  readonly symbol: string | undefined
  /** A frozen copy, one level deep, of what was asked for; `undefined` when that is nothing. */
  readonly filters: SubscriptionFilters | undefined
  /** The connection that asks for itself; absent when the user as such is subscribed. */
  readonly connection?: Connection<TSocket, TStreams>
}

/** The request as the room knows it, whatever the manager's sockets and catalogue are. */
export type AnyAuthorizationRequest = AuthorizationRequest<Socket, StreamCatalogue>

/** The host's answer, which may be anything: only `true` is leave. */
export type Authorize = (request: AnyAuthorizationRequest) => unknown

/** Asks the host whether a subscription may be, at the one place where its answer is not trusted to come at all. */
export class Authorization {
  readonly #authorize: Authorize
  readonly #failed: (error: unknown, request: AnyAuthorizationRequest) => void

  /** @param failed is told what `authorize` threw, or rejected with where it answered with a promise by mistake */
  constructor(authorize: Authorize, failed: (error: unknown, request: AnyAuthorizationRequest) => void) {
    this.#authorize = authorize
    this.#failed = failed
  }

  /** @throws `ERR_FORBIDDEN` unless the answer is `true`; what `authorize` threw is its `cause` */
  assertAllowed(request: AnyAuthorizationRequest): void {
    let cause: unknown
    try {
      const answer = this.#authorize(Object.freeze(request))
      if (answer === true) return
      if (isThenable(answer)) adopted(answer).catch((error: unknown) => this.#failed(error, request))
    } catch (error) {
      cause = error
      this.#failed(error, request)
    }
    throw refusalOf(request, cause)
  }
}

function refusalOf({ userId, streamType, symbol, connection }: AnyAuthorizationRequest, cause: unknown): ConnectionManagerError {
  const stream = symbol === undefined ? shown(streamType) : `${shown(streamType)} of ${shown(symbol)}`
  return new ConnectionManagerError(
    'ERR_FORBIDDEN',
    `User ${shown(userId)} may not subscribe to ${stream}`,
    { userId, streamType, ...(symbol !== undefined && { symbol }), ...(connection && { connectionId: connection.id }) },
    cause,
  )
}
