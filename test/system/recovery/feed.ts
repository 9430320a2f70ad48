import type { FeedEntry } from './messages.ts'

const PAUSE_MS = 2
const SYMBOLS = ['BTCUSDT', 'ETHUSDT']
const USERS = 10

/** Whoever gets the entries of a feed, in order. */
type Sink = (entry: FeedEntry) => void

/** A feed that goes on whether or not a server is there: what it brings meanwhile is kept for the next one. */
export class Feed {
  readonly #entries: FeedEntry[] = []
  readonly #note: Sink
  #sink: Sink = () => {}
  #timer: NodeJS.Timeout | undefined

  /** Each entry is given to `note` before any server gets it. */
  constructor(note: Sink) {
    this.#note = note
  }

  start(): void {
    this.#timer = setInterval(() => this.#bring(), PAUSE_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  get length(): number {
    return this.#entries.length
  }

  /** Gives a sink all entries from this one on, and those that are still to come. */
  pipe(sink: Sink, nextEntry: number): void {
    this.#sink = sink
    this.#entries.slice(nextEntry).forEach(sink)
  }

  #bring(): void {
    const entry = entryOf(this.#entries.length)
    this.#entries.push(entry)
    this.#note(entry)
    this.#sink(entry)
  }
}

/** The streams take turns: trades, a price, and an order of one user. */
function entryOf(id: number): FeedEntry {
  const symbol = SYMBOLS[id % 2] as string
  const data = { id }
  if (id % 5 === 4) return { streamType: 'ORDER_UPDATES', userId: userOf(id), data }
  return { streamType: id % 5 === 3 ? 'PRICE' : 'TRADES', symbol, data }
}

/** The user of a client, or of an order, by its number. */
export function userOf(number: number): string {
  return `user ${number % USERS}`
}
