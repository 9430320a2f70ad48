import type { AnyConnection, Connection, Socket } from '../ports/connection.ts'
import { ConnectionManagerError, describe } from '../errors.ts'
import { adopted, isThenable } from '../guards/user-code.ts'
import type { StreamCatalogue, TradingStreams } from '../model/catalogue.ts'
import type { SubscriptionFilters } from '../model/filters.ts'
import type { StreamRequest } from '../model/subscription.ts'

/** What `authorize` is asked: whether this user may subscribe to this stream. Frozen. */
export interface AuthorizationRequest<TSocket extends Socket = Socket, TStreams extends StreamCatalogue = TradingStreams> {
  /** Who would be subscribed: the user of the connection, where one asks. */
  readonly userId: string
  /** A type of the catalogue: any other was refused before. */
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

/** Says whether a subscription may be. */
export interface Authorization {
  /** @throws `ERR_FORBIDDEN` where it may not; the `cause` is what was thrown at us instead of an answer */
  assertAllowed(userId: string, stream: StreamRequest, connection: AnyConnection | undefined): void
}

const EVERYTHING_IS_ALLOWED: Authorization = { assertAllowed() {} }

/**
 * Returns what asks the host; without an `authorize` everything is allowed.
 *
 * @param failed is told what `authorize` threw, or rejected with where it answered with a promise by mistake
 */
export function authorizationBy(
  authorize: Authorize | undefined,
  failed: (error: unknown, request: AnyAuthorizationRequest) => void,
): Authorization {
  return authorize === undefined ? EVERYTHING_IS_ALLOWED : new HostAuthorization(authorize, failed)
}

/** Asks the host, at the one place where its answer is not trusted to come at all. */
class HostAuthorization implements Authorization {
  readonly #authorize: Authorize
  readonly #failed: (error: unknown, request: AnyAuthorizationRequest) => void

  constructor(authorize: Authorize, failed: (error: unknown, request: AnyAuthorizationRequest) => void) {
    this.#authorize = authorize
    this.#failed = failed
  }

  assertAllowed(userId: string, stream: StreamRequest, connection: AnyConnection | undefined): void {
    const request = Object.freeze({ userId, ...stream, ...(connection && { connection }) })
    let cause: unknown
    try {
      const answer = this.#authorize(request)
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
  return new ConnectionManagerError(
    'ERR_FORBIDDEN',
    `User ${describe(userId)} may not subscribe to ${describe(streamType)}, symbol ${describe(symbol)}`,
    { userId, streamType, ...(symbol !== undefined && { symbol }), ...(connection && { connectionId: connection.id }) },
    cause,
  )
}
