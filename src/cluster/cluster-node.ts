import { channelOf, type ChannelName } from '../model/channel.ts'
import type { ChannelLog } from '../ports/channel-log.ts'
import type { ClusterListeners, ClusterStream } from './cluster-events.ts'
import { obey, type ClusterCommand, type CommandedManager } from './commands.ts'
import { ControlDestination } from './control-destination.ts'
import { CONTROL, ControlLog } from './control-log.ts'
import { Demand } from './demand.ts'
import { decodeFrame } from './envelope.ts'
import type { Frame } from './frame.ts'
import { Interest } from './interest.ts'
import { Interests } from './interests.ts'
import { Link } from './link.ts'
import type { ResolvedClusterOptions } from './options.ts'
import { partsOf } from './parts.ts'
import { Presence } from './presence.ts'
import { Publications, type OwnMessages } from './publications.ts'
import { Readiness } from './readiness.ts'
import { Receiving } from './receiving.ts'
import { StreamDestination, type ChannelManager } from './stream-destination.ts'
import { SubjectSet } from './subject-set.ts'
import { subjectsOf, type Subjects } from './subjects.ts'

/** All that a node needs of its manager. */
export interface ClusterManager extends ChannelManager, CommandedManager {
  activeStreams(): readonly ClusterStream[]
  readonly userConnections: ReadonlyMap<string, unknown>
  on(event: 'streamActive' | 'streamIdle' | 'userOnline' | 'userOffline', listener: (payload: never) => void): () => void
}

/** Commands are held for so long, for nodes that are cut off. Milliseconds. */
const COMMANDS_AGE_MS = 120_000

/** One node of a cluster: its parts, and what goes between them. */
export class ClusterNode {
  readonly counts = { foreign: 0, otherVersion: 0, gaps: 0, missing: 0 }
  readonly link: Link
  readonly interests: Interests
  readonly receiving: Receiving
  readonly publications: Publications
  readonly readiness: Readiness
  readonly presence: Presence
  readonly demand: Demand
  readonly #node: string
  readonly #log: ChannelLog
  readonly #manager: ClusterManager
  readonly #options: ResolvedClusterOptions
  readonly #listeners: ClusterListeners
  readonly #subjects: Subjects
  readonly #subjectSet: SubjectSet
  readonly #control: ControlLog
  readonly #unlisten: (() => void)[] = []
  #isOpen = false
  #cancelTurn: (() => void) | undefined

  constructor(manager: ClusterManager, log: ChannelLog, options: ResolvedClusterOptions, listeners: ClusterListeners) {
    const { backplane, prefix } = options
    const { clock } = log
    this.#node = log.randomName()
    this.#log = log
    this.#manager = manager
    this.#options = options
    this.#listeners = listeners
    this.#subjects = subjectsOf(prefix)
    this.#control = new ControlLog(log.randomName(), clock, COMMANDS_AGE_MS)
    this.#subjectSet = new SubjectSet(backplane, (subjects) => this.interests.subscribed(subjects))
    this.link = this.#makeLink()
    this.readiness = this.#makeReadiness()
    this.receiving = this.#makeReceiving()
    this.interests = this.#makeInterests()
    this.publications = this.#makePublications()
    this.presence = new Presence({ backplane, subjects: this.#subjects, subjectSet: this.#subjectSet, isOnlineHere: (userId) => manager.userConnections.has(userId) })
    this.demand = this.#makeDemand()
  }

  /** Begins. Rejects if the broker cannot be used. */
  async open(): Promise<void> {
    const { backplane, repairTimeoutMs } = this.#options
    this.#isOpen = true
    this.#subjectSet.want(this.#subjects.node(this.#node))
    this.interests.gain(CONTROL)
    this.#follow()
    const opened = backplane.open((_subject, text) => this.#receive(text), (isUp) => this.#reported(isUp)).then(() => this.#opened())
    await this.#inTime(opened, repairTimeoutMs)
  }

  /** Leaves the cluster. What the others do not have yet is told to them first. */
  async close(): Promise<void> {
    if (!this.#isOpen) return
    this.publications.announce()
    this.#isOpen = false
    for (const unlisten of this.#unlisten) unlisten()
    this.#cancelTurn?.()
    this.readiness.stop()
    this.receiving.stop()
    this.publications.stop()
    this.demand.stop()
    this.link.stop()
    await this.#options.backplane.close()
  }

  /** Gives a command to all other nodes. */
  command(command: ClusterCommand): void {
    const { epoch } = this.#control
    this.publications.send(CONTROL, epoch, this.#control.add(JSON.stringify(command)))
  }

  channelOf(stream: ChannelName): ChannelName {
    return channelOf(this.#log.streams, stream)
  }

  isRelayed({ streamType }: ChannelName): boolean {
    return !this.#options.localTypes.has(streamType)
  }

  /** Waits until this node has all that it can get of a channel back to a position. */
  async ready(channel: ChannelName, position: unknown): Promise<void> {
    const interest = this.interests.gain(channel)
    try {
      await this.readiness.wait(interest, position)
    } finally {
      if (this.#isOpen) this.interests.keep(interest)
      this.interests.lose(channel)
    }
  }

  /** Learns which channels the cluster wants, and tells of changes from now on. */
  followDemand(): void {
    if (this.demand.isFollowed) return
    this.demand.follow()
    this.demand.wanted(this.#wanted())
    this.#sendToAll({ kind: 'survey', node: this.#node })
  }

  #opened(): void {
    this.link.start()
    this.#subjectSet.retry()
    this.#takeTurns()
  }

  /** True if nothing that other nodes have published in a channel is missing here. */
  #isWhole(channel: ChannelName): boolean {
    return !this.isRelayed(channel) || (this.link.isUp && this.receiving.find(channel)?.isWhole === true)
  }

  #follow(): void {
    this.#log.proveBy((channel) => this.#isWhole(channel))
    this.#unlisten.push(
      this.#log.onRecorded(({ channel, epoch, message }) => this.publications.send(channel, epoch, message)),
      this.#manager.on('streamActive', (stream: ClusterStream) => this.#setActive(stream, true)),
      this.#manager.on('streamIdle', (stream: ClusterStream) => this.#setActive(stream, false)),
      this.#manager.on('userOnline', ({ userId }: { readonly userId: string }) => this.presence.setOnline(userId, true)),
      this.#manager.on('userOffline', ({ userId }: { readonly userId: string }) => this.presence.setOnline(userId, false)),
    )
    for (const stream of this.#manager.activeStreams()) this.#setActive(stream, true)
    for (const userId of this.#manager.userConnections.keys()) this.presence.setOnline(userId, true)
  }

  #setActive({ streamType, symbol, userId }: ClusterStream, isActive: boolean): void {
    const channel = this.channelOf({ streamType, symbol, userId })
    if (!this.isRelayed(channel)) return
    if (isActive) this.#gain(channel)
    else this.interests.lose(channel)
    if (isActive) this.demand.wanted([channel])
    else this.demand.left([channel])
  }

  #gain(channel: ChannelName): void {
    const interest = this.interests.gain(channel)
    if (!interest.isSynced) interest.hasEarlySubscribers = true
  }

  #receive(text: unknown): void {
    if (!this.#isOpen) return
    const frame = decodeFrame(text)
    if (frame === 'foreign') return void this.counts.foreign++
    if (frame === 'version') return void this.counts.otherVersion++
    if (frame.node !== this.#node) this.#take(frame)
    else if (frame.kind === 'probe') this.link.echoed(frame.number, frame.units)
  }

  /** Takes a frame of another node. */
  #take(frame: Frame): void {
    switch (frame.kind) {
      case 'message':
        return this.receiving.message(frame)
      case 'tail':
        return this.receiving.progress(frame.node, frame)
      case 'progress':
        return frame.progress.forEach((each) => this.receiving.progress(frame.node, each))
      case 'answer':
        return this.receiving.answer(frame)
      case 'ask':
        return this.publications.answerAsk(frame.node, frame)
      case 'sync':
        this.publications.answerSync(frame.node, frame.channels)
        return this.demand.wanted(frame.channels.filter(isStream))
      case 'wanted':
        return this.demand.wanted(frame.channels.filter(isStream))
      case 'left':
        return this.demand.left(frame.channels)
      case 'survey':
        for (const channels of partsOf(this.#wanted())) this.#sendTo(frame.node, { kind: 'wanted', node: this.#node, channels })
    }
  }

  #reported(isUp: boolean): void {
    // A probe comes back only if this node is subscribed to its own subject.
    if (isUp) this.#subjectSet.retry()
    this.link.reported(isUp)
  }

  #linkChanged(isUp: boolean): void {
    this.receiving.linkChanged(isUp)
    if (isUp) {
      this.#subjectSet.retry()
      this.interests.sync([...this.receiving.interests()].filter(({ isSubscribed }) => isSubscribed))
      this.publications.announce()
      if (this.demand.isFollowed) this.#sendToAll({ kind: 'survey', node: this.#node })
    }
    this.#listeners.emit('status', isUp ? 'up' : 'down')
  }

  #missed({ streamType, symbol, userId }: ChannelName, missing: number | undefined): void {
    this.counts.gaps++
    this.counts.missing += missing ?? 0
    this.#listeners.emit('gap', { streamType, symbol, ...(userId !== undefined && { userId }), missing })
  }

  #wanted(): ChannelName[] {
    return this.interests.channels().filter(isStream)
  }

  #sendTo(node: string, frame: Frame): boolean {
    return this.link.send(this.#subjects.node(node), frame)
  }

  #sendToAll(frame: Frame): boolean {
    return this.link.send(this.#subjects.control, frame)
  }

  /** Now and then, looks up whether what was wanted still is, or tries again to subscribe. */
  #takeTurns(): void {
    if (!this.#isOpen) return
    if (this.link.isUp) this.demand.lookUpSome()
    this.#subjectSet.retry()
    this.#cancelTurn = this.#log.clock.setTimeout(() => this.#takeTurns(), this.#options.probeMs)
  }

  /** Settles as the promise does, or resolves when the time is over. */
  #inTime(promise: Promise<void>, ms: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancel = this.#log.clock.setTimeout(resolve, ms)
      promise.then(resolve, reject).finally(cancel)
    })
  }

  #makeLink(): Link {
    const { backplane, maxUnconfirmedBytes, probeMs } = this.#options
    const changed = (isUp: boolean): void => this.#linkChanged(isUp)
    return new Link({ backplane, clock: this.#log.clock, node: this.#node, subject: this.#subjects.node(this.#node), probeMs, maxUnconfirmedBytes, changed })
  }

  #makeReceiving(): Receiving {
    return new Receiving({
      clock: this.#log.clock,
      node: this.#node,
      repairTimeoutMs: this.#options.repairTimeoutMs,
      maxHeldUnits: this.#options.maxUnconfirmedBytes,
      sendTo: (node, frame) => void this.#sendTo(node, frame),
      isUp: () => this.link.isUp,
      settled: () => this.readiness.check(),
    })
  }

  #makeInterests(): Interests {
    const { idleDelayMs, repairTimeoutMs } = this.#options
    return new Interests({
      clock: this.#log.clock,
      node: this.#node,
      idleDelayMs,
      repairTimeoutMs,
      subjectSet: this.#subjectSet,
      receiving: this.receiving,
      make: (channel) => (channel === CONTROL ? this.#controlInterest() : this.#interestIn(channel)),
      sendToAll: (frame) => this.#sendToAll(frame),
      roundTripMs: () => this.link.roundTripMs,
      synced: () => this.readiness.check(),
    })
  }

  #interestIn(channel: ChannelName): Interest {
    const report = (error: unknown): void => this.#listeners.emit('error', error)
    const destination = new StreamDestination(channel, { log: this.#log, manager: this.#manager, missed: (...facts) => this.#missed(...facts), report })
    return new Interest(channel, this.#subjects.channel(channel), destination, this.#log.clock.monotonic())
  }

  #controlInterest(): Interest {
    const carryOut = (text: string): void => {
      try {
        obey(this.#manager, text)
      } catch (error) {
        this.#listeners.emit('error', error)
      }
    }
    const missed = (missing: number | undefined): void => {
      this.#listeners.emit('error', new Error(`${missing ?? 'Some'} commands of another node may be missing: revocations, removals and statuses`))
    }
    return new Interest(CONTROL, this.#subjects.control, new ControlDestination(carryOut, missed), this.#log.clock.monotonic())
  }

  #makePublications(): Publications {
    const messages: OwnMessages = {
      own: (channel) => (isStream(channel) ? this.#log.own(channel) : this.#control.own()),
      range: (channel, epoch, first, last) => (isStream(channel) ? this.#log.range(channel, epoch, first, last) : this.#control.range(first, last)),
    }
    const subjectOf = (channel: ChannelName): string | undefined => {
      if (!isStream(channel)) return this.#subjects.control
      return this.isRelayed(channel) ? this.#subjects.channel(channel) : undefined
    }
    const { clock } = this.#log
    return new Publications({ messages, link: this.link, node: this.#node, subjects: this.#subjects, clock, quietAfterMs: this.#options.quietAfterMs, subjectOf })
  }

  #makeReadiness(): Readiness {
    return new Readiness({
      clock: this.#log.clock,
      repairTimeoutMs: this.#options.repairTimeoutMs,
      complete: (interest, origin, seq) => this.receiving.complete(interest, origin, seq),
      isUp: () => this.link.isUp,
      isOwn: ({ channel }, epoch) => this.#log.isOwn(channel, epoch),
    })
  }

  #makeDemand(): Demand {
    const { backplane, idleDelayMs } = this.#options
    return new Demand({
      backplane,
      subjects: this.#subjects,
      clock: this.#log.clock,
      idleDelayMs,
      isWantedHere: (channel) => this.receiving.find(channel) !== undefined,
      changed: ({ streamType, symbol, userId }, isActive) =>
        this.#listeners.emit(isActive ? 'streamActive' : 'streamIdle', { streamType, symbol, ...(userId !== undefined && { userId }) }),
      report: (error) => this.#listeners.emit('error', error),
    })
  }
}

/** False for the channel of commands. */
function isStream({ streamType }: ChannelName): boolean {
  return streamType !== CONTROL.streamType
}
