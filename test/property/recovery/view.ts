import { isLatest, streamName, type Stream } from './catalogue.ts'
import { isFor, type ChannelModel, type Entry, type HistoryModel } from './history.ts'
import { newest, readPosition, writePosition } from './proof.ts'

/** A position that a client kept, and what the suite knows of it: the messages before this index are not owed to the client. */
export interface Kept {
  readonly stream: Stream
  readonly userId: string
  readonly channel: ChannelModel
  readonly text: string
  readonly owedFrom: number
  readonly have: ReadonlyMap<string | undefined, number>
}

/** What a subscribe was answered with, and what was published by then. */
export interface Answer {
  readonly id: number
  readonly stream: Stream
  readonly userId: string
  readonly channel: ChannelModel
  readonly asked: string | undefined
  /** Known if the client asked with a position that it was given for this stream. */
  readonly kept: Kept | undefined
  /** How many messages had been published. */
  publishedBefore: number
  floor: number
  readonly contiguous: boolean
  /** Latest messages that were held and might be sent as snapshots. */
  present: readonly Entry[]
  /** What was missed since the position, by the plain list. */
  missed: readonly Entry[]
  /** The host's snapshot has published a message, which comes before the answer. */
  hasPublished: boolean
  /** If a message that was published before a revocation has no number yet, and will not come: the last content of then. */
  leftOutUntil: number | undefined
  /** The host has made a snapshot. */
  hasBook: boolean
  recovered: boolean | null | undefined
  replayed: number
  /** Frames from this one on may not belong to it. */
  endsAt: number
}

export type Frame = Readonly<Record<string, unknown>>

/** Stands for the message before one that is announced as a snapshot. */
const ANNOUNCED = -1

/**
 * A client's own account of one subscription, from the notice on.
 *
 * It keeps a position in the simplest way: for each epoch the highest number that it got.
 */
export class View {
  readonly stream: Stream
  readonly userId: string
  readonly channel: ChannelModel
  /** Frames from this one on may not belong to it. */
  endsAt = Infinity
  /** Frames from this one on are not judged, because the client has asked anew. */
  judgedUntil = Infinity
  readonly #history: HistoryModel
  #position: Map<string, number> | undefined
  /** All messages before it were received, reported as missing, or are not owed. */
  #owedFrom: number
  readonly #have: Map<string | undefined, number>
  #gap = 0
  /** Some of the messages up to this content may be missing. */
  #mayLackUntil = 0
  readonly #leftOutUntil: number | undefined
  /** It was told that nobody knows how many are missing. */
  #isInDoubt = false
  readonly #snapshots: { left: number; readonly present: readonly Entry[] }
  readonly #notedPosition: Map<string, number>

  constructor(history: HistoryModel, answer: Answer, notice: Frame, say: (problem: string) => void) {
    const { channel, kept, leftOutUntil, publishedBefore, recovered, stream, userId } = answer
    this.#leftOutUntil = leftOutUntil
    this.#history = history
    this.stream = stream
    this.userId = userId
    this.channel = channel
    const position = readPosition(String(notice['position']))
    this.#notedPosition = position ?? new Map()
    if (position === undefined) say(`the position ${String(notice['position'])} is malformed`)
    for (const epoch of this.#notedPosition.keys()) if (!history.learn(channel, epoch)) say(`the position names epoch ${epoch} of another channel`)
    this.endsAt = answer.endsAt
    const goesOn = recovered === true && kept !== undefined
    this.#owedFrom = goesOn ? kept.owedFrom : publishedBefore
    this.#have = new Map(goesOn ? kept.have : [])
    const isSnapshot = notice['snapshot'] === true
    this.#snapshots = { left: isSnapshot ? answer.replayed : 0, present: answer.present }
    this.#position = isSnapshot ? undefined : this.#notedPosition
    if (isSnapshot && isLatest(stream)) this.#owe(answer, answer.present, () => ANNOUNCED)
    if (recovered === true && kept === undefined) this.#owe(answer, answer.missed, ({ index }) => index - 0.5)
  }

  /** Of what was published before, only these messages are owed. */
  #owe({ publishedBefore }: Answer, owed: readonly Entry[], before: (entry: Entry) => number): void {
    if (!isLatest(this.stream)) {
      this.#owedFrom = owed[0]?.index ?? publishedBefore
      return
    }
    for (const each of this.#history.of(this.channel, this.stream)) if (each.index < publishedBefore) this.#have.set(each.stream.symbol, each.index)
    for (const each of owed) this.#have.set(each.stream.symbol, before(each))
  }

  kept(): Kept | undefined {
    if (this.#position === undefined || this.#gap > 0 || this.#isInDoubt || this.#mayLack()) return undefined
    const { channel, stream, userId } = this
    return { stream, userId, channel, text: writePosition(this.#position), owedFrom: this.#owedFrom, have: new Map(this.#have) }
  }

  /** Takes a gap notice. If the snapshot that was announced is missing too, nothing can be said of what follows. */
  miss(count: unknown, index: number): string | undefined {
    if (this.#snapshots.left > 0) this.judgedUntil = Math.min(this.judgedUntil, index)
    if (count === null && this.#leftOutUntil !== undefined) return void (this.#mayLackUntil = this.#leftOutUntil)
    this.#gap += Number(count)
    return Number.isInteger(count) ? undefined : `a gap of ${String(count)}`
  }

  /** Takes a gap notice of unknown size. Nothing that was published so far is owed any more. */
  doubt(): undefined {
    this.#isInDoubt = true
  }

  /** Takes a message or a skip of this stream. Returns what is wrong with it. */
  take(frame: Frame, index: number): string | undefined {
    const entry = this.#history.at(frame['epoch'], frame['seq'])
    if (frame['snapshot'] === true) return this.#takeSnapshot(frame, entry)
    if (entry === undefined) return `nobody published ${String(frame['epoch'])}:${String(frame['seq'])}`
    const problem = this.#problemOf(frame, entry)
    if (problem !== undefined) return problem
    if (index >= this.endsAt) return `${placeOf(entry)} comes after the subscription ended`
    if (isLatest(this.stream)) return this.#takeLatest(entry)
    return this.#snapshots.left > 0 ? `${placeOf(entry)} comes before the snapshot that was announced` : this.#takeNext(entry)
  }

  /** What is missing if nothing is on its way any more. Without a snapshot, an answer brings nothing of what was published before it. */
  missing(before = Infinity): string | undefined {
    if (this.#isInDoubt) return undefined
    if (this.#snapshots.left > 0) return `${this.#snapshots.left} snapshots of ${streamName(this.stream)} never came`
    const all = this.#history.of(this.channel, this.stream).filter(({ index }) => index < before)
    if (!isLatest(this.stream)) {
      const missing = all.filter(({ index }) => index >= this.#owedFrom)
      return this.#isTold(missing) ? undefined : `${list(missing)} never came, ${this.#gap} were reported as missing`
    }
    // Of a latest stream, a gap says that what is newest is missing.
    const missing = this.#gap > 0 ? [] : newest(all).filter((each) => this.#isNewer(each) && each.content > this.#mayLackUntil)
    return missing.length === 0 ? undefined : `${list(missing)} never came`
  }

  #problemOf({ data, user_id: user }: Frame, entry: Entry): string | undefined {
    const { stream } = entry
    if (entry.channel !== this.channel) return `${placeOf(entry)} is of another channel`
    if (this.stream.symbol !== undefined && stream.symbol !== this.stream.symbol) return `${placeOf(entry)} is of symbol ${String(stream.symbol)}`
    if (!isFor(entry, this.userId)) return `${placeOf(entry)} belongs to ${entry.userId}, and came to ${this.userId}`
    if (data === undefined) return undefined
    const content = (data as { readonly n?: unknown }).n
    if (content !== entry.content) return `${placeOf(entry)} has the content ${String(content)} instead of ${entry.content}`
    return user === null || user === entry.userId ? undefined : `${placeOf(entry)} names the user ${String(user)}`
  }

  #takeSnapshot(frame: Frame, entry: Entry | undefined): string | undefined {
    const { left, present } = this.#snapshots
    const place = `${String(frame['epoch'])}:${String(frame['seq'])}`
    const book = (frame['data'] as { readonly book?: number }).book
    if (left === 0) return `the snapshot ${place} was not announced`
    this.#snapshots.left--
    this.#advance(String(frame['epoch']), Number(frame['seq']))
    if (book !== undefined) return this.#problemOfBook(frame, book)
    if (entry === undefined) return `the snapshot ${place} is not what the host made`
    if (!present.includes(entry)) return `the snapshot ${place} is not the latest, or of before a revocation`
    this.#have.set(entry.stream.symbol, entry.index)
    return this.#problemOf(frame, entry)
  }

  /** A book holds everything that was published by then. */
  #problemOfBook(frame: Frame, book: number): string | undefined {
    const last = this.channel.epochs.get(String(frame['epoch']))
    const seq = Number(frame['seq'])
    const next = this.#history.at(frame['epoch'], seq + 1)
    const place = this.#history.at(frame['epoch'], seq)
    if (book !== this.#owedFrom) return `a snapshot of ${book} messages came after ${this.#owedFrom}`
    if (last === undefined || (next !== undefined && next.index < book) || (place !== undefined && place.index >= book)) {
      return `the snapshot of ${book} messages does not stand for ${String(frame['epoch'])}:${seq}`
    }
    return undefined
  }

  #takeNext(entry: Entry): string | undefined {
    if (entry.index < this.#owedFrom) return `${placeOf(entry)} comes twice, or out of order`
    const between = this.#history.of(this.channel, this.stream).filter(({ index }) => index >= this.#owedFrom && index < entry.index)
    const [gap, isTold] = [this.#gap, this.#isTold(between)]
    this.#gap = 0
    this.#owedFrom = entry.index + 1
    this.#advance(entry.epoch, entry.seq)
    if (isTold) return undefined
    return `${list(between)} did not come before ${placeOf(entry)}, and ${gap} were reported as missing`
  }

  /** True if the client was told of as many missing messages. Those that may be missing count or do not. */
  #isTold(missing: readonly Entry[]): boolean {
    return missing.length >= this.#gap && missing.filter(({ content }) => content > this.#mayLackUntil).length <= this.#gap
  }

  /** True if a message that may be missing is still to come. */
  #mayLack(): boolean {
    const isMeant = ({ index, content }: Entry): boolean => index >= this.#owedFrom && content <= this.#mayLackUntil
    return this.#history.awaits(this.#mayLackUntil) || this.#history.of(this.channel, this.stream).some(isMeant)
  }

  #takeLatest(entry: Entry): string | undefined {
    if (!this.#isNewer(entry)) return `${placeOf(entry)} comes twice, or after a newer one`
    // While a snapshot waits for a slow client, a newer message takes its place.
    if (this.#have.get(entry.stream.symbol) === ANNOUNCED) this.#snapshots.left--
    this.#gap = 0
    this.#have.set(entry.stream.symbol, entry.index)
    this.#advance(entry.epoch, entry.seq)
    return undefined
  }

  #isNewer({ stream: { symbol }, index }: Entry): boolean {
    return index > (this.#have.get(symbol) ?? this.#owedFrom - 1)
  }

  #advance(epoch: string, seq: number): void {
    this.#position ??= new Map(this.#notedPosition)
    this.#position.set(epoch, Math.max(this.#position.get(epoch) ?? 0, seq))
  }
}

function placeOf({ epoch, seq }: Entry): string {
  return `${epoch}:${seq}`
}

function list(entries: readonly Entry[]): string {
  return entries.length === 0 ? 'nothing' : entries.map(placeOf).join(', ')
}
