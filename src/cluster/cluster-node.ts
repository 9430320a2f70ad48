import type { StreamCatalogue } from '../model/catalogue.ts'
import { channelOf, type ChannelName } from '../model/channel.ts'
import { isIdentifier } from '../model/identifier.ts'
import type { ChannelLog, LogCluster, ReadyRequest } from '../ports/channel-log.ts'
import type { ClusterListeners, ClusterStream } from './cluster-events.ts'
import type { ClusterManager } from './cluster-manager.ts'
import { obey, type ClusterCommand } from './commands.ts'
import { CONTROL, isStream } from './control-log.ts'
import { decodeFrame, startOfMessages } from './envelope.ts'
import type { Frame } from './frame.ts'
import { assemble, type NodeParts } from './node-parts.ts'
import type { ResolvedClusterOptions } from './options.ts'
import { partsOf } from './parts.ts'

/**
 * A node takes a turn every `probeMs`: see `#takeTurns`. After this many turns, a node that tracks the demand asks the other nodes again which
 * channels they want, because a report may have been lost.
 */
const TURNS_OF_A_SURVEY = 20

/**
 * How many times a node tells the other nodes that it is back: at once, and in each of the next turns. The node repeats the text, because a text may
 * be lost.
 */
const TIMES_TOLD = 4

/** The code assumes that a node notices the loss of its link within this time. Milliseconds. */
const LATE_NOTICE_MS = 5_000

/** A manager with any catalogue. */
type AnyManager = ClusterManager<StreamCatalogue>

/** One node of a cluster. A `ClusterNode` reacts to its manager, to the other nodes and to the broker. */
export class ClusterNode implements LogCluster {
  readonly counts = { foreign: 0, otherVersion: 0, gaps: 0, missing: 0 }
  readonly parts: NodeParts
  readonly #log: ChannelLog
  readonly #manager: AnyManager
  readonly #options: ResolvedClusterOptions
  readonly #listeners: ClusterListeners
  readonly #unlisten: (() => void)[] = []
  readonly #startOfOwn: string
  #isOpen = false
  #closed: Promise<void> | undefined
  #cancelTurn: (() => void) | undefined
  #turns = 0
  /** When the link last went down, or when this node was made, if the link has not gone down yet. By the monotonic clock. */
  #downSinceMs: number
  /** How many more times this node tells the others that it is back. */
  #timesToTell = 0

  constructor(manager: AnyManager, log: ChannelLog, options: ResolvedClusterOptions, listeners: ClusterListeners) {
    this.#log = log
    this.#manager = manager
    this.#options = options
    this.#listeners = listeners
    this.#downSinceMs = log.clock.monotonic()
    this.parts = assemble(manager, log, options, {
      linkChanged: (isUp) => this.#linkChanged(isUp),
      missed: (channel, missing) => this.#missed(channel, missing),
      commanded: (text) => this.#guard(() => obey(manager, text)),
      commandsMissed: (missing) => listeners.emit('error', new Error(`${missing ?? 'Some'} commands of another node may be missing: revocations, removals and statuses`)),
      demandChanged: (channel, isActive) => listeners.emit(isActive ? 'streamActive' : 'streamIdle', streamOf(channel)),
      report: (error) => listeners.emit('error', error),
    })
    this.#startOfOwn = startOfMessages(this.parts.name)
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /**
   * Joins the cluster. Resolves when the broker's client is open, and after `repairTimeoutMs` at the latest. Rejects if opening the client has failed
   * by then.
   */
  async open(): Promise<void> {
    const { interests, link, name, subjects, subjectSet } = this.parts
    this.#isOpen = true
    subjectSet.want(subjects.node(name))
    // Clients may connect before the other nodes have reported the numbers of their last commands.
    interests.gain(CONTROL).hasEarlySubscribers = true
    this.#follow()
    const opened = this.#options.backplane.open((_subject, text) => this.#receive(text), (isUp) => this.#reported(isUp)).then(() => {
      if (!this.#isOpen) return
      link.start()
      subjectSet.retry()
      this.#takeTurns()
    })
    await this.#inTime(opened)
  }

  /**
   * Leaves the cluster. Before this node leaves, it sends the number of its last message in each channel whose last messages the other nodes may have
   * missed.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  /** Gives a command to all other nodes. */
  command(command: ClusterCommand): void {
    const { control, publications } = this.parts
    publications.send(control.add(JSON.stringify(command)))
  }

  channelOf(stream: ChannelName): ChannelName {
    return channelOf(this.#log.streams, stream)
  }

  isRelayed({ streamType }: ChannelName): boolean {
    return !this.#options.localTypes.has(streamType)
  }

  /**
   * True if this node lacks no message of another node in a channel. Always true for a local type. For other types, false while the link is down, and
   * if this node does not want the channel.
   */
  isWhole(channel: ChannelName): boolean {
    const { link, receiving } = this.parts
    return !this.isRelayed(channel) || (link.isUp && receiving.find(channel)?.isWhole === true)
  }

  /**
   * Waits until this node has reached a client's position in a channel, and has the messages after it, except those that their origin no longer has.
   * Waits for `repairTimeoutMs` at most. Does not wait for a local type, or after this node has left the cluster. Does not wait if the request is
   * invalid either, because the subscribe that follows refuses such a request.
   */
  async ready({ streamType, symbol, userId, position }: ReadyRequest): Promise<void> {
    const { interests, readiness } = this.parts
    const channel = this.#channelIn({ streamType, symbol: symbol ?? undefined, userId: userId ?? undefined })
    if (!this.#isOpen || channel === undefined || !this.isRelayed(channel)) return
    const interest = interests.gain(channel)
    try {
      await readiness.wait(interest, position ?? undefined)
    } finally {
      if (this.#isOpen) interests.keep(interest)
      interests.lose(channel)
    }
  }

  /** Asks which channels the other nodes want, and reports each change from now on. A second call does nothing. */
  followDemand(): void {
    const { demand } = this.parts
    if (demand.isFollowed) return
    demand.follow()
    demand.wanted(this.#wanted())
    this.#survey()
  }

  /** Returns the channel of a stream that a client or another node names, or `undefined` if the catalogue does not allow such a stream. */
  #channelIn(stream: ChannelName): ChannelName | undefined {
    const definition = Object.hasOwn(this.#log.streams, stream.streamType) ? this.#log.streams[stream.streamType] : undefined
    if (definition === undefined) return undefined
    const isNamed = definition.symbol !== 'required' || isIdentifier(stream.symbol)
    return isNamed && (definition.audience !== 'private' || isIdentifier(stream.userId)) ? this.channelOf(stream) : undefined
  }

  async #close(): Promise<void> {
    const { demand, link, publications, readiness, receiving, subjectSet } = this.parts
    publications.announce()
    this.#isOpen = false
    for (const unlisten of this.#unlisten) unlisten()
    this.#cancelTurn?.()
    for (const part of [readiness, receiving, publications, demand, subjectSet, link]) part.stop()
    await this.#options.backplane.close()
  }

  #follow(): void {
    const { presence, publications } = this.parts
    this.#log.join(this)
    this.#unlisten.push(
      this.#log.onRecorded((recorded) => publications.send(recorded)),
      this.#manager.on('streamActive', (stream) => this.#setActive(stream, true)),
      this.#manager.on('streamIdle', (stream) => this.#setActive(stream, false)),
      this.#manager.on('userOnline', ({ userId }) => presence.setOnline(userId, true)),
      this.#manager.on('userOffline', ({ userId }) => presence.setOnline(userId, false)),
    )
    for (const stream of this.#manager.activeStreams()) this.#setActive(stream, true)
    for (const userId of this.#manager.userConnections.keys()) presence.setOnline(userId, true)
  }

  #setActive({ streamType, symbol, userId }: ClusterStream, isActive: boolean): void {
    const { demand, interests } = this.parts
    const channel = this.channelOf({ streamType, symbol, userId })
    if (!this.isRelayed(channel)) return
    if (!isActive) {
      interests.lose(channel)
      return demand.left([channel])
    }
    const interest = interests.gain(channel)
    if (!interest.isSynced) interest.hasEarlySubscribers = true
    demand.wanted([channel])
  }

  #receive(text: unknown): void {
    // A broker sends a node its own messages too, if the node is subscribed to them. Reading them would take longer than publishing them.
    if (!this.#isOpen || (typeof text === 'string' && text.startsWith(this.#startOfOwn))) return
    const frame = decodeFrame(text)
    if (frame === 'foreign') return void this.counts.foreign++
    if (frame === 'version') return void this.counts.otherVersion++
    if (frame.node !== this.parts.name) this.#guard(() => this.#take(frame))
    else if (frame.kind === 'probe') this.parts.link.echoed(frame.number, frame.units)
  }

  /** Handles a frame that another node has sent. */
  #take(frame: Frame): void {
    const { demand, presence, publications, receiving } = this.parts
    switch (frame.kind) {
      case 'message':
        return receiving.message(frame)
      case 'tail':
        return receiving.progress(frame.node, frame)
      case 'progress':
        return frame.progress.forEach((each) => receiving.progress(frame.node, each))
      case 'answer':
        return receiving.answer(frame)
      case 'ask':
        return publications.answerAsk(frame.node, frame)
      case 'sync':
        publications.answerSync(frame.node, frame.channels)
        this.#askAgain(frame.node, frame.channels)
        return this.#wantedElsewhere(frame.channels)
      case 'back':
        return this.#sync(frame.node, receiving.wantedSince(frame.awayMs + LATE_NOTICE_MS))
      case 'wanted':
        return this.#wantedElsewhere(frame.channels)
      case 'departed':
        return presence.departed(frame.userId)
      case 'left':
        return demand.left(frame.channels)
      case 'survey':
        for (const channels of partsOf(this.#wanted())) this.#send(this.parts.subjects.node(frame.node), { kind: 'wanted', node: this.parts.name, channels })
    }
  }

  #wantedElsewhere(channels: readonly ChannelName[]): void {
    const { demand } = this.parts
    if (demand.isFollowed) demand.wanted(this.#known(channels))
  }

  /**
   * Repeats the requests to a node that has come back. If a `sync` names the channel of commands, its sender has joined or come back a short time
   * ago, or still waits for the number of this node's last command. Otherwise it has no reason to ask, because every node wants this channel all the
   * time.
   */
  #askAgain(node: string, channels: readonly ChannelName[]): void {
    if (channels.every(isStream)) return
    this.#sync(node, this.parts.receiving.cameBack(node))
  }

  /** Asks one node for the number of its last message in each of these channels. */
  #sync(node: string, channels: readonly ChannelName[]): void {
    for (const part of partsOf(channels)) this.#send(this.parts.subjects.node(node), { kind: 'sync', node: this.parts.name, channels: part })
  }

  /** Returns those channels that this node's catalogue allows and whose types are not local. Another node may have a different catalogue. */
  #known(channels: readonly ChannelName[]): ChannelName[] {
    return channels.flatMap((channel) => this.#channelIn(channel) ?? []).filter((channel) => this.isRelayed(channel))
  }

  /** Called when the broker's client reports whether its connection is up. */
  #reported(isUp: boolean): void {
    if (!this.#isOpen) return
    // A probe comes back only if this node is subscribed to its own subject.
    if (isUp) this.parts.subjectSet.retry()
    this.parts.link.reported(isUp)
  }

  #linkChanged(isUp: boolean): void {
    const { demand, interests, publications, receiving, subjectSet } = this.parts
    receiving.linkChanged(isUp)
    if (!isUp) {
      publications.linkLost()
      this.#downSinceMs = this.#log.clock.monotonic()
    } else {
      this.#timesToTell = TIMES_TOLD
      this.#tellBack()
      subjectSet.retry()
      interests.sync([...receiving.interests()].filter(({ isSubscribed }) => isSubscribed))
      publications.announce()
      if (demand.isFollowed) this.#survey()
    }
    this.#listeners.emit('status', isUp ? 'up' : 'down')
  }

  #tellBack(): void {
    this.#timesToTell--
    this.#send(this.parts.subjects.control, { kind: 'back', node: this.parts.name, awayMs: this.#log.clock.monotonic() - this.#downSinceMs })
  }

  #missed(channel: ChannelName, missing: number | undefined): void {
    this.counts.gaps++
    this.counts.missing += missing ?? 0
    this.#listeners.emit('gap', { ...streamOf(channel), missing })
  }

  #wanted(): ChannelName[] {
    return this.parts.interests.channels().filter(isStream)
  }

  #survey(): void {
    this.#send(this.parts.subjects.control, { kind: 'survey', node: this.parts.name })
  }

  #send(subject: string, frame: Frame): void {
    this.parts.link.send(subject, frame)
  }

  /**
   * Every `probeMs`, checks for some of the tracked channels whether a node still wants them. Also repeats requests that may have been lost, and
   * calls to the broker that have failed.
   */
  #takeTurns(): void {
    const { demand, interests, link, subjectSet } = this.parts
    if (!this.#isOpen) return
    if (link.isUp) {
      demand.lookUpSome()
      interests.syncAgain()
      if (this.#timesToTell > 0) this.#tellBack()
    }
    if (++this.#turns % TURNS_OF_A_SURVEY === 0 && demand.isFollowed) this.#survey()
    subjectSet.retry()
    this.#cancelTurn = this.#log.clock.setTimeout(() => this.#takeTurns(), this.#options.probeMs)
  }

  /** Runs `act` and reports its error, so that a frame of another node throws no error into the broker's client. */
  #guard(act: () => void): void {
    try {
      act()
    } catch (error) {
      this.#listeners.emit('error', error)
    }
  }

  /** Settles like the promise, or resolves after `repairTimeoutMs` if the promise has not settled by then. */
  #inTime(promise: Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancel = this.#log.clock.setTimeout(resolve, this.#options.repairTimeoutMs)
      promise.then(resolve, reject).finally(cancel)
    })
  }
}

function streamOf({ streamType, symbol, userId }: ChannelName): ClusterStream {
  return { streamType, symbol, ...(userId !== undefined && { userId }) }
}
