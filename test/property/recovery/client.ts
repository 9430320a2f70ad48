import type { Connection } from '../../../src/index.ts'
import type { FakeSocket } from '../../support/fake-socket.ts'
import { ALL_STREAMS, excludeEachOther, isPrivate, streamName, type Stream, type Streams } from './catalogue.ts'
import type { HistoryModel } from './history.ts'
import { View, type Answer, type Frame, type Kept } from './view.ts'

export type SocketKind = 'plain' | 'measured' | 'batched'

/** A person with one device: it may have a connection, loses it, and comes back with the positions that it kept. */
export class Client {
  readonly name: string
  userId: string
  kind: SocketKind = 'plain'
  connection: Connection<FakeSocket, Streams> | undefined
  socket: FakeSocket | undefined
  /** How much a batched socket takes at once. */
  accepts: number | undefined
  /** Its socket is full once it was given so many texts. */
  fullFrom: number = Infinity
  /** Positions of former subscriptions, the last ones. */
  kept: Kept[] = []
  /** What was replayed and may wait still. */
  spent: { count: number; units: number } = { count: 0, units: 0 }
  readonly views = new Map<string, View>()
  readonly answers = new Map<number, Answer>()
  /** Streams whose last answer will never come. */
  readonly lost = new Set<string>()
  /** Streams of which an answer was lost, and no other answer has come yet. */
  readonly #unanswered = new Set<string>()
  #read = 0
  /** Whose it is, from which frame on. */
  #owners: { readonly from: number; readonly userId: string }[] = []
  readonly #history: HistoryModel
  readonly #complain: (problem: string) => void

  constructor(name: string, userId: string, history: HistoryModel, complain: (problem: string) => void) {
    this.name = name
    this.userId = userId
    this.#history = history
    this.#complain = (problem) => complain(`${name}: ${problem}`)
  }

  get unread(): number {
    return (this.socket?.sent.length ?? 0) - this.#read
  }

  /** Streams that it holds, or has asked for. */
  get streams(): Stream[] {
    return [...this.views.values(), ...this.answers.values()].map(({ stream }) => stream)
  }

  /** True if a subscription of this stream has not ended. */
  holds(stream: Stream): boolean {
    return [...this.views.values(), ...this.answers.values()].some((each) => streamName(each.stream) === streamName(stream) && each.endsAt === Infinity)
  }

  /** True if it has one of these two and wants the other: a whole type and one of its symbols. Its connection may hold a stream whose answer was lost. */
  excludes(wanted: Stream): boolean {
    const unanswered = ALL_STREAMS.filter((each) => this.#unanswered.has(streamName(each)))
    return [...this.streams, ...unanswered].some((each) => excludeEachOther(each, wanted))
  }

  connected(connection: Connection<FakeSocket, Streams>, socket: FakeSocket): void {
    this.connection = connection
    this.socket = socket
    this.#read = 0
    this.#owners = [{ from: 0, userId: this.userId }]
    this.spent = { count: 0, units: 0 }
  }

  /** Reads some of what its socket took. */
  read(count: number): void {
    for (let i = 0; i < count && this.unread > 0; i++) {
      const index = this.#read++
      this.#take(JSON.parse(this.socket?.sent[index] as string) as Frame, index)
    }
  }

  /** The connection is gone, and with it what the client had not read. */
  cut(): void {
    for (const { stream } of this.views.values()) this.keep(stream)
    this.connection = undefined
    this.socket = undefined
    this.views.clear()
    this.answers.clear()
    this.lost.clear()
    this.#unanswered.clear()
  }

  keep(stream: Stream): void {
    const kept = this.views.get(streamName(stream))?.kept()
    if (kept !== undefined) this.kept = [...this.kept.slice(-20), kept]
  }

  /** It asks anew: what comes before the answer does not count, if the answer makes up for it. */
  asks(answer: Answer): void {
    const name = streamName(answer.stream)
    const view = this.views.get(name)
    if (view !== undefined && (answer.asked !== undefined || this.#hasAsked(name))) this.#judgeNoMore(view)
    this.answers.set(answer.id, answer)
    this.lost.delete(name)
  }

  #judgeNoMore(view: View): void {
    view.judgedUntil = Math.min(view.judgedUntil, this.socket?.sent.length ?? 0)
  }

  #hasAsked(name: string): boolean {
    return [...this.answers.values()].some(({ stream }) => streamName(stream) === name)
  }

  /** The subscription has ended here. */
  end(isEnded: (stream: Stream) => boolean): void {
    for (const each of [...this.views.values(), ...this.answers.values()]) {
      if (isEnded(each.stream)) each.endsAt = Math.min(each.endsAt, this.socket?.sent.length ?? 0)
    }
  }

  /** Forgets subscriptions that have ended, once it has read all that came of them. */
  prune(): void {
    if (this.unread > 0) return
    for (const { endsAt, stream } of [...this.views.values()]) {
      if (endsAt === Infinity) continue
      this.keep(stream)
      this.views.delete(streamName(stream))
    }
  }

  /** It is given to another user, who owns what comes from now on. */
  reassigned(userId: string): void {
    this.userId = userId
    this.#owners.push({ from: this.socket?.sent.length ?? 0, userId })
  }

  /** Answers about private streams that have not left were purged: what follows of their streams has no meaning to it. Those about public streams stay. */
  loseAnswers(): void {
    const sent = (this.socket?.sent ?? []).slice(this.#read).map((text) => (JSON.parse(text) as Frame)['id'])
    for (const { id, stream } of this.answers.values()) {
      if (sent.includes(id) || !isPrivate(stream)) continue
      this.answers.delete(id)
      this.lost.add(streamName(stream))
      this.#unanswered.add(streamName(stream))
      const view = this.views.get(streamName(stream))
      if (view !== undefined) this.#judgeNoMore(view)
    }
  }

  forget(stream: Stream): void {
    this.keep(stream)
    this.views.delete(streamName(stream))
    for (const [id, answer] of this.answers) if (streamName(answer.stream) === streamName(stream)) this.answers.delete(id)
  }

  #take(frame: Frame, index: number): void {
    const { type } = frame
    if (type === 'subscribed') return this.#begin(frame)
    if (type === 'status') return
    const view = this.#viewOf(frame)
    if (view === undefined) return this.#takeStray(frame, index)
    if (index >= view.judgedUntil || (index >= view.endsAt && this.#isOfSnapshot(frame))) return
    const problem = type === 'gap' ? this.#miss(view, frame['dropped'], index) : view.take(frame, index)
    if (problem !== undefined) this.#complain(`${streamName(view.stream)}: ${problem}`)
  }

  /** A gap of unknown size comes only before the answer to a client that has asked anew without a position. The answer itself may be lost. */
  #miss(view: View, dropped: unknown, index: number): string | undefined {
    const name = streamName(view.stream)
    return dropped === null && (this.#hasAsked(name) || this.lost.has(name)) ? view.doubt() : view.miss(dropped, index)
  }

  #begin(notice: Frame): void {
    const answer = this.answers.get(notice['id'] as number)
    if (answer === undefined) return
    this.answers.delete(answer.id)
    this.#unanswered.delete(streamName(answer.stream))
    const say = (problem: string): void => this.#complain(`${streamName(answer.stream)}: ${problem}`)
    this.#check(answer, notice, say)
    this.#checkLoss(answer, notice, say)
    const view = new View(this.#history, answer, notice, say)
    this.views.set(streamName(answer.stream), view)
    const name = streamName(answer.stream)
    const hasAskedAgain = this.lost.has(name) || this.#hasAsked(name)
    if (hasAskedAgain) view.judgedUntil = 0
  }

  #check({ asked, contiguous, recovered, stream }: Answer, notice: Frame, say: (problem: string) => void): void {
    const { position, recovered: told, stream_type: streamType, symbol } = notice
    if (streamType !== stream.streamType || symbol !== (stream.symbol ?? null)) say('the notice names another stream')
    if (told !== recovered) say(`the notice says recovered: ${String(told)}, and the call ${String(recovered)}`)
    if (recovered === true && position !== asked) say(`recovered from ${String(asked)}, and the notice says ${String(position)}`)
    if (notice['contiguous'] !== contiguous) say(`the notice says contiguous: ${String(notice['contiguous'])}`)
  }

  /** Whoever has asked anew without a position, and gets no snapshot, must have all from before the answer, or know that some is missing. */
  #checkLoss({ publishedBefore, recovered, stream }: Answer, notice: Frame, say: (problem: string) => void): void {
    const before = this.views.get(streamName(stream))
    if (before === undefined || recovered !== null || notice['snapshot'] === true) return
    const missing = before.judgedUntil === Infinity && before.endsAt === Infinity ? before.missing(publishedBefore) : undefined
    if (missing !== undefined) say(`before the answer, ${missing}`)
  }

  #viewOf({ stream_type: streamType, symbol }: Frame): View | undefined {
    return this.views.get(streamName({ streamType, symbol: (symbol ?? undefined) as string | undefined } as Stream)) ?? this.views.get(String(streamType))
  }

  /** True if the host's snapshot may have published it. Then it comes before the answer. */
  #isOfSnapshot(frame: Frame): boolean {
    return [...this.answers.values()].some(({ hasPublished, stream }) => hasPublished && stream.streamType === frame['stream_type'])
  }

  /** A message of a stream that it does not hold: it may have asked for it, and have lost the answer. */
  #takeStray(frame: Frame, index: number): void {
    if (frame['type'] === 'gap' && frame['dropped'] === null) return
    const isKnown = [...this.lost, ...this.#unanswered].some((name) => name.split(' ')[0] === frame['stream_type'])
    if (!isKnown && !this.#isOfSnapshot(frame)) this.#complain(`a message of ${String(frame['stream_type'])} ${String(frame['symbol'])} comes, which it does not hold`)
    const user = frame['user_id'] ?? undefined
    const owner = this.#owners.findLast(({ from }) => from <= index)?.userId
    if (user !== undefined && user !== owner) this.#complain(`a message of ${String(user)} comes to ${String(owner)}`)
  }
}
