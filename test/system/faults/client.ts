import { streams, type StreamName } from '../../support/pressured-socket.ts'

/** What is to be expected of what a client saw. */
export type Condition =
  /** Everything that was meant for it, each once, in the order of the publishes. */
  | 'healthy'
  /** It was behind and has caught up: of each stream all, or the newest, or it was told how many are missing. */
  | 'slow'
  /** Nothing is owed to it, and nothing but what was meant for it may have come, each once, in the order of its stream. */
  | 'faulty'

interface Due {
  n: number
  readonly key: string
}

/** A message as a client saw it. */
interface Receipt extends Due {
  readonly userId: string | null
  readonly timestamp: string
  /** Whose the client was when it saw it. */
  readonly owner: string
}

interface WireText {
  readonly type?: 'gap' | 'status' | 'skip'
  readonly stream_type: string
  readonly symbol: string | null
  readonly data: { readonly n: number }
  readonly timestamp: string
  readonly user_id: string | null
  readonly dropped: number | null
}

/** One client: what was meant for it, by a model that knows nothing of the manager, and what it saw. */
export class Client {
  readonly name: string
  /** Whose it is now. */
  userId: string
  condition: Condition = 'healthy'
  /** It is no connection yet, or no more. */
  isGone = true
  /** The streams that it subscribed to itself. */
  readonly streams = new Set<string>()
  readonly due: Due[] = []
  readonly received: Receipt[] = []
  /** What the host told it besides messages: notices, and what a recorder has for those who are left out. */
  readonly told: string[] = []
  readonly #missing = new Map<string, number>()
  readonly #unreadable: string[] = []

  constructor(name: string, userId: string) {
    this.name = name
    this.userId = userId
  }

  /** The numbers of the messages that it saw. */
  get numbers(): number[] {
    return this.received.map(({ n }) => n)
  }

  /** How many messages notices told it that it misses. */
  get missed(): number {
    return [...this.#missing.values()].reduce((sum, count) => sum + count, 0)
  }

  /** Never throws: what is unreadable must not pass for a failure of the socket that it came through. */
  see(text: string): void {
    try {
      this.#read(text)
    } catch {
      this.#unreadable.push(text)
    }
  }

  #read(text: string): void {
    const { type, stream_type: streamType, symbol, data, timestamp, user_id: userId, dropped } = JSON.parse(text) as WireText
    const key = keyOf(streamType, symbol)
    if (type !== undefined && (type !== 'gap' || dropped === null)) this.told.push(text)
    else if (type === 'gap') this.#missing.set(key, (this.#missing.get(key) ?? 0) + (dropped ?? 0))
    else this.received.push({ n: data.n, key, userId, timestamp, owner: this.userId })
  }

  complaints(): string[] {
    const unreadable = this.#unreadable.map((text) => `nobody can read ${JSON.stringify(text)}`)
    const complaints = [...unreadable, ...this.#intruders(), ...this.#disorder(), ...(this.isGone ? [] : this.#losses())]
    return complaints.map((complaint) => `${this.name} (${this.condition}): ${complaint}`)
  }

  #intruders(): string[] {
    const due = new Map(this.due.map(({ n, key }) => [n, key]))
    return this.received.flatMap(({ n, key, userId, owner }) => [
      ...(due.get(n) === key ? [] : [`${n} of ${key} was not meant for it`]),
      ...(userId === null || userId === owner ? [] : [`${n} of ${key} belongs to ${userId}, and it was ${owner}'s`]),
      ...((userId !== null) === isPrivate(key) ? [] : [`${n} of ${key} says that it is of ${userId}`]),
    ])
  }

  /** Private messages may overtake where something waits; within a stream nothing may. */
  #disorder(): string[] {
    const lists = this.condition === 'healthy' ? [this.received] : [...this.#byStream(this.received).values()]
    return lists.flatMap((list) => list.slice(1).flatMap(({ n }, i) => (n > (list[i] as Receipt).n ? [] : [`${n} came after ${(list[i] as Receipt).n}`])))
  }

  #losses(): string[] {
    if (this.condition === 'faulty') return []
    const received = this.#byStream(this.received)
    return [...this.#byStream(this.due)].flatMap(([key, due]) => {
      const seen = new Set(received.get(key)?.map(({ n }) => n))
      const lost = due.filter(({ n }) => !seen.has(n))
      return this.#isExcused(key, due, lost) ? [] : [`${lost.length} of ${due.length} of ${key} never came: ${lost.map(({ n }) => n).join(' ')}`]
    })
  }

  #isExcused(key: string, due: readonly Due[], lost: readonly Due[]): boolean {
    const { delivery, overflow } = definitionOf(key)
    const missing = this.#missing.get(key) ?? 0
    if (this.condition === 'healthy' || overflow === 'disconnect') {
      const isNewestThere = !lost.includes(due.at(-1) as Due)
      return missing === 0 && (lost.length === 0 || (this.condition === 'slow' && delivery === 'latest' && isNewestThere))
    }
    return delivery === 'every' ? lost.length === missing : lost.length >= missing
  }

  #byStream<TItem extends Due>(items: readonly TItem[]): Map<string, TItem[]> {
    const lists = new Map<string, TItem[]>()
    for (const item of items) lists.set(item.key, [...(lists.get(item.key) ?? []), item])
    return lists
  }
}

export function keyOf(streamType: string, symbol: string | null | undefined): string {
  return `${streamType}:${symbol ?? ''}`
}

export function isPrivate(key: string): boolean {
  return definitionOf(key).audience === 'private'
}

function definitionOf(key: string): { audience: string; delivery: string; overflow: string } {
  return streams[key.split(':')[0] as StreamName]
}
