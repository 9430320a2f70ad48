import { isPrivate, keyOf, type Client } from './client.ts'

/** A message, and those whom it is for. */
export interface Entry {
  n: number
  readonly key: string
  readonly audience: readonly Client[]
}

/** What was published, numbered in its order, and for whom: the naive model that the manager is held to. */
export class Ledger {
  readonly clients: Client[] = []
  /** What users subscribed to as such, for all of their clients. */
  readonly ofUser = new Map<string, Set<string>>()
  /** In connections. */
  matched = 0
  #lastNumber = 0

  /** The number of the newest message. */
  get lastNumber(): number {
    return this.#lastNumber
  }

  add(client: Client): Client {
    this.clients.push(client)
    return client
  }

  /** Enters a message, for those who are subscribed to it now unless they are named. */
  enter(key: string, userId: string | undefined, to: readonly Client[] = this.#audienceOf(key, userId)): Entry {
    const entry = { n: ++this.#lastNumber, key, audience: to }
    for (const { due } of to) due.push(entry)
    this.matched += to.length
    return entry
  }

  /** Gives a message the next number: its place among the others was not settled before. */
  renumber(entry: Entry): void {
    entry.n = ++this.#lastNumber
  }

  /** Takes a message back that was refused. */
  retract(entry: Entry): void {
    for (const { due } of entry.audience) due.splice(due.indexOf(entry), 1)
    this.matched -= entry.audience.length
  }

  #audienceOf(key: string, userId: string | undefined): Client[] {
    if (isPrivate(key) && userId === undefined) throw new Error(`${key} needs its user`)
    const whole = keyOf(key.split(':')[0] as string, null)
    const listens = (client: Client): boolean =>
      [client.streams, this.ofUser.get(client.userId)].some((keys) => keys?.has(key) === true || keys?.has(whole) === true)
    return this.clients.filter((client) => !client.isGone && (userId ?? client.userId) === client.userId && listens(client))
  }
}
