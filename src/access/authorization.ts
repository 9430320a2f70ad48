import type { AnyConnection, Connection, Socket } from '../ports/connection.ts'
import { ConnectionManagerError, describe } from '../errors.ts'
import { adopted, isThenable } from '../guards/user-code.ts'
import type { StreamCatalogue, TradingStreams } from '../model/catalogue.ts'
import type { SubscriptionFilters } from '../model/filters.ts'
import type { StreamRequest } from '../model/subscription.ts'

/** The argument of `authorize`: who wants to subscribe to which stream. The object is frozen. */
export interface AuthorizationRequest<
  TSocket extends Socket = Socket,
  TStreams extends StreamCatalogue = TradingStreams,
  TMetadata = unknown,
> {
  /**
   * The user who would be subscribed. For `connection.subscribe`, this is the user of the connection. For `connection.reassign`, this is the new
   * user.
   */
  readonly userId: string
  /** A stream type of the catalogue. A request with an unknown type is refused before `authorize` is called. */
  readonly streamType: keyof TStreams & string
  /** The symbol. `undefined` for a stream without a symbol, and for a subscription to the whole type. */
  readonly symbol: string | undefined
  /**
   * A shallow, frozen copy of the request's filters. `undefined` if the request has no filters. For `connection.reassign`, these are the filters of
   * the connection's own subscription to the stream, or `undefined` if it has no such subscription.
   */
  readonly filters: SubscriptionFilters | undefined
  /** The connection whose `subscribe` or `reassign` was called. Absent for `addSubscription`. */
  readonly connection?: Connection<TSocket, TStreams, TMetadata>
}

/** A request for any kind of socket and any catalogue. */
export type AnyAuthorizationRequest = AuthorizationRequest<Socket, StreamCatalogue>

/** The host's `authorize`, which may return anything. Only `true` grants access. */
export type Authorize = (request: AnyAuthorizationRequest) => unknown

/** Decides whether a user may subscribe to a stream. */
export interface Authorization {
  /** @throws `ERR_FORBIDDEN` unless access is granted. If `authorize` threw, its error is the `cause` */
  assertAllowed(userId: string, stream: StreamRequest, connection: AnyConnection | undefined): void
  /** True if access is granted. */
  allows(userId: string, stream: StreamRequest, connection: AnyConnection | undefined): boolean
}

const EVERYTHING_IS_ALLOWED: Authorization = { assertAllowed() {}, allows: () => true }

/**
 * Returns an authorization that calls the host's `authorize`. If the host has no `authorize`, every subscription is allowed.
 *
 * @param failed is called with the error if `authorize` throws, or if it returns a promise by mistake and the promise rejects
 */
export function authorizationBy(
  authorize: Authorize | undefined,
  failed: (error: unknown, request: AnyAuthorizationRequest) => void,
): Authorization {
  return authorize === undefined ? EVERYTHING_IS_ALLOWED : new HostAuthorization(authorize, failed)
}

/** Calls the host's `authorize`, which is user code: it may throw, or return anything. */
class HostAuthorization implements Authorization {
  readonly #authorize: Authorize
  readonly #failed: (error: unknown, request: AnyAuthorizationRequest) => void

  constructor(authorize: Authorize, failed: (error: unknown, request: AnyAuthorizationRequest) => void) {
    this.#authorize = authorize
    this.#failed = failed
  }

  assertAllowed(userId: string, stream: StreamRequest, connection: AnyConnection | undefined): void {
    const request = requestOf(userId, stream, connection)
    const { isGranted, cause } = this.#ask(request)
    if (!isGranted) throw refusalOf(request, cause)
  }

  allows(userId: string, stream: StreamRequest, connection: AnyConnection | undefined): boolean {
    return this.#ask(requestOf(userId, stream, connection)).isGranted
  }

  #ask(request: AnyAuthorizationRequest): { readonly isGranted: boolean; readonly cause?: unknown } {
    try {
      const answer = this.#authorize(request)
      if (answer === true) return GRANTED
      if (isThenable(answer)) adopted(answer).catch((error: unknown) => this.#failed(error, request))
    } catch (cause) {
      this.#failed(cause, request)
      return { isGranted: false, cause }
    }
    return REFUSED
  }
}

const GRANTED = { isGranted: true }
const REFUSED = { isGranted: false }

function requestOf(userId: string, stream: StreamRequest, connection: AnyConnection | undefined): AnyAuthorizationRequest {
  return Object.freeze({ userId, ...stream, ...(connection && { connection }) })
}

function refusalOf({ userId, streamType, symbol, connection }: AnyAuthorizationRequest, cause: unknown): ConnectionManagerError {
  return new ConnectionManagerError(
    'ERR_FORBIDDEN',
    `User ${describe(userId)} may not subscribe to stream type ${describe(streamType)}, symbol ${describe(symbol)}`,
    { userId, streamType, ...(symbol !== undefined && { symbol }), ...(connection && { connectionId: connection.id }) },
    cause,
  )
}
