import type { Feed } from './feed.ts'
import type { Judge } from './judge.ts'
import type { Entry } from './messages.ts'
import type { Proxy } from './proxy.ts'
import { ServerProcess } from './server-process.ts'

const TICK_MS = 20

/** The server that the proxy leads to, one after the other, and the feed that goes on meanwhile. */
export class Venue {
  readonly unhandled: string[] = []
  /** Messages that servers said to have published. */
  acknowledgedCount = 0
  readonly #program: string
  readonly #proxy: Proxy
  readonly #feed: Feed
  readonly #judge: Judge
  readonly #hasRecovery: boolean
  readonly #tokens: Record<number, number> = {}
  /** What the feed brought while there was no server. */
  readonly #kept: Entry[] = []
  /** The numbers of the books, as the last server knows them. */
  readonly #books: Record<string, number> = {}
  #server: ServerProcess | undefined
  #successor: ServerProcess
  #timer: NodeJS.Timeout | undefined

  constructor(program: string, proxy: Proxy, feed: Feed, judge: Judge, hasRecovery: boolean) {
    this.#program = program
    this.#successor = new ServerProcess(program)
    this.#proxy = proxy
    this.#feed = feed
    this.#judge = judge
    this.#hasRecovery = hasRecovery
  }

  /** Begins with a server. Later, puts its successor in its place. */
  async open(history?: string): Promise<void> {
    const server = this.#successor
    const port = await server.begin({ hasRecovery: this.#hasRecovery, history, books: this.#books, tokens: this.#tokens })
    this.#server = server
    this.#proxy.target = () => port
    this.#send(this.#kept.splice(0))
    this.#successor = new ServerProcess(this.#program)
  }

  startFeed(): void {
    this.#timer = setInterval(() => this.#publish(this.#feed.tick()), TICK_MS)
  }

  stopFeed(): void {
    clearInterval(this.#timer)
  }

  publishLast(): void {
    this.#publish(this.#feed.last())
  }

  /** The server is gone in the middle of what it does. */
  async kill(): Promise<void> {
    const server = this.#take()
    this.#judge.lostHistories++
    await server.kill()
    this.#retire(server)
    await this.open()
  }

  /** Asks everybody to go, and puts a successor in the server's place. */
  async drain(withinMs: number, keepsHistory: boolean): Promise<void> {
    await this.#server?.drain(withinMs)
    const server = this.#take()
    if (!keepsHistory) this.#judge.lostHistories++
    const history = await server.leave()
    this.#retire(server)
    await this.open(keepsHistory ? history : undefined)
  }

  suspend(): void {
    this.#server?.suspend()
  }

  resume(): void {
    this.#server?.resume()
  }

  /** A client's token is no good any more. Returns the new one. */
  expire(client: number, code: number): number {
    const token = (this.#tokens[client] ?? 0) + 1
    this.#tokens[client] = token
    this.#server?.expire(client, token, code)
    return token
  }

  async end(): Promise<void> {
    this.stopFeed()
    if (this.#server) this.#retire(this.#server)
    await Promise.all([this.#server?.kill(), this.#successor.kill()])
  }

  #take(): ServerProcess {
    const server = this.#server as ServerProcess
    this.#server = undefined
    return server
  }

  #retire({ acknowledgedCount, unhandled }: ServerProcess): void {
    this.acknowledgedCount += acknowledgedCount
    this.unhandled.push(...unhandled)
  }

  #publish(entries: readonly Entry[]): void {
    for (const entry of entries) this.#judge.published(entry)
    if (this.#server) this.#send(entries)
    else this.#kept.push(...entries)
  }

  #send(entries: readonly Entry[]): void {
    for (const { streamType, symbol, data } of entries) if (streamType === 'BOOK') this.#books[String(symbol)] = Number(data.n)
    this.#server?.publish(entries)
  }
}
