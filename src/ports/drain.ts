/** How a newcomer is refused while a manager drains. Each refusal names another moment to come back, so that not all refused clients come at once. */
export interface DrainRefusal {
  /** When the newcomer should come back, in milliseconds from the call of `refusal`. */
  readonly afterMs: number
  /** The status of an HTTP response: 503. */
  readonly status: 503
  /** The headers of an HTTP response: `retry-after`, in whole seconds. */
  readonly headers: Readonly<Record<string, string>>
  /** The code to close a WebSocket with. */
  readonly code: number
  /** The reason to close a WebSocket with, such as `draining, come back in 12 s`. */
  readonly reason: string
  /**
   * A goodbye of the protocol, as a text: send it before you close a WebSocket. A client of the protocol comes back at the moment that the goodbye
   * names.
   */
  readonly text: string
}

/** A drain that is running, or over. */
export interface Drain {
  /** Resolves when the drain is over, to the same report as `drain`. Never rejects. */
  readonly done: Promise<DrainReport>
  /** Returns how to refuse one newcomer. Call it again for each newcomer. */
  refusal(): DrainRefusal
}

/** How a drain went. Each connection counts once as `left`, `closed` or `remained`. */
export interface DrainReport {
  /** How many clients were told to go, by a goodbye of the protocol. */
  readonly told: number
  /** How many went by themselves, or were removed for a reason other than the drain, for example as slow consumers. */
  readonly left: number
  /** How many were closed at the steady rate. */
  readonly closed: number
  /** How many were closed all at once, after nine tenths of `overMs`, or by a `cleanup()` that other code called. */
  readonly remained: number
  /** How long the drain took. Milliseconds. */
  readonly tookMs: number
}

/**
 * The key of the drain on its manager. The manager itself holds the drain, because a host may use another copy of this module, such as the copy for
 * `require`.
 */
const DRAIN: unique symbol = /* @__PURE__ */ Symbol.for('stream-connection-manager.drain')

/**
 * Returns the drain of a manager, so that a host can refuse newcomers: `drainOf(manager)?.refusal()`. Returns `undefined` if no drain has begun.
 *
 * `serveWebSockets` and `serveEvents` call `drainOf` by themselves.
 *
 * @example
 * import { drainOf } from 'stream-connection-manager/operations'
 * import { createServer } from 'node:http'
 *
 * const manager = new ConnectionManager()
 * const server = createServer((request, response) => {
 *   const refusal = drainOf(manager)?.refusal()
 *   if (refusal !== undefined) return void response.writeHead(refusal.status, refusal.headers).end()
 *   response.end('welcome')
 * })
 */
export function drainOf(manager: object): Drain | undefined {
  return (manager as { readonly [DRAIN]?: Drain })[DRAIN]
}

/** Makes `drainOf` return this drain. */
export function beginDrain(manager: object, drain: Drain): void {
  Reflect.defineProperty(manager, DRAIN, { value: drain })
}
