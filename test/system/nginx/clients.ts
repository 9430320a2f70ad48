// A process of clients. Each is one `createClient`, over a WebSocket or an EventSource.
import { EventSource } from 'eventsource'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, fetch } from 'undici'
import { WebSocket } from 'ws'
import { createClient, type Client, type ClientSocket, type Update } from '../../../src/client/index.ts'
import type { ClientRecord, FromClients, Persona, Stream, ToClients } from './messages.ts'

const TELL_EVERY_MS = 20
/** Clients come one after the other, as their users do. */
const COME_EVERY_MS = 40

const records: ClientRecord[] = []

/** A record without the client's number. */
type OwnRecord = ClientRecord extends infer TRecord ? (TRecord extends ClientRecord ? Omit<TRecord, 'client'> : never) : never

/** The way to the proxy. */
class Route {
  readonly #host: string
  readonly #certificate: string
  readonly #agent: Agent

  constructor(port: number, certificate: string) {
    this.#host = `127.0.0.1:${port}`
    this.#certificate = certificate
    this.#agent = new Agent({ connect: { ca: certificate } })
  }

  connect({ kind, userId }: Persona, commands: () => string): ClientSocket {
    const user = `user=${encodeURIComponent(userId)}`
    if (kind === 'WebSocket') return new WebSocket(`wss://${this.#host}/?${user}`, { ca: this.#certificate, perMessageDeflate: false })
    const url = `https://${this.#host}/?${user}&commands=${encodeURIComponent(commands())}`
    return new EventSource(url, { fetch: (target, init) => fetch(target, { ...init, dispatcher: this.#agent } as never) as never })
  }
}

/** One client, and all that it hears. */
class Tab {
  readonly #number: number

  constructor(persona: Persona, route: Route) {
    this.#number = persona.number
    const client = createClient({ connect: (context) => route.connect(persona, () => context.commands) })
    this.#listen(client)
    for (const stream of [{ streamType: 'TRADES', symbol: persona.symbol }, { streamType: 'ORDER_UPDATES' }] as const) {
      client.subscribe(stream, (update) => this.#hear(stream, update))
    }
  }

  #listen(client: Client): void {
    client.on('state', ({ state, reason }) => this.#tell({ type: 'state', state, reason, atMs: Date.now() }))
    client.on('subscribed', ({ streamType, symbol, recovered }) => {
      this.#tell({ type: 'answered', stream: { streamType, symbol: symbol ?? undefined } as Stream, recovered })
    })
    client.on('error', ({ stage, error }) => this.#tell({ type: 'failed', stage, error: String((error as Error)?.message ?? error) }))
  }

  #hear(stream: Stream, update: Update): void {
    switch (update.type) {
      case 'status': return
      case 'gap': return this.#tell({ type: 'gap', stream, dropped: update.dropped })
      case 'ended': return this.#tell({ type: 'ended', stream, code: update.code })
      case undefined: {
        const { data, userId } = update
        return this.#tell({ type: 'message', entry: { ...stream, userId: userId ?? undefined, data: data as { id: number } } })
      }
    }
  }

  #tell(record: OwnRecord): void {
    records.push({ ...record, client: this.#number } as ClientRecord)
  }
}

async function begin({ port, certificate, clients }: ToClients): Promise<void> {
  setInterval(flush, TELL_EVERY_MS)
  const route = new Route(port, certificate)
  for (const persona of clients) {
    new Tab(persona, route)
    await sleep(COME_EVERY_MS)
  }
}

function flush(): void {
  if (records.length > 0) tell({ type: 'records', records: records.splice(0) })
}

function tell(message: FromClients | { readonly type: 'unhandled'; readonly error: string }): void {
  process.send?.(message)
}

for (const event of ['unhandledRejection', 'uncaughtException']) {
  process.on(event, (error: unknown) => tell({ type: 'unhandled', error: String((error as Error)?.stack ?? error) }))
}
process.on('message', (message: ToClients) => void begin(message))
// Without a conductor, nobody else ends this process.
process.on('disconnect', () => process.exit())
