import type { WireObject } from '../model/wire-reading.ts'
import type { Agenda } from './agenda.ts'
import { waitMs } from './backoff.ts'
import { ClientError } from './client-error.ts'
import type { ClientStage, ClientState, EventListeners } from './client-events.ts'
import type { ClientOptions, ConnectContext } from './client-options.ts'
import { adviceOf } from './close-code.ts'
import { arrayOf, textsOf } from './commands.ts'
import { PAGE_EVENTS, type LifecycleTarget, type PageEvent } from './lifecycle.ts'
import type { OpenCommands } from './open-commands.ts'
import { whenAborted, type Abortable, type RuntimeSignal, type Signal } from './signal.ts'
import { hangUp, writerOf, type ClientSocket, type Loss } from './socket.ts'
import type { WantedStreams } from './wanted-streams.ts'
import { watchServer, type Watch } from './watch.ts'

declare function queueMicrotask(fn: () => void): void
declare class AbortController {
  readonly signal: RuntimeSignal & Signal
  abort(): void
}

/** A goodbye, as the server sends it. */
interface GoodbyeFrame {
  readonly reason: string
  readonly reconnect: boolean
  readonly after_ms?: number
  readonly within_ms?: number
}

/** What a goodbye tells the client: whether to reconnect, and when. */
interface Goodbye {
  readonly reason: string
  readonly reconnect: boolean
  readonly dueMs: number
}

/** The largest number of requests that are open at once. */
const MOST_REQUESTS = 256

/** The version of the protocol that the client speaks. In a newer version, frames may have other meanings. */
const VERSION = 1

/** A connection that lasts this many milliseconds after the welcome resets the counts of failures and of refused credentials to 0. */
const STABLE_MS = 5_000

const PING = '{"command":"ping","id":0}'

/** The states in which the client has a connection, or will make one. */
const ACTIVE: readonly ClientState[] = ['connecting', 'connected', 'waiting']

/**
 * Decides when to connect, and whether to connect again. A connector has one connection at most.
 *
 * The task `attempt` of the agenda has three uses: the timeout of an attempt to connect, the moment when the connection counts as stable, and the
 * start of the next attempt.
 */
export class Connector {
  state: ClientState = 'idle'
  /** How many requests are open: neither answered nor aborted. */
  #requests = 0
  /** Sends a text. `undefined` before the welcome, without a connection, and if the socket only receives and there is no option `send`. */
  #write: ((text: string) => unknown) | undefined
  readonly #agenda: Agenda
  readonly #options: ClientOptions
  readonly #events: EventListeners
  readonly #streams: WantedStreams
  readonly #commands: OpenCommands
  readonly #page: LifecycleTarget | null | undefined
  /** Aborts the signal of the connection, or of the attempt to make one. `undefined` if there is neither. */
  #controller: AbortController | undefined
  #socket: ClientSocket | undefined
  /**
   * True if `connect` has read the subscribe commands, which it puts into the URL of the connection. If the client has no other way to send commands,
   * it makes a new connection to change its streams.
   */
  #usesUrl = false
  #watch: Watch | undefined
  #goodbye: Goodbye | undefined
  /** True if the client needs a connection even without subscriptions and requests. */
  #isCalledFor: boolean
  #isAdjusting = false
  #failures = 0
  #denials = 0

  constructor(agenda: Agenda, options: ClientOptions, events: EventListeners, streams: WantedStreams, commands: OpenCommands) {
    this.#agenda = agenda
    this.#options = options
    this.#events = events
    this.#streams = streams
    this.#commands = commands
    const page = globalThis as unknown as LifecycleTarget
    const { lazy = true, lifecycle = page.document && page } = options
    this.#isCalledFor = !lazy
    this.#page = lifecycle
    this.adjustSoon()
  }

  /** Connects now, unless the client is already connected or connecting. A client without streams then stays connected. */
  connect(): void {
    this.assertOpen()
    if (this.#streams.size === 0) this.#isCalledFor = true
    if (this.state === 'stopped') this.#failures = this.#denials = 0
    if (!this.#controller) this.#dial()
  }

  /** @throws `ERR_CLOSED` */
  assertOpen(): void {
    if (this.state === 'closed') throw new ClientError('ERR_CLOSED')
  }

  /**
   * Adjusts the connection in a microtask. So the commands of several calls in a row are sent together.
   */
  adjustSoon(): void {
    if (this.#isAdjusting) return
    this.#isAdjusting = true
    queueMicrotask(() => {
      this.#isAdjusting = false
      this.#adjust()
    })
  }

  /** Sends a command, and returns the data of the answer. */
  async request(command: string, data?: unknown, { signal }: Abortable = {}): Promise<unknown> {
    if (!this.#write) throw new ClientError(this.state === 'connected' ? 'ERR_CANNOT_SEND' : 'ERR_NOT_CONNECTED')
    if (this.#requests >= MOST_REQUESTS) throw new ClientError('ERR_TOO_MANY_REQUESTS')
    let forget = (): void => {}
    this.#requests++
    try {
      return await new Promise((resolve, reject) => {
        forget = whenAborted(signal, () => reject(signal?.reason))
        if (signal?.aborted) return
        const text = this.#commands.issue(command, { data }, ({ type, code, retry_ms: retryMs, data }) => {
          if (type === 'refused') reject(new ClientError(code as string, retryMs as number | undefined))
          else resolve(data)
        })
        void this.#send(text)
      })
    } finally {
      this.#requests--
      forget()
      this.adjustSoon()
    }
  }

  /** Ends the connection, all subscriptions and all tasks, for good. */
  close(): void {
    if (this.state === 'closed') return
    this.#rest('closed')
    this.#streams.close()
    this.#agenda.clear()
  }

  /** Ends the connection, or stops trying to make one. */
  #rest(state: ClientState, reason?: string): void {
    this.#drop()
    this.#enter(state, reason)
  }

  /** Connects or disconnects as needed, and sends the subscribe and unsubscribe commands that are due. */
  #adjust(): void {
    if (!this.#isNeeded) return ACTIVE.includes(this.state) ? this.#rest('idle') : undefined
    if (this.state === 'idle') this.#dial()
    if (this.state === 'connected') this.#tell(this.#streams.commands())
  }

  async #send(text: string): Promise<void> {
    const signal = this.#controller?.signal
    try {
      await this.#write?.(text)
    } catch (error) {
      if (!signal?.aborted) this.#lost({ reason: 'send', error }, 'send')
    }
  }

  get #isNeeded(): boolean {
    return this.#isCalledFor || this.#streams.size + this.#requests > 0
  }

  #tell(commands: readonly string[]): void {
    if (commands.length === 0) return
    if (this.#write) for (const text of textsOf(commands)) void this.#send(text)
    else if (this.#usesUrl) this.#dial()
    else this.#fail('send', new ClientError('ERR_CANNOT_SEND'))
  }

  readonly #onPage = ({ type, persisted }: PageEvent): void => {
    // In the back-forward cache, no connection may be open. A page that is not kept there is gone for good.
    if (type === 'pagehide') return persisted ? this.#rest('waiting', 'hidden') : undefined
    if (type === 'visibilitychange' && this.#page?.document?.visibilityState === 'hidden') return
    this.#watch?.probe()
    // After a goodbye, the time that it named counts. After `online`, the wait is random, because a whole office may come back online at the same
    // moment.
    if (type !== 'offline' && this.state === 'waiting' && !this.#goodbye) this.#planDial(type === 'online' ? this.#jitterMs(0) : 0)
  }

  #fail(stage: ClientStage, error: unknown): void {
    this.#events.error.tell({ error, stage })
  }

  #dial(): void {
    this.#drop()
    const controller = new AbortController()
    this.#controller = controller
    this.#agenda.plan('attempt', this.#options.connectTimeoutMs ?? 10_000, () => this.#lost({ reason: 'timeout' }))
    this.#enter('connecting')
    void this.#open(controller.signal)
  }

  /** Makes the connection. Events of an old connection are ignored, because its signal is aborted. */
  async #open(signal: RuntimeSignal & Signal): Promise<void> {
    // A listener to `state` may have ended the attempt.
    if (signal.aborted) return
    const lost = (loss: Loss): unknown => signal.aborted || this.#lost(loss)
    const failed = (error: unknown): unknown => lost({ reason: 'failed', error })
    try {
      const made = this.#options.connect(this.#contextOf(signal))
      // An `await` would delay the listeners, and a socket that exists already could fire its first event before it has them.
      const socket = 'then' in made ? await made : made
      // The attempt ended before the socket was made.
      if (signal.aborted) return hangUp(socket)
      this.#socket = socket
      socket.binaryType = 'arraybuffer'
      socket.onmessage = ({ data }: { readonly data: unknown }) => signal.aborted || this.#heard(data)
      socket.onclose = lost
      // An EventSource has no close event, and would come back by itself, together with all others. undici has none if the handshake failed.
      socket.onerror = failed
    } catch (error) {
      failed(error)
    }
  }

  #contextOf(signal: RuntimeSignal): ConnectContext {
    // In the getter, `this` is the context.
    const connector = this
    return {
      attempt: this.#failures,
      signal,
      get commands() {
        connector.#usesUrl = true
        return arrayOf(connector.#streams.commands())
      },
    }
  }

  #planDial(ms: number): void {
    this.#agenda.plan('attempt', ms, () => this.#dial())
  }

  #enter(state: ClientState, reason?: string, retryInMs?: number): void {
    this.state = state
    for (const type of PAGE_EVENTS) this.#page?.[ACTIVE.includes(state) ? 'addEventListener' : 'removeEventListener'](type, this.#onPage)
    this.#events.state.tell({ state, reason, retryInMs })
  }

  #drop(isLost?: boolean): void {
    const socket = this.#socket
    this.#controller?.abort()
    this.#controller = this.#socket = this.#watch = this.#write = this.#goodbye = undefined
    this.#usesUrl = false
    this.#agenda.cancel('attempt', 'look', 'goodbye')
    if (socket) hangUp(socket, isLost)
    this.#streams.disconnected()
  }

  #lost(loss: Loss, stage: ClientStage = 'connect'): void {
    const before = this.state
    const goodbye = this.#goodbye
    const { error } = loss
    const reason = goodbye?.reason ?? (loss.reason || 'closed')
    this.#drop(!goodbye)
    if (error) this.#fail(stage, error)
    const mayReturn = this.#mayReturn(loss, goodbye)
    // A listener, or `shouldReconnect`, may have connected or closed the client.
    if (this.#controller || this.state !== before) return
    if (!mayReturn || !this.#isNeeded) return this.#enter(mayReturn ? 'idle' : 'stopped', reason)
    if (goodbye?.reconnect) this.#goodbye = goodbye
    const ms = goodbye?.reconnect ? Math.max(0, goodbye.dueMs - this.#agenda.clock.monotonic()) : this.#jitterMs(this.#failures++)
    this.#planDial(ms)
    this.#enter('waiting', reason, ms)
  }

  #mayReturn(loss: Loss, goodbye: Goodbye | undefined): boolean {
    const advice = adviceOf(loss.code)
    const isAdvised = goodbye?.reconnect ?? (advice === 'retry' || (advice === 'renew' && this.#denials++ === 0))
    try {
      return this.#options.shouldReconnect?.(loss) ?? isAdvised
    } catch (error) {
      this.#fail('listener', error)
      return isAdvised
    }
  }

  #jitterMs(failures: number): number {
    return waitMs(failures, this.#options.backoff, this.#agenda.clock.random())
  }

  #heard(data: unknown): void {
    try {
      const frame = JSON.parse(textOf(data)) as WireObject
      const { type } = frame
      // If commands are sent by `send`, events do not show that the commands arrive. Only a pong does.
      if (!this.#write || this.#socket?.send || type === 'pong') this.#watch?.heard()
      if (type === 'goodbye') this.#leave(frame as unknown as GoodbyeFrame)
      else if (this.#watch) this.#streams.receive(frame)
      else if (type === 'welcome') this.#welcome(frame)
    } catch (error) {
      this.#fail('frame', error)
    }
  }

  #welcome({ version, connection_id: connectionId, idle_ms: idleMs, heartbeat_ms: heartbeatMs }: WireObject): void {
    if ((version as number) > VERSION) return this.#rest('stopped', 'version')
    const { send, pingMs = 25_000, pongMs = 10_000 } = this.#options
    this.#write = writerOf(this.#socket, this.#controller?.signal, send && ((text) => send(text, connectionId as string)))
    this.#agenda.plan('attempt', STABLE_MS, () => (this.#failures = this.#denials = 0))
    // For the server, 0 means never.
    const quietMs = this.#write ? Math.min(pingMs, (idleMs as number) / 2 || Infinity) : ((heartbeatMs as number) || Infinity) + pongMs
    const ask = this.#write && (() => void this.#send(PING))
    this.#watch = watchServer(this.#agenda, quietMs, pongMs, ask, () => this.#lost({ reason: 'silent' }))
    this.#enter('connected')
    this.#adjust()
  }

  /**
   * Plans the reconnect for a random moment in the time that the goodbye names, so that not all clients reconnect at once. Until then, the client
   * stays connected, and misses no messages. If the goodbye forbids a reconnect, the client waits for the server to close the connection.
   */
  #leave({ reason, reconnect, after_ms: afterMs = 0, within_ms: withinMs = afterMs }: GoodbyeFrame): void {
    const ms = afterMs + this.#agenda.clock.random() * (withinMs - afterMs)
    this.#goodbye = { reason, reconnect, dueMs: this.#agenda.clock.monotonic() + ms }
    if (reconnect) this.#agenda.plan('goodbye', ms, () => this.#lost({ reason }))
  }
}

declare class TextDecoder {
  decode(bytes: unknown): string
}

/** Returns the text of a message. A text message comes as a string, and a binary message as bytes. */
function textOf(data: unknown): string {
  return typeof data === 'string' ? data : new TextDecoder().decode(data)
}
