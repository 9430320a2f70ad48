import type { WireObject } from '../model/wire-reading.ts'
import type { Agenda } from './agenda.ts'
import { waitMs } from './backoff.ts'
import { ClientError } from './client-error.ts'
import type { ClientStage, ClientState, EventListeners } from './client-events.ts'
import type { ClientOptions, ConnectContext } from './client-options.ts'
import { adviceOf } from './close-code.ts'
import { arrayOf, textsOf } from './commands.ts'
import { listenTo, runtimeLifecycle, type LifecycleTarget, type PageEvent } from './lifecycle.ts'
import { Link, type Loss } from './link.ts'
import type { OpenCommands } from './open-commands.ts'
import type { RuntimeSignal } from './signal.ts'
import type { WantedStreams } from './wanted-streams.ts'
import { Watch } from './watch.ts'

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

/** The version of the protocol that the client speaks. In a newer version, frames may have other meanings. */
const VERSION = 1

/** A connection that lasted at least this many milliseconds does not count as a failure. */
const STABLE_MS = 5_000

const PING = '{"command":"ping","id":0}'

/** The states in which the client has a connection, or will make one. */
const ACTIVE: readonly ClientState[] = ['connecting', 'connected', 'waiting']

/** Decides when to connect, and whether to connect again. A connector has one connection at most. */
export class Connector {
  state: ClientState = 'idle'
  /** True if the client needs a connection even without subscriptions and requests. */
  isCalledFor = false
  /** How many requests the server has not answered yet. */
  requests = 0
  /** Sends a text. `undefined` if there is no connection, or if the connection only receives. */
  write: ((text: string) => unknown) | undefined
  readonly #agenda: Agenda
  readonly #options: ClientOptions
  readonly #events: EventListeners
  readonly #streams: WantedStreams
  readonly #commands: OpenCommands
  readonly #page: LifecycleTarget | null
  #link: Link | undefined
  #watch: Watch | undefined
  /**
   * True if the URL of the connection has the subscribe commands. If the client has no other way to send commands, it makes a new connection to
   * change its streams.
   */
  #usesUrl = false
  #goodbye: Goodbye | undefined
  #welcomedMs = Infinity
  #failures = 0
  #denials = 0

  constructor(agenda: Agenda, options: ClientOptions, events: EventListeners, streams: WantedStreams, commands: OpenCommands) {
    this.#agenda = agenda
    this.#options = options
    this.#events = events
    this.#streams = streams
    this.#commands = commands
    const { lifecycle = runtimeLifecycle() } = options
    this.#page = lifecycle
  }

  /** Connects now, unless the client is already connected or connecting. */
  connect(): void {
    if (this.state === 'stopped') this.#failures = this.#denials = 0
    if (!this.#link) this.#dial()
  }

  /** Ends the connection, or stops trying to make one. */
  rest(state: ClientState, reason?: string): void {
    this.#drop()
    this.#enter(state, reason)
  }

  /** Connects or disconnects as needed, and sends the subscribe and unsubscribe commands that are due. */
  adjust(): void {
    const { state } = this
    if (!this.#isNeeded) return ACTIVE.includes(state) ? this.rest('idle') : undefined
    if (state === 'idle') this.#dial()
    if (state === 'connected') this.#tell(this.#streams.commands())
  }

  async send(text: string): Promise<void> {
    const link = this.#link
    try {
      await this.write?.(text)
    } catch (error) {
      this.#lost({ reason: 'send', error }, link)
    }
  }

  get #isNeeded(): boolean {
    return this.isCalledFor || this.#streams.size + this.requests > 0
  }

  #tell(commands: readonly string[]): void {
    if (commands.length === 0) return
    if (this.write) for (const text of textsOf(commands)) void this.send(text)
    else if (this.#usesUrl) this.#dial()
    else this.#fail('send', new ClientError('ERR_CANNOT_SEND'))
  }

  readonly #onPage = ({ type, persisted }: PageEvent): void => {
    // In the back-forward cache, no connection may be open. A page that is not kept there is gone for good.
    if (type === 'pagehide') return persisted ? this.rest('waiting', 'hidden') : undefined
    if (type === 'visibilitychange' && this.#page?.document?.visibilityState === 'hidden') return
    this.#watch?.probe()
    // A goodbye counts more. And a whole office may come back online at the same moment.
    if (type !== 'offline' && this.state === 'waiting' && !this.#goodbye) this.#planDial(type === 'online' ? this.#jitterMs(0) : 0)
  }

  #fail(stage: ClientStage, error: unknown): void {
    this.#events.error.tell({ error, stage })
  }

  #dial(): void {
    const { connect, connectTimeoutMs = 10_000 } = this.#options
    this.#drop()
    const link = new Link()
    this.#link = link
    this.#usesUrl = false
    this.#agenda.plan('dial', connectTimeoutMs, () => this.#lost({ reason: 'timeout' }))
    this.#enter('connecting')
    // A listener may have ended it.
    if (this.#link !== link) return
    void link.open((signal) => connect(this.#contextOf(signal)), {
      // What an old connection tells is not heard.
      heard: ({ data }) => link === this.#link && this.#heard(data),
      lost: (loss) => this.#lost(loss, link),
    })
  }

  #contextOf(signal: RuntimeSignal): ConnectContext {
    const commands = (): string => {
      this.#usesUrl = true
      return arrayOf(this.#streams.commands())
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
    listenTo(this.#page, ACTIVE.includes(state), this.#onPage)
    this.#events.state.tell({ state, reason, retryInMs })
    if (state === 'connected') this.adjust()
  }

  #drop(isLost = false): void {
    const link = this.#link
    this.#link = this.#watch = this.write = this.#goodbye = undefined
    this.#welcomedMs = Infinity
    this.#agenda.cancel('dial', 'look', 'goodbye')
    link?.end(isLost)
    this.#streams.disconnected()
    this.#commands.disconnected()
  }

  #lost(loss: Loss, link: Link | undefined = this.#link): void {
    // An old connection may end as it likes.
    if (link !== this.#link) return
    const before = this.state
    const goodbye = this.#goodbye
    const { error } = loss
    const reason = goodbye?.reason ?? (loss.reason || 'closed')
    if (this.#agenda.nowMs - this.#welcomedMs >= STABLE_MS) this.#failures = this.#denials = 0
    this.#drop(!goodbye)
    if (error) this.#fail(loss.reason === 'send' ? 'send' : 'connect', error)
    const mayReturn = this.#mayReturn(loss, goodbye)
    // A listener, or `shouldReconnect`, may have connected or closed the client.
    if (this.#link || this.state !== before) return
    if (mayReturn && this.#isNeeded) this.#wait(reason, goodbye?.reconnect ? goodbye : undefined)
    else this.#enter(mayReturn ? 'idle' : 'stopped', reason)
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

  #wait(reason: string, goodbye: Goodbye | undefined): void {
    this.#goodbye = goodbye
    const ms = goodbye ? Math.max(0, goodbye.dueMs - this.#agenda.nowMs) : this.#jitterMs(this.#failures++)
    this.#planDial(ms)
    this.#enter('waiting', reason, ms)
  }

  #jitterMs(failures: number): number {
    return waitMs(failures, this.#options.backoff ?? {}, this.#agenda.clock.random())
  }

  #heard(data: unknown): void {
    try {
      const frame = JSON.parse(textOf(data)) as WireObject
      const { type } = frame
      // What comes as events tells nothing of commands that leave beside them.
      if (!this.write || this.#link?.socket?.send || type === 'pong') this.#watch?.heard()
      if (type === 'goodbye') this.#leave(frame as unknown as GoodbyeFrame)
      else if (this.#watch) this.#pass(frame)
      else if (type === 'welcome') this.#welcome(frame)
    } catch (error) {
      this.#fail('frame', error)
    }
  }

  /**
   * Passes a frame to the commands or streams that it concerns. Frames of unknown types are ignored, so that the server can be newer than the client.
   */
  #pass(frame: WireObject): void {
    if (this.#commands.answer(frame)) return
    if (frame['type'] === 'unsubscribed') this.#streams.unsubscribed(frame)
    else this.#streams.receive(frame)
  }

  #welcome({ version, connection_id: connectionId, idle_ms: idleMs, heartbeat_ms: heartbeatMs }: WireObject): void {
    if ((version as number) > VERSION) return this.rest('stopped', 'version')
    const { send, pingMs = 25_000, pongMs = 10_000 } = this.#options
    this.write = this.#link?.writer(send && ((text) => send(text, connectionId as string)))
    this.#welcomedMs = this.#agenda.nowMs
    this.#agenda.cancel('dial')
    const quietMs = this.write ? Math.min(pingMs, orNever(idleMs) / 2) : orNever(heartbeatMs) + pongMs
    const ask = this.write && (() => void this.send(PING))
    this.#watch = new Watch(this.#agenda, { quietMs, answerMs: pongMs }, ask, () => this.#lost({ reason: 'silent' }))
    this.#enter('connected')
  }

  /**
   * Plans the reconnect for a random moment in the time that the goodbye names, so that not all clients reconnect at once. Until then, the client
   * stays connected, and misses no messages.
   */
  #leave({ reason, reconnect, after_ms: afterMs = 0, within_ms: withinMs = 0 }: GoodbyeFrame): void {
    const { nowMs, clock } = this.#agenda
    const ms = afterMs + clock.random() * Math.max(0, withinMs - afterMs)
    this.#goodbye = { reason, reconnect, dueMs: nowMs + ms }
    if (reconnect) this.#agenda.plan('goodbye', ms, () => this.#lost({ reason }))
  }
}

/** Returns a duration from a welcome. `0` means never, and becomes `Infinity`. */
function orNever(ms: unknown): number {
  return (ms as number) || Infinity
}

declare class TextDecoder {
  decode(bytes: unknown): string
}

/** Returns the text of a message. With ws and undici, a text message is a string, and a binary message is bytes. */
function textOf(data: unknown): string {
  return typeof data === 'string' ? data : new TextDecoder().decode(data)
}
