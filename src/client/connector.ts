import type { WireObject } from '../model/wire-reading.ts'
import type { Agenda } from './agenda.ts'
import { waitMs } from './backoff.ts'
import type { ClientEvents, ClientState, EventListeners } from './client-events.ts'
import type { ConnectContext, ResolvedOptions } from './client-options.ts'
import { adviceOf } from './close-code.ts'
import { ClientError } from './client-error.ts'
import { arrayOf, textsOf } from './commands.ts'
import { Lifecycle, type PageChange } from './lifecycle.ts'
import { guarded } from './guarded-call.ts'
import { Link, type Loss, type RuntimeSignal } from './link.ts'
import { Watch } from './watch.ts'

/** What the connector needs of the rest of the client. */
export interface ConnectorHooks {
  /** The client has entered another state. */
  entered(change: ClientEvents['state']): void
  /** A frame that is not about the connection itself. */
  frame(frame: WireObject): void
  /** The connection ended: what was asked on it will not be answered. */
  ended(): void
  /** True if somebody needs a connection. */
  isNeeded(): boolean
  /** Returns the commands that are due, and takes them as given. */
  commands(): readonly string[]
}

/** What a goodbye says: whether to come back, and when. */
interface Goodbye {
  readonly reason: string
  readonly reconnect: boolean
  readonly dueMs: number
}

/** A server of a newer version might mean something else. */
const VERSION = 1

/** A connection that lasted so long was no failure. */
const STABLE_MS = 5_000

const PING = '{"command":"ping","id":0}'

/** Decides when to connect, and whether to connect again. It holds one connection at most. */
export class Connector {
  state: ClientState = 'idle'
  readonly #agenda: Agenda
  readonly #options: ResolvedOptions
  readonly #events: EventListeners
  readonly #hooks: ConnectorHooks
  readonly #lifecycle: Lifecycle
  #link: Link | undefined
  #watch: Watch | undefined
  #send: ((text: string) => unknown) | undefined
  /** True if what is wanted stands in the URL, so that another wish needs another connection. */
  #usesUrl = false
  #goodbye: Goodbye | undefined
  #welcomedMs = Infinity
  #failures = 0
  #denials = 0

  constructor(agenda: Agenda, options: ResolvedOptions, events: EventListeners, hooks: ConnectorHooks) {
    this.#agenda = agenda
    this.#options = options
    this.#events = events
    this.#hooks = hooks
    this.#lifecycle = new Lifecycle(options.lifecycle, (change) => this.#told(change))
  }

  get canSend(): boolean {
    return this.#send !== undefined
  }

  /** Connects now, unless that is under way or done. */
  connect(): void {
    if (this.state === 'stopped') this.#failures = this.#denials = 0
    if (!this.#link) this.#dial()
  }

  /** Ends the connection, or the attempts to make one. */
  rest(state: ClientState, reason?: string): void {
    this.#drop(false)
    this.#enter(state, reason)
  }

  /** Makes of the connection what is needed now, and tells the server what is wanted now. */
  adjust(): void {
    const { state } = this
    if (!this.#hooks.isNeeded()) return isActive(state) ? this.rest('idle') : undefined
    if (state === 'idle') this.#dial()
    if (state === 'connected') this.#tell(this.#hooks.commands())
  }

  send(text: string): void {
    const link = this.#link
    void guarded(
      () => this.#send?.(text),
      (error) => link === this.#link && this.#lost({ reason: 'send', error }),
    )
  }

  #tell(commands: readonly string[]): void {
    if (this.#send) for (const text of textsOf(commands)) this.send(text)
    else if (commands.length === 0) return
    else if (this.#usesUrl) this.#redial()
    else this.#events.fail('send', new ClientError('ERR_CANNOT_SEND'))
  }

  #told(change: PageChange): void {
    // In the back-forward cache, no connection may be open.
    if (change === 'hides') return this.rest('waiting', 'hidden')
    this.#watch?.probe()
    // A goodbye counts more. And a whole office may come back online at the same moment.
    const ms = change === 'online' ? this.#agenda.clock.random() * this.#options.backoff.minMs : 0
    if (this.state === 'waiting' && !this.#goodbye) this.#planDial(Math.min(ms, this.#agenda.msUntil('dial')))
  }

  #redial(): void {
    this.#drop(false)
    this.#dial()
  }

  #dial(): void {
    const { connect, connectTimeoutMs } = this.#options
    const link = new Link((data) => this.#heard(data), (loss) => this.#lost(loss))
    this.#link = link
    this.#goodbye = undefined
    this.#usesUrl = false
    this.#agenda.plan('dial', connectTimeoutMs, () => this.#lost({ reason: 'timeout' }))
    this.#enter('connecting')
    // A listener may have ended it.
    if (this.#link === link) void link.open((signal) => connect(this.#contextOf(signal)))
  }

  #contextOf(signal: RuntimeSignal): ConnectContext {
    const commands = (): string => {
      this.#usesUrl = true
      return arrayOf(this.#hooks.commands())
    }
    return {
      attempt: this.#failures,
      signal,
      get commands() {
        return commands()
      },
    }
  }

  #planDial(ms: number): void {
    this.#agenda.plan('dial', ms, () => this.#dial())
  }

  #enter(state: ClientState, reason?: string, retryInMs?: number): void {
    this.state = state
    this.#lifecycle.listen(isActive(state))
    this.#hooks.entered({ state, reason, retryInMs })
  }

  #drop(isSilent: boolean): void {
    const link = this.#link
    this.#link = this.#watch = this.#send = this.#goodbye = undefined
    this.#welcomedMs = Infinity
    this.#agenda.cancel('dial', 'look', 'goodbye')
    link?.end(isSilent)
    this.#hooks.ended()
  }

  #lost(loss: Loss): void {
    const { reason, error } = loss
    const before = this.state
    const goodbye = this.#goodbye
    if (this.#agenda.nowMs - this.#welcomedMs >= STABLE_MS) this.#failures = this.#denials = 0
    this.#drop(reason === 'silent' || reason === 'timeout')
    if (error) this.#events.fail(reason === 'send' ? 'send' : 'connect', error)
    const mayReturn = this.#mayReturn(loss, goodbye)
    // A listener, or `shouldReconnect`, may have connected or closed the client.
    if (this.#link || this.state !== before) return
    if (mayReturn && this.#hooks.isNeeded()) this.#wait(goodbye?.reason ?? reason, goodbye)
    else this.#enter(mayReturn ? 'idle' : 'stopped', goodbye?.reason ?? reason)
  }

  #mayReturn(loss: Loss, goodbye: Goodbye | undefined): boolean {
    const advice = adviceOf(loss.code)
    const isAdvised = goodbye?.reconnect ?? (advice === 'retry' || (advice === 'renew' && this.#denials++ === 0))
    try {
      return this.#options.shouldReconnect?.(loss) ?? isAdvised
    } catch (error) {
      this.#events.fail('listener', error)
      return isAdvised
    }
  }

  #wait(reason: string, goodbye: Goodbye | undefined): void {
    const isCalled = goodbye?.reconnect
    const { nowMs, clock } = this.#agenda
    const ms = isCalled ? Math.max(0, goodbye.dueMs - nowMs) : waitMs(this.#failures++, this.#options.backoff, clock.random())
    if (isCalled) this.#goodbye = goodbye
    this.#planDial(ms)
    this.#enter('waiting', reason, ms)
  }

  #heard(data: unknown): void {
    this.#watch?.heard()
    try {
      const frame = JSON.parse(textOf(data)) as WireObject
      const { type } = frame
      if (type === 'goodbye') this.#leave(frame)
      else if (this.#watch) this.#hooks.frame(frame)
      else if (type === 'welcome') this.#welcome(frame)
    } catch (error) {
      this.#events.fail('frame', error)
    }
  }

  #welcome({ version, connection_id: connectionId, idle_ms: idleMs, heartbeat_ms: heartbeatMs }: WireObject): void {
    if ((version as number) > VERSION) return this.rest('stopped', 'version')
    const { send, pingMs, pongMs } = this.#options
    const link = this.#link as Link
    const { socket } = link
    link.isWelcomed = true
    if (socket?.send) this.#send = (text) => socket.send?.(text)
    else if (send) this.#send = (text) => send(text, String(connectionId))
    this.#welcomedMs = this.#agenda.nowMs
    this.#agenda.cancel('dial')
    const patience = { pingMs: Math.min(pingMs, orNever(idleMs) / 2), pongMs, heartbeatMs: orNever(heartbeatMs) }
    this.#watch = new Watch(this.#agenda, patience, this.#send && (() => this.send(PING)), () => this.#lost({ reason: 'silent' }))
    this.#enter('connected')
  }

  /** Stays until its turn, so that not all come back at once, and nobody misses anything meanwhile. */
  #leave({ reason, reconnect, after_ms: afterMs, within_ms: withinMs }: WireObject): void {
    const { nowMs, clock } = this.#agenda
    const [from = 0, to = 0] = [afterMs, withinMs] as (number | undefined)[]
    const ms = from + clock.random() * Math.max(0, to - from)
    const goodbye = { reason: String(reason), reconnect: Boolean(reconnect), dueMs: nowMs + ms }
    this.#goodbye = goodbye
    if (reconnect) this.#agenda.plan('goodbye', ms, () => this.#lost(goodbye))
  }
}

/** True if there is a connection, or will be. */
function isActive(state: ClientState): boolean {
  return state === 'connecting' || state === 'connected' || state === 'waiting'
}

/** In a welcome, 0 is never. */
function orNever(ms: unknown): number {
  return (ms as number) || Infinity
}

declare class TextDecoder {
  decode(bytes: unknown): string
}

/** Returns the text of a message. ws and undici give a text as a string, and binary messages as bytes. */
function textOf(data: unknown): string {
  return typeof data === 'string' ? data : new TextDecoder().decode(data)
}
