import { drainOf } from '../ports/drain.ts'
import type { ManagerTransport } from '../ports/transport.ts'
import { refusedText } from '../protocol/answers.ts'
import type { Refusal } from '../protocol/refusal.ts'
import { Beats } from '../time/beats.ts'
import type { Clock } from '../time/clock.ts'
import { sseHeaders, sseSocket, sseTransport, type SseSocket } from '../transports/sse.ts'
import type { SseResponse } from '../transports/node-response.ts'
import { Faults } from './faults.ts'
import { identify, refusedBy, type Identified, type Identity, type Refused } from './identity.ts'
import { resolvedOptions, type HostOptions, type ResolvedHostOptions } from './options.ts'

// Every runtime that has responses of Node has these.
declare const crypto: { randomUUID(): string }
declare class URLSearchParams {
  constructor(query: string | undefined)
  get(name: string): string | null
}

/** The members of a request that this host uses. The requests of `node:http` and `node:http2` have them all. */
export interface HostedRequest {
  /** The path and the query: `/events?commands=…`. */
  readonly url?: string | undefined
}

/** The members of a response that this host uses. The responses of `node:http` and `node:http2` have them all. */
export type HostedResponse = SseResponse & Answering

interface Answering {
  writeHead(status: number, headers: Readonly<Record<string, string>>): unknown
  flushHeaders?(): void
  end(): unknown
  end(text: string): unknown
}

/** The options of `serveEvents`. `manager`, `authenticate` and `commands` are required. */
export interface ServeEventsOptions<TRequest, TMetadata = unknown> extends HostOptions<SseSocket, TRequest, TMetadata> {
  /**
   * The transport that writes the events.
   *
   * @default `sseTransport()`
   */
  readonly transport?: ManagerTransport<SseSocket> | undefined
}

/** Code of a refusal → HTTP status. Any other code has the status 403. */
const STATUSES: ReadonlyMap<string, number> = /* @__PURE__ */ new Map([
  ['ERR_UNAUTHENTICATED', 401],
  ['ERR_QUOTA_EXCEEDED', 429],
  ['ERR_CLOSED', 503],
  ['ERR_TIMEOUT', 503],
  ['ERR_FAILED', 500],
])
const FORBIDDEN = 403

const transport = /* @__PURE__ */ sseTransport()

/** Command server → the heartbeats of its event streams, so that one timer serves all streams. */
const beatsOf = /* @__PURE__ */ new WeakMap<object, Beats<SseSocket>>()

/** Command server → the faults for which the host has no `onError`, so that only the first fault is printed. */
const faultsOf = /* @__PURE__ */ new WeakMap<object, Faults>()

/**
 * Answers a request with an event stream: authenticates the client, adds the response to the manager, welcomes the client, and carries out the
 * commands in the URL. A refused client gets an HTTP status and the reason. Each client gets a comment every `heartbeatMs`. If a comment stays
 * unsent, and no other bytes are sent either, the client counts as stuck, and a later comment ends the stream.
 *
 * A client cannot send commands on an event stream. So the client puts its first commands into the URL, as `?commands=` and a JSON array. The client
 * POSTs later commands with the `connection_id` of the welcome. Pass the text of a POST to `commands.find(connectionId, userId)?.receive(text)`. At
 * SIGTERM, call `commands.drain()` and then `manager.cleanup()`.
 *
 * Resolves to true once the client is welcomed, or has got a `goodbye` instead because `commands.drain` was called. Resolves to false if the client
 * was refused or has left. Never rejects.
 *
 * @throws `ERR_INVALID_OPTION` naming the option that is unknown, missing or out of range
 *
 * @example
 * import { createServer } from 'node:http'
 * import { serveEvents } from 'stream-connection-manager/hosts/sse'
 * import { createCommandServer } from 'stream-connection-manager/protocol'
 * import type { SseSocket } from 'stream-connection-manager/transports/sse'
 *
 * const manager = new ConnectionManager<SseSocket>()
 * const commands = createCommandServer(manager)
 * const userOf = (url = '') => (url.includes('user=alice') ? { userId: 'alice' } : undefined) // a placeholder
 *
 * const server = createServer((request, response) => {
 *   void serveEvents(request, response, { manager, commands, authenticate: ({ url }) => userOf(url) })
 * })
 */
export function serveEvents<TRequest extends HostedRequest, TMetadata = unknown>(
  request: TRequest,
  response: HostedResponse,
  options: ServeEventsOptions<TRequest, TMetadata>,
): Promise<boolean> {
  const resolved = resolvedOptions(options)
  const { authenticate, authenticateTimeoutMs: timeoutMs, clock } = resolved
  const host = new EventHost(resolved)
  if (host.refusesNewcomer(response)) return Promise.resolve(false)
  return new Promise((resolve) => {
    identify(authenticate, request, { clock, timeoutMs, faults: host.faults }, (answer) => resolve(host.admit(request, response, answer)))
  })
}

class EventHost {
  readonly faults: Faults
  readonly #options: ResolvedHostOptions

  constructor(options: ResolvedHostOptions) {
    this.#options = options
    this.faults = options.onError === undefined ? unheardFaultsOf(options.commands) : new Faults(options.onError)
  }

  /** Returns true if the manager drains. The client is then refused, and the response says when to come back. */
  refusesNewcomer(response: HostedResponse): boolean {
    const draining = drainOf(this.#options.manager)?.refusal()
    if (draining === undefined) return false
    const refusal = { code: 'ERR_CLOSED', retryMs: draining.afterMs }
    refuseWith(response, draining.status, { ...refusalHeaders(refusal.code, response), ...draining.headers }, refusal)
    return true
  }

  /** Welcomes or refuses the client. Returns true if the client is welcomed. */
  admit(request: HostedRequest, response: HostedResponse, answer: Identified): boolean {
    if ('refusal' in answer) return this.#refuse(response, answer)
    // The manager may have begun to drain meanwhile.
    if (this.refusesNewcomer(response)) return false
    try {
      return this.#open(request, response, answer.identity)
    } catch (error) {
      return this.#refuse(response, refusedBy(error))
    }
  }

  /** Adds the client to the manager before the status 200 is written, because a client that the manager refuses gets another status. */
  #open(request: HostedRequest, response: HostedResponse, { userId, metadata }: Identity): boolean {
    const socket = sseSocket(response)
    const connection = this.#options.manager.addConnection(crypto.randomUUID(), socket, userId, { transport: this.#options.transport ?? transport, metadata })
    try {
      response.writeHead(200, sseHeaders)
      response.flushHeaders?.()
      this.#keepAlive(socket)
      const session = this.#options.commands.open(connection, { receiveOnly: true })
      const commands = commandsIn(request)
      if (commands !== null) session.receive(commands)
    } catch (error) {
      void connection.remove()
      throw error
    }
    return true
  }

  #keepAlive(socket: SseSocket): void {
    const { clock, commands, heartbeatMs } = this.#options
    const beats = beatsOf.get(commands) ?? newBeats(clock, heartbeatMs)
    beatsOf.set(commands, beats)
    beats.add(socket)
    socket.onClose(() => beats.delete(socket))
  }

  #refuse(response: HostedResponse, refused: Refused): false {
    const { refusal } = refused
    this.faults.tellOf(refused)
    refuseWith(response, STATUSES.get(refusal.code) ?? FORBIDDEN, refusalHeaders(refusal.code, response), refusal)
    return false
  }
}

function refuseWith(response: HostedResponse, status: number, headers: Readonly<Record<string, string>>, refusal: Refusal): void {
  Faults.attempt(() => response.writeHead(status, headers))
  Faults.attempt(() => response.end(refusedText(undefined, refusal)))
}

function unheardFaultsOf(commands: object): Faults {
  const faults = faultsOf.get(commands) ?? new Faults(undefined)
  faultsOf.set(commands, faults)
  return faults
}

/**
 * Returns the headers of a refusal. During a shutdown, the header `connection: close` prevents a further request on the same TCP connection. HTTP/2
 * has no such header.
 */
function refusalHeaders(code: string, { stream }: HostedResponse): Readonly<Record<string, string>> {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' }
  return code === 'ERR_CLOSED' && stream === undefined ? { ...headers, connection: 'close' } : headers
}

/** Returns the commands in the URL. Unlike `new URL`, this function accepts any URL that a client may have sent. */
function commandsIn({ url = '' }: HostedRequest): string | null {
  return new URLSearchParams(/\?(.*)/.exec(url)?.[1]).get('commands')
}

function newBeats(clock: Clock, heartbeatMs: number): Beats<SseSocket> {
  return new Beats<SseSocket>(clock, heartbeatMs, (socket) => socket.comment())
}
