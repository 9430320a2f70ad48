import type { ClientProcess } from './client-process.ts'
import type { Dice } from '../../support/dice.ts'
import type { Host } from './host.ts'
import type { Listener } from './roster.ts'
import type { MarketStreamType } from './streams.ts'

/** What becomes of a client that reads nothing for a while. */
export type SlowKind = 'naps' | 'conflates' | 'drops' | 'is disconnected'

/** How often clients stopped reading, and what came of it. */
export type SlowCounts = Record<SlowKind, number>

/** What a kind of slow client is pressed with, beside what it gets anyway; a nap is too short to be pressed. */
const PRESSURE: Readonly<Record<SlowKind, MarketStreamType | undefined>> = {
  naps: undefined,
  conflates: 'PRICE',
  drops: 'TRADES',
  'is disconnected': 'ORDERBOOK',
}

const KINDS = Object.keys(PRESSURE) as readonly SlowKind[]
/** One client in so many is slow. */
const ONE_IN = 12
const BULK = 'x'.repeat(16_384)
const BULK_MESSAGES_A_STEP = 8
/** Messages that conflate or drop before it is believed that a client is behind. */
const ENOUGH = 20
const READS_MS = [2_000, 8_000] as const
const PAUSES_MS = [1_000, 4_000] as const

type Phase =
  | { readonly name: 'reading'; readonly untilMs: number }
  /** It has been told to stop reading, and has not said yet that it did. */
  | { readonly name: 'stopping' }
  | { readonly name: 'pressed'; readonly signs: number }
  | { readonly name: 'paused'; readonly untilMs: number }

interface Slow {
  readonly listener: Listener
  readonly kind: SlowKind
  phase: Phase
}

/**
 * Clients that stop reading for some seconds, again and again: until they are behind, and what waits for them is conflated, or
 * dropped, or too much. What ends a pause is what has happened, not how long it took.
 */
export class SlowClients {
  readonly counts: SlowCounts = { naps: 0, conflates: 0, drops: 0, 'is disconnected': 0 }
  readonly #host: Host
  readonly #clients: ClientProcess
  readonly #dice: Dice
  readonly #slow = new Map<number, Slow>()
  #welcomed = 0

  constructor(host: Host, clients: ClientProcess, dice: Dice) {
    this.#host = host
    this.#clients = clients
    this.#dice = dice
  }

  /** Kinds of those who are there of which none has been seen yet. */
  get unseen(): SlowKind[] {
    const present = new Set(Array.from(this.#slow.values(), ({ kind }) => kind))
    return KINDS.filter((kind) => present.has(kind) && this.counts[kind] === 0)
  }

  /** Looks at a newcomer: one in so many is slow, and each kind has its turn. */
  welcome(listener: Listener, nowMs: number): void {
    const turn = this.#welcomed++
    if (turn % ONE_IN !== 0) return
    const kind = KINDS[(turn / ONE_IN) % KINDS.length] as SlowKind
    const streamType = PRESSURE[kind]
    if (streamType !== undefined) this.#host.subscribe(listener, 'connection', { streamType, symbol: bulkSymbol(listener) })
    this.#slow.set(listener.client, { listener, kind, phase: this.#reading(nowMs) })
  }

  /** A client says that it reads no more. */
  notePaused(client: number): void {
    const slow = this.#slow.get(client)
    if (slow?.phase.name === 'stopping') slow.phase = { name: 'pressed', signs: 0 }
  }

  /** A connection is gone; `isTooSlow`: the library ended it. */
  forget(client: number, isTooSlow: boolean): void {
    const slow = this.#slow.get(client)
    if (slow === undefined) return
    if (isTooSlow) this.counts['is disconnected']++
    this.#resume(slow, 0)
    this.#slow.delete(client)
    const streamType = PRESSURE[slow.kind]
    if (streamType !== undefined) this.#host.roster.forget({ streamType, symbol: bulkSymbol(slow.listener) })
  }

  step(nowMs: number): void {
    for (const slow of this.#slow.values()) this.#stepOne(slow, nowMs)
  }

  /** Lets everybody read. */
  end(): void {
    for (const slow of this.#slow.values()) this.#resume(slow, Infinity)
  }

  #stepOne(slow: Slow, nowMs: number): void {
    const { phase } = slow
    if (phase.name === 'reading' && nowMs >= phase.untilMs) this.#stop(slow)
    else if (phase.name === 'pressed') this.#press(slow, phase.signs, nowMs)
    else if (phase.name === 'paused' && nowMs >= phase.untilMs) this.#resume(slow, nowMs)
  }

  #stop(slow: Slow): void {
    slow.phase = { name: 'stopping' }
    this.#clients.tell({ type: 'pause', client: slow.listener.client })
  }

  #press(slow: Slow, signsBefore: number, nowMs: number): void {
    const { kind, listener } = slow
    const streamType = PRESSURE[kind]
    const signs = streamType === undefined ? ENOUGH : signsBefore + this.#signsOf(listener, streamType)
    // It may have been disconnected by what it was pressed with.
    if (!this.#slow.has(listener.client)) return
    slow.phase = { name: 'pressed', signs }
    if (signs < ENOUGH) return
    this.counts[kind]++
    slow.phase = { name: 'paused', untilMs: nowMs + this.#dice.between(...PAUSES_MS) }
  }

  /** Publishes to one client; how many messages were conflated or dropped by that. */
  #signsOf(listener: Listener, streamType: MarketStreamType): number {
    const before = this.#host.manager.stats()
    for (let i = 0; i < BULK_MESSAGES_A_STEP && this.#slow.has(listener.client); i++) {
      this.#host.publishMarket(streamType, bulkSymbol(listener), { BULK })
    }
    const { conflated, dropped } = this.#host.manager.stats()
    return streamType === 'ORDERBOOK' ? 0 : conflated - before.conflated + dropped - before.dropped
  }

  #resume(slow: Slow, nowMs: number): void {
    slow.phase = this.#reading(nowMs)
    this.#clients.tell({ type: 'resume', client: slow.listener.client })
  }

  #reading(nowMs: number): Phase {
    return { name: 'reading', untilMs: nowMs + this.#dice.between(...READS_MS) }
  }
}

function bulkSymbol({ client }: Listener): string {
  return `BULK-${client}`
}
