import { channelName, isLatest, isPrivate, streams, type Stream } from './catalogue.ts'

/** A message that was published and numbered. */
export interface Entry {
  /** Its place in the list of all. */
  readonly index: number
  readonly stream: Stream
  readonly userId: string
  readonly channel: ChannelModel
  readonly epoch: string
  readonly seq: number
  readonly content: number
  readonly units: number
  readonly textUnits: number
  readonly atMs: number
}

export interface Limits {
  readonly count: number
  readonly units: number
  readonly ageMs: number
  readonly totalUnits: number
}

interface Floor {
  readonly userId: string | undefined
  readonly streamType: string | undefined
  readonly symbol: string | undefined
  readonly index: number
  readonly atMs: number
}

/** One life of a channel. */
export class ChannelModel {
  readonly name: string
  readonly isLatest: boolean
  /** Epoch → its last number. */
  readonly epochs = new Map<string, number>()
  entries: Entry[] = []
  activeStreams = 0
  unusedSinceMs: number
  hasLost = false

  constructor(name: string, isOfLatest: boolean, nowMs: number) {
    this.name = name
    this.isLatest = isOfLatest
    this.unusedSinceMs = nowMs
  }
}

/** All that was ever published, as a list; and what of it must be held, found by walking through the list. */
export class HistoryModel {
  readonly entries: Entry[] = []
  held: Entry[] = []
  readonly channels = new Map<string, ChannelModel>()
  /** The messages that were published and have no number yet. */
  readonly #unnumbered = new Set<number>()
  readonly #byPlace = new Map<string, Entry>()
  #floors: Floor[] = []
  readonly #limits: Limits
  readonly #ownEpochs = new Map<string, ChannelModel>()

  constructor(limits: Limits) {
    this.#limits = limits
  }

  /** Returns the channel of a stream as it is known now. It exists from its first use on. */
  use(stream: Stream, userId: string, nowMs: number): ChannelModel {
    this.age(nowMs)
    const name = channelName(stream, userId)
    let channel = this.channels.get(name)
    if (channel === undefined) {
      channel = new ChannelModel(name, isLatest(stream), nowMs)
      this.channels.set(name, channel)
    }
    return channel
  }

  setActive(stream: Stream, userId: string, isActive: boolean, nowMs: number): void {
    const channel = this.use(stream, userId, nowMs)
    channel.activeStreams += isActive ? 1 : -1
    if (channel.activeStreams === 0) channel.unusedSinceMs = nowMs
  }

  /** Adds a message with the numbers that it was given. Returns what is wrong with these. */
  add(recorded: Omit<Entry, 'index' | 'channel' | 'atMs'>, nowMs: number): string | undefined {
    const { stream, userId, epoch, seq } = recorded
    const channel = this.use(stream, userId, nowMs)
    const owner = this.#ownEpochs.get(epoch) ?? channel
    this.#ownEpochs.set(epoch, channel)
    const before = channel.epochs.get(epoch) ?? 0
    const entry: Entry = { ...recorded, index: this.entries.length, channel, atMs: nowMs }
    this.entries.push(entry)
    this.#unnumbered.delete(entry.content)
    this.#byPlace.set(`${epoch}:${seq}`, entry)
    channel.entries.push(entry)
    channel.epochs.set(epoch, seq)
    if (channel.activeStreams === 0) channel.unusedSinceMs = nowMs
    this.#hold(entry)
    if (owner.name !== channel.name) return `epoch ${epoch} belongs to ${owner.name}, and is used for ${channel.name}`
    return seq === before + 1 ? undefined : `${epoch}:${seq} follows ${epoch}:${before}`
  }

  /** Notes an epoch that a position names. False if it belongs to another channel. */
  learn(channel: ChannelModel, epoch: string): boolean {
    const owner = this.#ownEpochs.get(epoch) ?? channel
    this.#ownEpochs.set(epoch, owner)
    if (!channel.epochs.has(epoch)) channel.epochs.set(epoch, 0)
    return owner.name === channel.name
  }

  at(epoch: unknown, seq: unknown): Entry | undefined {
    return this.#byPlace.get(`${String(epoch)}:${String(seq)}`)
  }

  /** The messages of a stream in its channel, in order. */
  of({ entries }: ChannelModel, stream: Stream): Entry[] {
    return stream.symbol === undefined ? entries : entries.filter((each) => each.stream.symbol === stream.symbol)
  }

  isHeld(entry: Entry): boolean {
    return this.held.includes(entry)
  }

  published(content: number): void {
    this.#unnumbered.add(content)
  }

  /** A message that was published will get no number. */
  failed(content: number): void {
    this.#unnumbered.delete(content)
  }

  /** True if a message up to this one has no number yet. */
  awaits(content: number): boolean {
    return [...this.#unnumbered].some((each) => each <= content)
  }

  /** The messages that were published before, and get their numbers later, are revoked too. */
  revoke(userId: string | undefined, streamType: string | undefined, symbol: string | undefined, nowMs: number): void {
    this.#floors.push({ userId, streamType, symbol, index: this.entries.length + this.#unnumbered.size, atMs: nowMs })
    this.#forgetFloors(nowMs)
  }

  /** Messages before this index are not for this user. */
  floorOf(stream: Stream, userId: string, nowMs: number): number {
    this.#forgetFloors(nowMs)
    const concerns = (floor: Floor): boolean =>
      (floor.userId ?? userId) === userId &&
      (floor.streamType ?? stream.streamType) === stream.streamType &&
      (floor.symbol === undefined || stream.symbol === undefined || floor.symbol === stream.symbol)
    return Math.max(0, ...this.#floors.filter(concerns).map(({ index }) => index))
  }

  /** Forgets what is too old, and channels that nobody has used for too long. */
  age(nowMs: number): void {
    const { ageMs } = this.#limits
    this.#lose(this.held.filter((each) => !each.channel.isLatest && nowMs - each.atMs >= ageMs))
    for (const channel of [...this.channels.values()]) {
      if (channel.activeStreams === 0 && nowMs - channel.unusedSinceMs >= ageMs) this.#forget(channel)
    }
  }

  /** The server starts anew, with what it exported then, or with nothing. */
  restart(isRestored: boolean, exportedAtMs: number, nowMs: number): void {
    this.age(exportedAtMs)
    for (const channel of [...this.channels.values()]) {
      channel.activeStreams = 0
      channel.unusedSinceMs = nowMs
      if (!isRestored) this.#forget(channel)
    }
    if (!isRestored) this.#floors = []
    this.age(nowMs)
    this.#forgetFloors(nowMs)
  }

  get heldUnits(): number {
    return this.held.reduce((sum, { units }) => sum + units, 0)
  }

  /** Forgets old floors. One that a last value is still held from before is kept for as long again. */
  #forgetFloors(nowMs: number): void {
    const isNeeded = ({ streamType, symbol, index }: Floor): boolean =>
      this.held.some(({ channel, stream, index: at }) => channel.isLatest && at < index && (streamType ?? stream.streamType) === stream.streamType && (symbol ?? stream.symbol) === stream.symbol)
    this.#floors = this.#floors.flatMap((floor) => {
      if (nowMs - floor.atMs < this.#limits.ageMs) return [floor]
      return isNeeded(floor) ? [{ ...floor, atMs: nowMs }] : []
    })
  }

  #forget(channel: ChannelModel): void {
    this.channels.delete(channel.name)
    this.held = this.held.filter((each) => each.channel !== channel)
  }

  #hold(entry: Entry): void {
    const { channel, stream } = entry
    if (channel.isLatest) this.held = this.held.filter((each) => each.channel !== channel || each.stream.symbol !== stream.symbol)
    this.held.push(entry)
    const own = this.held.filter((each) => each.channel === channel)
    const isTooMuch = (): boolean => own.length > this.#limits.count || own.reduce((sum, { units }) => sum + units, 0) > this.#limits.units
    while (!channel.isLatest && own.length > 0 && isTooMuch()) this.#lose([own.shift() as Entry])
    while (this.heldUnits > this.#limits.totalUnits) this.#lose([this.held[0] as Entry])
  }

  #lose(lost: readonly Entry[]): void {
    if (lost.length === 0) return
    for (const { channel } of lost) channel.hasLost = true
    this.held = this.held.filter((each) => !lost.includes(each))
  }
}

/** Whether a client of this user may see a message. */
export function isFor({ stream, userId }: Entry, viewer: string): boolean {
  return !isPrivate(stream) || userId === viewer
}

/** True if messages of several symbols are conflated in one subscription, so that a newer one may come before an older one. */
export function isReordered({ streamType, symbol }: Stream): boolean {
  return streams[streamType].delivery === 'latest' && streams[streamType].symbol === 'optional' && symbol === undefined
}
