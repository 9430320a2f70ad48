import { createClient, type Client, type ClientOptions, type ClientSocket } from '../../src/client/index.ts'
import type { StreamCatalogue, TradingStreams } from '../../src/index.ts'
import { ManualClock } from './manual-clock.ts'

/** A clock that stands still, with a chance that a test decides on. */
export class ClientTestClock extends ManualClock {
  /** What `random` answers next, and the last of them from then on. */
  randoms: number[] = [0.5]

  random(): number {
    return (this.randoms.length > 1 ? this.randoms.shift() : this.randoms[0]) as number
  }

  /** Lets time pass, after all that is due now, and runs what promises do then. */
  async pass(ms: number): Promise<void> {
    await settled()
    this.advance(ms)
    await settled()
  }

  /** The machine sleeps: no timer fires in that time, and all that are due fire late. */
  async sleep(ms: number, isMonotonic: boolean): Promise<void> {
    if (isMonotonic) this.lateMs += ms
    this.jump(ms)
    await this.pass(0)
  }

  /** How far the monotonic clock is ahead of the timers. */
  lateMs = 0

  override monotonic(): number {
    return super.monotonic() + this.lateMs
  }
}

/** Runs what promises do that are settled. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}

export type Frame = Record<string, unknown>

interface Command extends Frame {
  readonly command: string
  readonly id: number
}

/** A socket, as a client sees it and as its server does. */
export class TestSocket implements ClientSocket {
  onmessage: unknown = null
  onclose: unknown = null
  onerror: unknown = null
  /** The texts that the client has sent. */
  readonly sent: string[] = []
  /** How the client ended it. */
  ending: 'close' | 'terminate' | undefined
  /** Commands that the server has not answered. */
  readonly open: Command[] = []
  /** True if the server answers commands by itself. */
  isAnswering = true

  send(text: string): void {
    this.sent.push(text)
    const commands = ([] as Command[]).concat(JSON.parse(text) as Command | Command[])
    for (const command of commands) {
      if (this.isAnswering) this.answer(command)
      else this.open.push(command)
    }
  }

  close(): void {
    this.ending ??= 'close'
  }

  terminate(): void {
    this.ending = 'terminate'
  }

  /** All commands of the client, pings excepted, without their ids. */
  get commands(): Frame[] {
    const commands = this.sent.flatMap((text) => JSON.parse(text) as Command | Command[])
    return commands.filter(({ command }) => command !== 'ping').map(({ id: _, ...rest }) => rest)
  }

  get pings(): number {
    return this.sent.filter((text) => text.includes('"ping"')).length
  }

  /** Answers as a server with a recovery does that knows nothing yet. */
  answer({ command, id, stream_type, symbol, position }: Command, facts: Frame = {}): void {
    if (command === 'ping') this.receive({ type: 'pong', id })
    else if (command === 'unsubscribe') this.receive({ type: 'unsubscribed', id, stream_type, symbol: symbol ?? null })
    else if (command === 'subscribe') {
      const recovered = position === undefined ? null : true
      const answer = { position: position ?? 'e1:0', recovered, contiguous: true, delivery: 'every', ...facts }
      this.receive({ type: 'subscribed', id, stream_type, symbol: symbol ?? null, ...answer })
    } else this.receive({ type: 'result', id, data: null, ...facts })
  }

  /** Answers the oldest open command. */
  answerNext(facts: Frame = {}): void {
    const command = this.open.shift()
    if (command === undefined) throw new Error('No command is open')
    this.answer(command, facts)
  }

  /** Refuses the oldest open command. */
  refuseNext(facts: Frame): void {
    this.receive({ type: 'refused', id: this.open.shift()?.id, ...facts })
  }

  welcome(facts: Frame = {}): void {
    this.receive({ type: 'welcome', version: 1, connection_id: 'c1', idle_ms: 0, heartbeat_ms: 0, ...facts })
  }

  receive(frame: Frame): void {
    this.hand(JSON.stringify(frame))
  }

  /** Hands any data to the client. */
  hand(data: unknown): void {
    ;(this.onmessage as ((event: object) => void) | null)?.({ data })
  }

  /** The connection ends, for the client. */
  lose(code = 1006, reason = ''): void {
    ;(this.onclose as ((event: object) => void) | null)?.({ code, reason })
  }

  fail(error: unknown): void {
    ;(this.onerror as ((event: unknown) => void) | null)?.({ error })
  }
}

/** An `EventSource`, as a client sees it: it cannot send, and has no close event. */
export class TestEventSource extends TestSocket {
  override send = undefined as never
  override terminate = undefined as never
}

export interface World<TStreams extends StreamCatalogue> {
  readonly client: Client<TStreams>
  readonly clock: ClientTestClock
  /** All sockets that the client has made, the last one last. */
  readonly sockets: TestSocket[]
  /** The last socket. */
  readonly socket: TestSocket
  /** Waits until the client has asked for a connection, and welcomes it. */
  welcome(facts?: Frame): Promise<TestSocket>
  /** What the client has told its listeners of states, the newest last: `connecting`, `waiting 500`, `stopped 4403`. */
  readonly states: string[]
  readonly errors: { readonly error: unknown; readonly stage: string }[]
}

/** Returns a client with a clock that stands still, and the server's ends of its connections. */
export function worldOf<TStreams extends StreamCatalogue = TradingStreams>(options: Partial<ClientOptions> = {}): World<TStreams> {
  const clock = new ClientTestClock()
  const sockets: TestSocket[] = []
  const connect = (): TestSocket => {
    const socket = new TestSocket()
    sockets.push(socket)
    return socket
  }
  const client = createClient<TStreams>({ connect, clock, ...options })
  const states: string[] = []
  const errors: { readonly error: unknown; readonly stage: string }[] = []
  client.on('state', ({ state, reason, retryInMs }) => states.push([state, reason, retryInMs].filter((fact) => fact !== undefined).join(' ')))
  client.on('error', (failure) => errors.push(failure))
  return {
    client,
    clock,
    sockets,
    states,
    errors,
    get socket() {
      return sockets.at(-1) as TestSocket
    },
    async welcome(facts) {
      await settled()
      const socket = sockets.at(-1) as TestSocket
      socket.welcome(facts)
      await settled()
      return socket
    },
  }
}

/** Returns the wire form of a message; `e1:7` is its place. */
export function message(place: string | undefined, { streamType = 'TRADES', symbol = 'A' as string | null, ...facts }: Frame = {}): Frame {
  const [epoch, seq] = place?.split(':') ?? []
  const wire = { stream_type: streamType, symbol, data: place ?? 'sent', timestamp: '2026-01-31T12:00:00.000Z', user_id: null }
  return { ...wire, ...(place !== undefined && { epoch, seq: Number(seq) }), ...facts }
}

/** What a listener was told, in short: `e1:7`, `gap 3`, `gap ?`, `status ERROR`, `ended ERR_FORBIDDEN`. */
export function told(updates: readonly { readonly type?: string | undefined }[]): string[] {
  return updates.map((update) => {
    const { type, data, dropped = '?', status, code, snapshot } = update as Frame
    if (type === undefined) return snapshot === true ? `snapshot ${String(data)}` : String(data)
    return `${String(type)} ${String(type === 'gap' ? dropped : (status ?? code))}`
  })
}
