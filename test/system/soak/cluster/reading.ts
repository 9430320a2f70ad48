import type { Counts } from './counts.ts'

/** What a message shows: it is the next one, others are lost before it, or it is an old one. `again`: the server does not know that the client has it. */
export type Finding = 'next' | 'lost' | 'late' | 'again' | 'twice' | 'outOfOrder'

/** How many numbers at most are kept of one client and channel that did not come. */
const MOST_MISSING = 20_000

/**
 * What one client got of one channel.
 *
 * Each node numbers the messages that it publishes in a channel: 1, 2, 3 and so on. A client subscribes before the first message, and resumes after
 * each disconnect. So the next message of a node has the next number, unless the server told the client that messages are missing.
 */
export class Reading {
  /** The channel, as nodes name it. */
  readonly channel: string
  readonly #isLatest: boolean
  readonly #counts: Counts
  /** Node → the number of its last message. */
  readonly #last: number[] = []
  /** Messages that a gap notice counted, and that have not been found missing yet. */
  #announced = 0
  /** Nodes of which any number of messages may be missing before their next message. */
  #unknown: ReadonlySet<number> = new Set()
  /** Node → the number of the last message that the server may send again. */
  #mayRepeat: readonly number[] = []
  /** The messages that did not come, each with the count that has it. */
  #missing: Map<string, 'told' | 'lost'> | undefined

  constructor(channel: string, isLatest: boolean, counts: Counts) {
    this.channel = channel
    this.#isLatest = isLatest
    this.#counts = counts
  }

  /** A message has come. Messages before it that were not told as missing are lost. */
  take(node: number, n: number): Finding {
    const last = this.#last[node] ?? 0
    if (n <= last) return this.#takeOld(node, n)
    this.#last[node] = n
    this.#counts.received++
    const lost = n === last + 1 ? 0 : this.#skip(node, last + 1, n)
    if (this.#unknown.has(node)) this.#unknown = new Set([...this.#unknown].filter((each) => each !== node))
    return lost === 0 ? 'next' : 'lost'
  }

  /** The server has told the client that messages are missing. `dropped` is how many, `null` if the server does not know. */
  tell(dropped: number | null, nodes: number): void {
    if (dropped === null) this.#unknown = new Set(Array.from({ length: nodes }, (_, node) => node))
    else this.#announced += dropped
  }

  /** The server has refused to resume from the client's position. It does not know what the client has. */
  restart(nodes: number): void {
    this.tell(null, nodes)
    this.#mayRepeat = [...this.#last]
  }

  /** A snapshot has come: the present state, which replaces all messages before it. */
  replace(node: number, n: number): void {
    this.#last[node] = Math.max(n, this.#last[node] ?? 0)
  }

  /** Returns how many of the messages that were published have not come, and were not told as missing. */
  waiting(published: readonly number[]): number {
    const due = published.map((n, node) => (this.#unknown.has(node) ? 0 : n - (this.#last[node] ?? 0)))
    return Math.max(0, due.reduce((sum, each) => sum + each, 0) - this.#announced)
  }

  /** Counts the messages from one number up to, not including, another one. Returns how many of them are lost. */
  #skip(node: number, from: number, to: number): number {
    const skipped = to - from
    if (this.#isLatest) {
      this.#counts.conflated += skipped
      return 0
    }
    const told = this.#unknown.has(node) ? skipped : Math.min(skipped, this.#announced)
    if (!this.#unknown.has(node)) this.#announced -= told
    this.#counts.told += told
    this.#counts.lost += skipped - told
    this.#remember(node, from, to, skipped === told ? 'told' : 'lost')
    return skipped - told
  }

  #remember(node: number, from: number, to: number, count: 'told' | 'lost'): void {
    const missing = (this.#missing ??= new Map())
    for (let n = from; n < to; n++) missing.set(`${node}:${n}`, count)
    for (const oldest of missing.keys()) {
      if (missing.size <= MOST_MISSING) return
      missing.delete(oldest)
    }
  }

  /** A message that is not newer than the last one is out of order, or a copy. If it was told as missing, it may come after all. */
  #takeOld(node: number, n: number): Finding {
    const name = `${node}:${n}`
    const count = this.#missing?.get(name)
    this.#missing?.delete(name)
    if (count !== undefined) this.#counts[count]--
    const finding = count === 'told' ? 'late' : count === 'lost' ? 'outOfOrder' : n <= (this.#mayRepeat[node] ?? 0) ? 'again' : 'twice'
    this.#counts[finding]++
    return finding
  }
}
