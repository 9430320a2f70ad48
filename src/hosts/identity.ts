import { ConnectionManagerError, describe } from '../errors.ts'
import { Outcome } from '../protocol/outcome.ts'
import { refusalIn, refusing, type Refusal } from '../protocol/refusal.ts'
import type { Clock } from '../time/clock.ts'
import type { Faults } from './faults.ts'

/** Who a client is. */
export interface Identity<TMetadata = unknown> {
  /** The user who owns the connection. */
  readonly userId: string
  /** Becomes `connection.metadata`. */
  readonly metadata?: TMetadata | undefined
}

/** Returns who a client is, according to its request. Returns `undefined` if the client is unknown. */
export type Authenticate<TRequest, TMetadata> = (request: TRequest) => Identity<TMetadata> | undefined | Promise<Identity<TMetadata> | undefined>

/** The result of `identify`: an identity, or the refusal of the client. `fault` is an error that the option `onError` gets. */
export type Identified = { readonly identity: Identity } | Refused

export interface Refused {
  readonly refusal: Refusal
  readonly fault?: { readonly error: unknown } | undefined
}

/** How long `authenticate` may take, and where an error that comes later is reported. */
export interface Patience {
  readonly clock: Clock
  readonly timeoutMs: number
  readonly faults: Faults
}

/** Calls `authenticate`, and passes the result to `done`. Calls `done` once: immediately, or later if `authenticate` returns a promise. */
export function identify<TRequest>(authenticate: (request: TRequest) => unknown, request: TRequest, { clock, timeoutMs, faults }: Patience, done: (answer: Identified) => void): void {
  let cancel: (() => void) | undefined
  const outcome = new Outcome(() => authenticate(request), {
    settled() {
      cancel?.()
      done(identified(outcome))
    },
    failedLate: (error) => faults.tellOf(refusedFor(error)),
  })
  if (!outcome.isOpen) return done(identified(outcome))
  cancel = clock.setTimeout(() => {
    outcome.fail(refusing('ERR_TIMEOUT'))
    done(identified(outcome))
  }, timeoutMs)
}

/** Returns the refusal for an error. An error that is no refusal (see `refusalIn`) is a fault of the host. */
function refusedFor(error: unknown): Refused {
  const refusal = refusalIn(error)
  return refusal === undefined ? { refusal: { code: 'ERR_FAILED' }, fault: { error } } : { refusal }
}

/**
 * The codes of manager errors that are not a fault of the host: a quota is used up, the manager is closed, or the client has left. Any other manager
 * error is a fault of the host.
 */
const EXPECTED: readonly string[] = ['ERR_QUOTA_EXCEEDED', 'ERR_CLOSED', 'ERR_SOCKET_CLOSED']

/** Returns the refusal for an error that occurred when a client was added. */
export function refusedBy(error: unknown): Refused {
  const refused = refusedFor(error)
  return EXPECTED.includes(refused.refusal.code) ? refused : { refusal: { code: 'ERR_FAILED' }, fault: { error } }
}

function identified({ failure, value }: Outcome): Identified {
  if (failure !== undefined) return refusedFor(failure.error)
  if (value === undefined || value === null) return { refusal: { code: 'ERR_UNAUTHENTICATED' } }
  try {
    const { userId, metadata } = value as Identity
    if (typeof userId === 'string') return { identity: { userId, metadata } }
    throw new ConnectionManagerError('ERR_INVALID_ID', `\`authenticate\` must return a \`userId\` or undefined, got ${describe(value)}`)
  } catch (error) {
    return { refusal: { code: 'ERR_FAILED' }, fault: { error } }
  }
}
