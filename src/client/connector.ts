import type { WireObject } from '../model/wire-reading.ts'
import type { Agenda } from './agenda.ts'
import { waitMs } from './backoff.ts'
import type { ClientEvents, ClientState, EventListeners } from './client-events.ts'
import type { ConnectContext, ResolvedOptions } from './client-options.ts'
import { adviceOf } from './close-code.ts'
import { arrayOf } from './commands.ts'
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
  /** Returns the subscribe commands that are due, and takes them as given. */
  commands(): readonly string[]
}

/** What a goodbye says: whether to come back, and when. */
interface Goodbye {
  readonly reason: string
  readonly isReturn: boolean
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
  /** True if what is wanted stands in the URL, so that another wish needs another connection. */
  commandsAreInUrl = false
  readonly #agenda: Agenda
  readonly #options: ResolvedOptions
  readonly #events: EventListeners
  readonly #hooks: ConnectorHooks
  #link: Link | undefined
  #watch: Watch | undefined
  #send: ((text: string) => unknown) | undefined
  #goodbye: Goodbye | undefined
  #welcomedMs = Infinity
  #failures = 0
  #denials = 0

  constructor(agenda: Agenda, options: ResolvedOptions, events: EventListeners, hooks: ConnectorHooks) {
    this.#agenda = agenda
    this.#options = options
    this.#events = events
    this.#hooks = hooks
  }

  get canSend(): boolean {
    return this.#send !== undefined
  }

  /** Connects now, unless that is under way or done. */
  connect(): void {
    if (this.state === 'stopped') this.#failures = this.#denials = 0
    if (!this.#link) this.#dial()
  }

  /** Connects anew, at once. */
  renew(): void {
    this.#drop(false)
    this.#dial()
  }

  /** Ends the connection, or the attempts to make one. */
  rest(state: ClientState, reason?: string): void {
    this.#drop(false)
    this.#enter(state, reason)
  }

  send(text: string): void {
    const link = this.#link
    if (this.#watch) this.#watch.sentMs = this.#agenda.nowMs
    void guarded(
      () => this.#send?.(text),
      (error) => link === this.#link && this.#lost({ reason: 'send', error }),
    )
  }

  /** The page goes into the back-forward cache, where no connection may be open. */
  hide(): void {
    if (this.#link || this.state === 'waiting') this.rest('waiting', 'hidden')
  }

  /** Asks whether the server is still there; or, without a connection, waits no longer than `ms`. A goodbye counts more. */
  hurry(ms: number): void {
    this.#watch?.probe()
    if (this.state === 'waiting' && !this.#goodbye) this.#planDial(Math.min(ms, this.#agenda.msUntil('dial')))
  }

  #dial(): void {
    const { connect, connectTimeoutMs } = this.#options
    const link = new Link((data) => this.#heard(data), (loss) => this.#lost(loss))
    this.#link = link
    this.#goodbye = undefined
    this.commandsAreInUrl = false
    this.#agenda.plan('dial', connectTimeoutMs, () => this.#lost({ reason: 'timeout' }))
    this.#enter('connecting')
    // A listener may have ended it.
    if (this.#link === link) void link.open((signal) => connect(this.#contextOf(signal)))
  }

  #contextOf(signal: RuntimeSignal): ConnectContext {
    const commands = (): string => {
      this.commandsAreInUrl = true
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
    const isAdvised = goodbye?.isReturn ?? (advice === 'retry' || (advice === 'renew' && this.#denials++ === 0))
    try {
      return this.#options.shouldReconnect?.(loss) ?? isAdvised
    } catch (error) {
      this.#events.fail('listener', error)
      return isAdvised
    }
  }

  #wait(reason: string, goodbye: Goodbye | undefined): void {
    const isCalled = goodbye?.isReturn
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
    const { options, link } = { options: this.#options, link: this.#link as Link }
    const { send } = options
    const { socket } = link
    link.isWelcomed = true
    if (socket?.send) this.#send = (text) => socket.send?.(text)
    else if (send) this.#send = (text) => send(text, String(connectionId))
    this.#welcomedMs = this.#agenda.nowMs
    this.#agenda.cancel('dial')
    const patience = { ...options, idleMs: orNever(idleMs), heartbeatMs: orNever(heartbeatMs) }
    this.#watch = new Watch(this.#agenda, patience, this.#send && (() => this.send(PING)), () => this.#lost({ reason: 'silent' }))
    this.#enter('connected')
  }

  /** Stays until its turn, so that not all come back at once, and nobody misses anything meanwhile. */
  #leave({ reason, reconnect, after_ms: afterMs, within_ms: withinMs }: WireObject): void {
    const { nowMs, clock } = this.#agenda
    const [from = 0, to = 0] = [afterMs, withinMs] as (number | undefined)[]
    const ms = from + clock.random() * Math.max(0, to - from)
    this.#goodbye = { reason: String(reason), isReturn: reconnect === true, dueMs: nowMs + ms }
    if (reconnect) this.#agenda.plan('goodbye', ms, () => this.#lost({ reason: String(reason) }))
  }
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
