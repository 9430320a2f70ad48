import { createClient, type Client, type ClientClock, type StreamOf } from '../../../../src/client/index.ts'
import type { Dice } from '../../../support/dice.ts'
import type { Counts } from './counts.ts'
import { Reading, type Finding } from './reading.ts'
import { keyOf, slowStreamOf, streams, userOf, wantsOf, type SlowStreamType, type StreamName, type Streams } from './streams.ts'
import { TappedSocket } from './tapped-socket.ts'

/** All that the clients of a process share. */
export interface VisitorDependencies {
  /** Where each node serves clients. */
  readonly urls: readonly string[]
  readonly symbols: readonly string[]
  /** A client that leaves comes back after at most this time. */
  readonly mostAwayMs: number
  readonly dice: Dice
  readonly clock: ClientClock
  readonly counts: Counts
  /** Gets each fault, in words, and the count that has it. */
  readonly complain: (kind: keyof Counts, fault: string) => void
}

/** What a visitor reads of a frame of the server. */
interface Frame {
  readonly type?: string
  readonly stream_type: string
  readonly symbol: string | null
  readonly user_id?: string | null
  readonly data: { readonly by: number; readonly n: number }
  readonly dropped: number | null
  readonly recovered: boolean | null
  readonly snapshot?: true
}

const FAULTS: Readonly<Partial<Record<Finding, string>>> = {
  lost: 'was told nothing of what is missing before',
  twice: 'got twice:',
  outOfOrder: 'got out of order:',
}

/** One `createClient`. It leaves, comes back to any node, and checks each text that its sockets receive. */
export class Visitor {
  readonly number: number
  /** The stream of a client that stops reading now and then. */
  readonly slowStream: SlowStreamType | undefined
  isPaused = false
  readonly #dependencies: VisitorDependencies
  readonly #client: Client<Streams>
  readonly #userId: string
  readonly #readings = new Map<string, Reading>()
  readonly #answered = new Set<string>()
  /** The streams that were answered once. From then on, the client has a position. */
  readonly #known = new Set<string>()
  #socket: TappedSocket | undefined
  #node: number | undefined
  #nodeBefore: number | undefined
  #connectingMs = 0
  #isLeaving = false

  constructor(number: number, dependencies: VisitorDependencies) {
    this.number = number
    this.slowStream = slowStreamOf(number)
    this.#userId = userOf(number)
    this.#dependencies = dependencies
    this.#client = createClient<Streams>({
      connect: () => this.#connect(),
      backoff: { minMs: dependencies.mostAwayMs, maxMs: dependencies.mostAwayMs },
      // A client that closes its socket itself would not come back.
      shouldReconnect: () => true,
      clock: dependencies.clock,
    })
    this.#client.on('state', ({ state, reason }) => this.#enter(state, reason))
    for (const want of wantsOf(number, dependencies.symbols)) this.#subscribe(want)
  }

  /** True if the client is connected, and has an answer for each stream. */
  get isSettled(): boolean {
    return this.#answered.size === this.#readings.size
  }

  /** The node to which it came last. */
  get node(): number {
    return this.#node ?? 0
  }

  /** Ends the connection, with or without a closing handshake. */
  leave(): void {
    this.#isLeaving = true
    this.#dependencies.counts.left++
    if (this.#dependencies.dice.chance(0.5)) this.#socket?.close()
    else this.#socket?.terminate()
  }

  pause(): void {
    this.isPaused = true
    this.#dependencies.counts.pauses++
    this.#socket?.pause()
  }

  resume(): void {
    this.isPaused = false
    this.#socket?.resume()
  }

  /** Returns how many messages have not come, and were not told as missing. Passes each channel of them on. */
  waiting(published: ReadonlyMap<string, readonly number[]>, found: (fault: string) => void): number {
    return [...this.#readings.values()].reduce((sum, reading) => {
      const waiting = reading.waiting(published.get(reading.channel) ?? [])
      if (waiting > 0) found(`client ${this.number}: the last ${waiting} messages of ${reading.channel} have not come`)
      return sum + waiting
    }, 0)
  }

  #connect(): TappedSocket {
    const { urls, dice, counts } = this.#dependencies
    const node = dice.below(urls.length)
    if (this.#node !== undefined && this.#node !== node) counts.moved++
    this.#nodeBefore = this.#node
    this.#node = node
    this.#connectingMs = performance.now()
    const query = new URLSearchParams({ client: String(this.number), user: this.#userId })
    this.#socket = new TappedSocket(`${urls[node]}/?${query}`, (text) => this.#hear(JSON.parse(text) as Frame))
    return this.#socket
  }

  #subscribe(stream: StreamName): void {
    const { counts } = this.#dependencies
    const channel = keyOf(stream.streamType === 'ORDER_UPDATES' ? { ...stream, userId: this.#userId } : stream)
    this.#readings.set(keyOf(stream), new Reading(channel, streams[stream.streamType].delivery === 'latest', counts))
    this.#client.subscribe(stream as StreamOf<Streams, typeof stream.streamType>, (update) => {
      if (update.type === undefined && !update.snapshot && !this.#isSlow) counts.heardBySteady++
    })
  }

  get #isSlow(): boolean {
    return this.slowStream !== undefined
  }

  #enter(state: string, reason: string | undefined): void {
    this.#answered.clear()
    if (state === 'connected') this.#isLeaving = false
    if (state !== 'waiting' && state !== 'stopped') return
    if (!this.#isLeaving) this.#note('ended', 'endedSteady', `its connection ended: ${reason}`)
  }

  #hear(frame: Frame): void {
    switch (frame.type) {
      case undefined: return this.#take(frame)
      case 'subscribed': return this.#answer(frame)
      case 'gap': return this.#lose(frame)
      case 'refused':
      case 'unsubscribed':
        this.#dependencies.counts.refusals++
        return this.#complain('refusals', JSON.stringify(frame))
    }
  }

  #take(frame: Frame): void {
    const { counts } = this.#dependencies
    const { data: { by, n }, user_id: owner } = frame
    const reading = this.#readings.get(keyOf({ streamType: frame.stream_type, symbol: frame.symbol }))
    if (reading === undefined || (owner ?? this.#userId) !== this.#userId) {
      counts.foreign++
      return this.#complain('foreign', `got a message that is not for it: ${JSON.stringify(frame)}`)
    }
    if (frame.snapshot) return reading.replace(by, n)
    const finding = reading.take(by, n)
    if (finding === 'next' || finding === 'lost') counts.receivedBySteady += this.#isSlow ? 0 : 1
    const fault = FAULTS[finding]
    if (fault !== undefined) this.#complain(finding as keyof Counts, `${fault} message ${n} of node ${by} in ${reading.channel}`)
  }

  #answer(frame: Frame): void {
    const key = keyOf({ streamType: frame.stream_type, symbol: frame.symbol })
    this.#answered.add(key)
    const isFirst = !this.#known.has(key)
    this.#known.add(key)
    if (isFirst) return
    if (frame.recovered === true) return void this.#dependencies.counts.resumed++
    this.#readings.get(key)?.restart(this.#dependencies.urls.length)
    this.#note('refused', 'refusedSteady', `node ${this.#node}, after node ${this.#nodeBefore}, could not prove that nothing is missing in ${key} It was asked ${this.#socket?.lastSent}, and answered after ${Math.round(performance.now() - this.#connectingMs)} ms: ${JSON.stringify(frame)}`)
  }

  #lose(frame: Frame): void {
    const key = keyOf({ streamType: frame.stream_type, symbol: frame.symbol })
    this.#readings.get(key)?.tell(frame.dropped, this.#dependencies.urls.length)
    this.#note('gaps', 'gapsOfSteady', `was told that ${frame.dropped ?? 'some'} messages of ${key} are missing`)
  }

  /** Counts what is a fault only if it happens to a client that reads. */
  #note(ofSlow: 'gaps' | 'refused' | 'ended', ofSteady: 'gapsOfSteady' | 'refusedSteady' | 'endedSteady', fault: string): void {
    this.#dependencies.counts[this.#isSlow ? ofSlow : ofSteady]++
    if (!this.#isSlow) this.#complain(ofSteady, fault)
  }

  #complain(kind: keyof Counts, fault: string): void {
    this.#dependencies.complain(kind, `client ${this.number}: ${fault}`)
  }
}
