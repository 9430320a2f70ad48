// A server of the clients' protocol on real ws. It publishes what the conductor sends it.
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocketServer, type WebSocket } from 'ws'
import { serveWebSockets, type WebSocketHost } from '../../../src/hosts/ws.ts'
import { ConnectionManager, type Connection, type PublishableMessage } from '../../../src/index.ts'
import { createCommandServer } from '../../../src/protocol/index.ts'
import { createRecovery } from '../../../src/recovery/index.ts'
import type { Beginning, Entry, FromServer, ToServer } from './messages.ts'
import { streams } from './streams.ts'

/** Long enough for a link to break in the middle of it. */
const BOOK_UNITS = 100_000
const HARD_LIMIT_BYTES = 1_048_576
const HEARTBEAT_MS = 1_000
/** Answers take a moment, so that messages come before them. */
const MOST_THOUGHT_MS = 15

type Metadata = { readonly client: number }

class Server {
  readonly #books: Record<string, number>
  readonly #tokens: Record<number, number>
  readonly #connections = new Map<number, Connection<WebSocket, typeof streams, Metadata>>()
  readonly #sockets = new WebSocketServer({ host: '127.0.0.1', port: 0, maxPayload: 16_384 })
  readonly #recovery
  readonly #manager
  readonly #commands
  readonly #host: WebSocketHost

  constructor({ hasRecovery, history, books, tokens }: Beginning) {
    this.#books = { ...books }
    this.#tokens = { ...tokens }
    this.#recovery = hasRecovery ? this.#createRecovery(history) : undefined
    this.#manager = new ConnectionManager<WebSocket, typeof streams, Metadata>({
      streams,
      delivery: { softLimitBytes: 65_536, hardLimitBytes: HARD_LIMIT_BYTES },
      ...(this.#recovery && { recorder: this.#recovery }),
    })
    // A half-open link does not close in time.
    this.#manager.on('error', () => {})
    this.#commands = createCommandServer(this.#manager, {
      recovery: this.#recovery,
      authorize: () => sleep(Math.random() * MOST_THOUGHT_MS, true),
      commands: { echo: ({ data }) => data },
    })
    this.#welcomeUsers()
    this.#host = serveWebSockets(this.#sockets, {
      manager: this.#manager,
      commands: this.#commands,
      heartbeatMs: HEARTBEAT_MS,
      authenticate: ({ url }: IncomingMessage) => this.#authenticate(new URL(url ?? '', 'ws://localhost').searchParams),
    })
  }

  async port(): Promise<number> {
    await once(this.#sockets, 'listening')
    return (this.#sockets.address() as AddressInfo).port
  }

  publish({ padding, ...entry }: Entry): void {
    const { streamType, symbol, data } = entry
    // The book has to contain what is published.
    if (streamType === 'BOOK') this.#books[String(symbol)] = Number(data.n)
    const message = padding === undefined ? entry : { ...entry, data: { ...data, padding: 'x'.repeat(padding) } }
    this.#manager.publish(message as PublishableMessage<typeof streams>)
  }

  /** From now on, a client may come only with this token. */
  expire(client: number, token: number, code: number): void {
    this.#tokens[client] = token
    void this.#connections.get(client)?.remove({ code, reason: 'expired' })
  }

  drain(withinMs: number): Promise<number> {
    return this.#commands.drain({ withinMs })
  }

  export(): string | undefined {
    return this.#recovery?.export()
  }

  async end(): Promise<void> {
    await this.#host.close({ withinMs: 0 })
    await this.#manager.cleanup()
  }

  #createRecovery(restore: string | undefined) {
    return createRecovery<typeof streams>({
      restore,
      // What a client misses is kept for it, except changes of books: there it is sent the book.
      history: { count: 10_000, units: Infinity, byType: { BOOK: { count: 3 }, CHART: { count: 5 } } },
      replay: { count: 5_000 },
      snapshot: ({ streamType, symbol }) => (streamType === 'BOOK' ? { n: this.#books[String(symbol)] ?? 0, padding: 'x'.repeat(BOOK_UNITS) } : undefined),
    })
  }

  /** Users are subscribed to their orders before they ask. What comes before the answer does not belong to the client's own subscription. */
  #welcomeUsers(): void {
    const connections = this.#connections
    this.#manager.on('connectionAdded', ({ connection }) => {
      connections.set(connection.metadata.client, connection)
      this.#manager.addSubscription({ userId: connection.userId, streamType: 'ORDER_UPDATES' })
    })
    this.#manager.on('connectionRemoved', ({ connection }) => {
      const { client } = connection.metadata
      if (connections.get(client) === connection) connections.delete(client)
    })
  }

  async #authenticate(query: URLSearchParams): Promise<{ readonly userId: string; readonly metadata: Metadata } | undefined> {
    await sleep(Math.random() * MOST_THOUGHT_MS)
    const client = Number(query.get('client'))
    if (Number(query.get('token')) !== (this.#tokens[client] ?? 0)) return refuse(client)
    return { userId: query.get('user') ?? '', metadata: { client } }
  }
}

/** Half of the clients are closed with 4401, the others with 1008. */
function refuse(client: number): undefined {
  if (client % 2 === 0) return undefined
  throw Object.assign(new Error('expired'), { code: 'ERR_EXPIRED' })
}

let server: Server | undefined

async function obey(message: ToServer): Promise<void> {
  if (message.type === 'begin') {
    server = new Server(message)
    void tell({ type: 'listening', port: await server.port() })
  } else if (message.type === 'publish') {
    for (const entry of message.entries) server?.publish(entry)
    void tell({ type: 'acknowledged', count: message.entries.length })
  } else if (message.type === 'expire') {
    server?.expire(message.client, message.token, message.code)
  } else if (message.type === 'drain') {
    void tell({ type: 'drained', stayed: (await server?.drain(message.withinMs)) ?? 0 })
  } else {
    const told = tell({ type: 'left', history: server?.export() })
    await server?.end()
    // A long history is still on its way. The end of the process would cut it off.
    await told
    process.exit(0)
  }
}

/** Resolves when the message has left. */
function tell(message: FromServer | { readonly type: 'unhandled'; readonly error: string }): Promise<void> {
  return new Promise((resolve) => process.send?.(message, () => resolve()))
}

for (const event of ['unhandledRejection', 'uncaughtException']) {
  process.on(event, (error: unknown) => tell({ type: 'unhandled', error: String((error as Error)?.stack ?? error) }))
}
process.on('message', (message: ToServer) => void obey(message))
// A conductor that has gone needs no server.
process.on('disconnect', () => process.exit(1))
