import type { ChannelName } from '../model/channel.ts'
import type { LoggedMessage, OwnEpoch, RecordedPublish } from '../ports/channel-log.ts'
import { Alarm } from '../time/alarm.ts'
import type { Clock } from '../time/clock.ts'
import { encodeMessage, messageHead } from './envelope.ts'
import type { Frame, Progress } from './frame.ts'
import type { Link } from './link.ts'
import type { Subjects } from './subjects.ts'
import { partsOf } from './parts.ts'

/** The messages that this node has published. */
export interface OwnMessages {
  own(channel: ChannelName): OwnEpoch | undefined
  range(channel: ChannelName, epoch: string, first: number, last: number): readonly LoggedMessage[]
}

export interface PublicationsDependencies {
  readonly messages: OwnMessages
  readonly link: Link
  readonly node: string
  readonly subjects: Subjects
  readonly clock: Clock
  readonly quietAfterMs: number
  /** Returns the subject of a channel, or `undefined` if the channel's messages stay on this node. */
  subjectOf(channel: ChannelName): string | undefined
}

/**
 * A channel in which this node has published. When the node has published nothing in the channel for a while, it sends the number of its last message
 * there again. It repeats the number at least `REPEATS` times, and until the broker has confirmed the last repeat. Then the tail is removed. The tail
 * is also removed if the log forgets the channel.
 */
interface Tail {
  readonly channel: ChannelName
  readonly subject: string
  /** The epoch of the channel's last message, and the beginning of the envelopes of this epoch. */
  epoch: string
  head: string
  quietSinceMs: number
  repeats: number
  /**
   * The `Link.mark` that was read directly after the number was last sent again. `Infinity` if it was never sent again, or if that frame may be lost.
   */
  mark: number
}

/**
 * When this node stops publishing in a channel, it repeats the number of its last message there at least this many times. If the broker has not
 * confirmed the last of these repeats, the node repeats the number again. Each pause is twice as long as the pause before it.
 */
const REPEATS = 3

/** While the link is down, the least time between two checks of `#tails`. A check removes the channels that the log has forgotten. Milliseconds. */
const SWEEP_MS = 60_000

/** The approximate size of one part of an answer, in UTF-16 units. */
const UNITS_OF_A_PART = 262_144

/**
 * Sends this node's messages to the other nodes, and answers the other nodes' requests.
 *
 * Another node notices a lost message when this node's next message of the channel arrives. But no message follows the last one. So when this node
 * stops publishing in a channel, it sends the number of its last message again.
 */
export class Publications {
  readonly counts = { published: 0, sent: 0 }
  readonly #dependencies: PublicationsDependencies
  readonly #tails = new Map<ChannelName, Tail>()
  readonly #alarm: Alarm

  constructor(dependencies: PublicationsDependencies) {
    this.#dependencies = dependencies
    this.#alarm = new Alarm(dependencies.clock, () => this.#repeatQuiet())
  }

  /** Sends a message that was just published. Does nothing if the messages of its channel stay on this node. */
  send({ channel, epoch, ageMs, message }: RecordedPublish): void {
    const { clock, link } = this.#dependencies
    const tail = this.#tails.get(channel) ?? this.#begin(channel)
    if (tail === undefined) return
    if (tail.epoch !== epoch) this.#beginEpoch(tail, epoch)
    tail.quietSinceMs = clock.monotonic()
    tail.repeats = 0
    this.counts.published++
    if (link.sendText(tail.subject, encodeMessage(tail.head, ageMs, message))) this.counts.sent++
  }

  /** For each channel whose last messages may be lost, sends the last message number again. */
  announce(): void {
    for (const tail of this.#tails.values()) {
      if (!this.#isTold(tail)) tail.repeats = 0
      this.#repeat(tail)
    }
    this.#setAlarm()
  }

  /** Call when the link is down. Frames that were sent but not confirmed may be lost. A later probe does not prove that these frames arrived. */
  linkLost(): void {
    for (const tail of this.#tails.values()) if (!this.#dependencies.link.isConfirmed(tail.mark)) tail.mark = Infinity
  }

  /**
   * Tells another node the number of this node's last message in each of these channels. Leaves out the channels in which this node has published
   * nothing, and those whose messages stay on this node.
   */
  answerSync(node: string, channels: readonly ChannelName[]): void {
    const progress = channels.flatMap((channel) => this.#progressOf(channel) ?? [])
    for (const part of partsOf(progress)) this.#sendTo(node, { kind: 'progress', node: this.#dependencies.node, progress: part })
  }

  /**
   * Sends the requested messages that this node still holds. If it holds none of them, sends an empty answer. Sends no answer if the epoch is not the
   * one in which this node publishes now, or if the channel's messages stay on this node.
   */
  answerAsk(to: string, { channel, epoch, first, last }: { readonly channel: ChannelName; readonly epoch: string; readonly first: number; readonly last: number }): void {
    const { messages, node } = this.#dependencies
    if (this.#progressOf(channel)?.epoch !== epoch) return
    let part: LoggedMessage[] = []
    let units = 0
    const send = (isLast: boolean): void => this.#sendTo(to, { kind: 'answer', node, channel, epoch, first, last, isLast, messages: part })
    for (const message of messages.range(channel, epoch, first, last)) {
      if (units > UNITS_OF_A_PART) {
        send(false)
        part = []
        units = 0
      }
      part.push(message)
      units += message.text.length
    }
    send(true)
  }

  stop(): void {
    this.#alarm.cancel()
    this.#tails.clear()
  }

  #begin(channel: ChannelName): Tail | undefined {
    const subject = this.#dependencies.subjectOf(channel)
    if (subject === undefined) return undefined
    const tail: Tail = { channel, subject, epoch: '', head: '', quietSinceMs: 0, repeats: 0, mark: Infinity }
    this.#tails.set(channel, tail)
    this.#setAlarm()
    return tail
  }

  #beginEpoch(tail: Tail, epoch: string): void {
    tail.epoch = epoch
    tail.head = messageHead(this.#dependencies.node, tail.channel, epoch)
  }

  #repeatQuiet(): void {
    const nowMs = this.#dependencies.clock.monotonic()
    for (const tail of this.#tails.values()) if (nowMs >= this.#dueMs(tail)) this.#repeat(tail)
    this.#setAlarm()
  }

  #dueMs({ quietSinceMs, repeats }: Tail): number {
    return quietSinceMs + this.#dependencies.quietAfterMs * (2 ** (repeats + 1) - 1)
  }

  #repeat(tail: Tail): void {
    const { link, node } = this.#dependencies
    const progress = this.#progressOf(tail.channel)
    // If the channel was forgotten, nobody can ask for its messages any more.
    if (progress === undefined || this.#isTold(tail)) return void this.#tails.delete(tail.channel)
    if (!link.send(tail.subject, { kind: 'tail', node, ...progress })) return
    tail.repeats++
    tail.mark = link.mark
  }

  #isTold({ repeats, mark }: Tail): boolean {
    return repeats >= REPEATS && this.#dependencies.link.isConfirmed(mark)
  }

  #setAlarm(): void {
    const { link, quietAfterMs } = this.#dependencies
    if (this.#tails.size > 0) this.#alarm.set(link.isUp ? quietAfterMs : Math.max(quietAfterMs, SWEEP_MS))
  }

  #progressOf(channel: ChannelName): Progress | undefined {
    const { messages, subjectOf } = this.#dependencies
    const own = messages.own(channel)
    // A node is asked about many channels, and publishes in few of them. So check first whether it has published, because making the name of a
    // subject takes longer.
    return own === undefined || subjectOf(channel) === undefined ? undefined : { channel: nameOf(channel), ...own }
  }

  #sendTo(node: string, frame: Frame): void {
    this.#dependencies.link.send(this.#dependencies.subjects.node(node), frame)
  }
}

function nameOf({ streamType, symbol, userId }: ChannelName): ChannelName {
  return { streamType, symbol, userId }
}
