import type { ChannelName } from '../model/channel.ts'
import type { LoggedMessage, OwnEpoch } from '../ports/channel-log.ts'

/** The number of a node's last message in a channel, in the node's own epoch. */
export interface Progress extends OwnEpoch {
  readonly channel: ChannelName
}

/** Carries a message from the node that published it to the nodes that want the message's channel. */
export interface MessageFrame {
  readonly kind: 'message'
  readonly node: string
  readonly channel: ChannelName
  readonly epoch: string
  /** Milliseconds since the first message of the epoch was published. */
  readonly ageMs: number
  readonly message: LoggedMessage
}

/** Some of the messages that a node asked for. */
export interface AnswerFrame {
  readonly kind: 'answer'
  readonly node: string
  readonly channel: ChannelName
  readonly epoch: string
  /** The first and the last number of the request that this frame answers. */
  readonly first: number
  readonly last: number
  /** True if this is the last part of the answer. */
  readonly isLast: boolean
  readonly messages: readonly LoggedMessage[]
}

/**
 * A frame: what a node sends to other nodes, or to itself. `node` is the name of the sender.
 *
 * - `message`: a message that the sender has published
 * - `tail`: the number of the sender's last message in a channel. Sent when the sender has published nothing there for some time, when its link is up
 *   again, and before it leaves the cluster
 * - `probe`: a message of a node to itself. If it comes back, the broker works, and has received everything that the node sent before the probe
 * - `sync`: the sender wants these channels now. The nodes that publish in them answer with the numbers of their last messages
 * - `progress`: the answer to a `sync`
 * - `ask`: the sender asks another node to send these messages again
 * - `answer`: the answer to an `ask`
 * - `left`: the sender does not want these channels any more
 * - `back`: the sender is connected to the broker again, after `awayMs` milliseconds without a connection. A node that began to want channels in this
 *   time, or up to 5 seconds before it, asks the sender for the numbers of the sender's last messages in these channels
 * - `departed`: a user has just left the sender
 * - `survey`: the sender asks which channels the other nodes want
 * - `wanted`: the answer to a `survey`
 */
export type Frame =
  | MessageFrame
  | AnswerFrame
  | ({ readonly kind: 'tail'; readonly node: string } & Progress)
  | { readonly kind: 'probe'; readonly node: string; readonly number: number; readonly units: number }
  | { readonly kind: 'sync' | 'left' | 'wanted'; readonly node: string; readonly channels: readonly ChannelName[] }
  | { readonly kind: 'survey'; readonly node: string }
  | { readonly kind: 'departed'; readonly node: string; readonly userId: string }
  | { readonly kind: 'back'; readonly node: string; readonly awayMs: number }
  | { readonly kind: 'progress'; readonly node: string; readonly progress: readonly Progress[] }
  | { readonly kind: 'ask'; readonly node: string; readonly channel: ChannelName; readonly epoch: string; readonly first: number; readonly last: number }
