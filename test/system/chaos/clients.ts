// A process of clients. Each of them is one `createClient`, and everything that its listeners hear is told to the conductor.
import { WebSocket } from 'ws'
import { createClient, type Client, type ClientClock, type Update } from '../../../src/client/index.ts'
import { Dice } from '../../support/dice.ts'
import { seededClock } from '../../support/seeded-clock.ts'
import type { ClientRecord, ToClients } from './messages.ts'
import { PATIENCE } from './patience.ts'
import { keyOf, type Persona, type streams, type Want } from './streams.ts'

type Streams = typeof streams

const TELL_EVERY_MS = 20
const REQUEST_EVERY_MS = 200

/** A record without the client's number. */
type OwnRecord = ClientRecord extends infer TRecord ? (TRecord extends { readonly client: number } ? Omit<TRecord, 'client'> : never) : never

const records: ClientRecord[] = []
const clients = new Map<number, Tab>()

/** One client, with the token that it has, and the one that it would be given. */
class Tab {
  issuedToken = 0
  readonly #number: number
  readonly #userId: string
  readonly #wants: readonly Want[]
  readonly #url: string
  readonly #client: Client<Streams>
  readonly #answered = new Set<string>()
  readonly #toldOfLoss = new Set<string>()
  readonly #known = new Set<string>()
  #token = 0

  constructor({ number, userId, wants }: Persona, url: string, clock: ClientClock) {
    this.#number = number
    this.#userId = userId
    this.#wants = wants
    this.#url = url
    this.#client = createClient<Streams>({
      ...PATIENCE,
      clock,
      connect: () => this.#connect(),
      shouldReconnect: ({ code, reason }) => {
        if (code === 1008 || code === 4401) this.#token = this.issuedToken
        // A user who was removed logs in again.
        return reason === 'removed' ? true : undefined
      },
    })
    this.#listen()
    for (const want of wants) this.#subscribe(want)
  }

  async request(data: number): Promise<void> {
    try {
      const answer = await this.#client.request('echo', data)
      this.#tell({ type: 'request', outcome: answer === data ? 'answered' : `wrong: ${JSON.stringify(answer)}` })
    } catch (error) {
      this.#tell({ type: 'request', outcome: String((error as { readonly code?: unknown }).code) })
    }
  }

  /** A user has a right again. */
  granted(userId: string, key: string): void {
    const want = this.#wants.find((each) => userId === this.#userId && keyOf(each) === key)
    if (want) this.#subscribe(want)
  }

  close(): void {
    this.#client.close()
  }

  #subscribe(want: Want): void {
    this.#client.subscribe(streamIn(want), (update) => this.#hear(keyOf(want), update))
  }

  #connect(): WebSocket {
    const query = new URLSearchParams({ client: String(this.#number), user: this.#userId, token: String(this.#token) })
    return new WebSocket(`${this.#url}/?${query}`, { perMessageDeflate: false })
  }

  #listen(): void {
    this.#client.on('state', ({ state, reason }) => {
      for (const set of [this.#answered, this.#toldOfLoss]) set.clear()
      this.#tell({ type: 'state', state, reason, atMs: Date.now() })
    })
    this.#client.on('subscribed', (confirmation) => {
      const key = keyOf(confirmation)
      const told = this.#known.has(key) ? this.#toldOfLoss.has(key) : null
      this.#answered.add(key)
      this.#known.add(key)
      this.#tell({ type: 'answered', key, recovered: confirmation.recovered, told })
    })
    this.#client.on('error', ({ stage, error }) => this.#tell({ type: 'failed', stage, error: String((error as Error)?.message ?? error) }))
  }

  #hear(key: string, update: Update<Streams>): void {
    if (update.type === 'ended') return this.#ended(key, update.code)
    if (update.type === 'status') return
    if (update.type === 'gap') {
      // Before the answer is heard of, a gap is a part of it.
      if (this.#answered.has(key)) this.#tell({ type: 'gap', key, dropped: update.dropped })
      else this.#toldOfLoss.add(key)
      return
    }
    const { symbol, userId, snapshot = false } = update
    const { id, n } = (update.data ?? {}) as { readonly id?: number; readonly n?: number }
    this.#tell({ type: 'message', key, symbol: symbol ?? undefined, userId: userId ?? undefined, id, n, snapshot })
  }

  #ended(key: string, code: string): void {
    for (const set of [this.#answered, this.#toldOfLoss, this.#known]) set.delete(key)
    this.#tell({ type: 'ended', key, code })
  }

  #tell(record: OwnRecord): void {
    records.push({ ...record, client: this.#number } as ClientRecord)
  }
}

function streamIn({ streamType, symbol }: Want): never {
  return { streamType, symbol } as never
}

function begin({ url, clients: personas, seed }: Extract<ToClients, { type: 'begin' }>): void {
  const dice = new Dice(seed)
  for (const persona of personas) clients.set(persona.number, new Tab(persona, url, seededClock(dice)))
  let count = 0
  setInterval(() => void clients.get(dice.pick(personas).number)?.request(++count), REQUEST_EVERY_MS)
  setInterval(flush, TELL_EVERY_MS)
}

function issue({ client, token }: Extract<ToClients, { type: 'issue' }>): void {
  const tab = clients.get(client)
  if (tab) tab.issuedToken = token
}

function flush(): void {
  if (records.length > 0) process.send?.(records.splice(0))
}

function obey(message: ToClients): void {
  if (message.type === 'begin') return begin(message)
  if (message.type === 'issue') return issue(message)
  for (const tab of clients.values()) {
    if (message.type === 'grant') tab.granted(message.userId, message.key)
    else tab.close()
  }
}

for (const event of ['unhandledRejection', 'uncaughtException']) {
  process.on(event, (error: unknown) => records.push({ type: 'unhandled', error: String((error as Error)?.stack ?? error) }))
}
process.on('message', obey)
// Without a conductor, nobody else ends this process.
process.on('disconnect', () => process.exit())
