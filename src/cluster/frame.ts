import type { ChannelName } from '../model/channel.ts'
import type { LoggedMessage, OwnEpoch } from '../ports/channel-log.ts'

/** The last number that a node has published in a channel, in its own epoch. */
export interface Progress extends OwnEpoch {
  readonly channel: ChannelName
}

/** A message, on its way from its origin to the nodes that want its channel. */
export interface MessageFrame {
  readonly kind: 'message'
  readonly node: string
  readonly channel: ChannelName
  readonly epoch: string
  /** How long ago the first message of the epoch was published. */
  readonly ageMs: number
  readonly message: LoggedMessage
}

/** Some of the messages that a node asked for. */
export interface AnswerFrame {
  readonly kind: 'answer'
  readonly node: string
  readonly channel: ChannelName
  readonly epoch: string
  /** What was asked for: the first and the last number. */
  readonly first: number
  readonly last: number
  /** True if this is the last part of the answer. */
  readonly isLast: boolean
  readonly messages: readonly LoggedMessage[]
}

/**
 * What one node tells others. `node` is the sender.
 *
 * - `message`: a message
 * - `tail`: the channel is quiet now, and this was the last number
 * - `probe`: a message of a node to itself. If it comes back, the broker works, and has received everything that the node sent before
 * - `sync`: this node wants these channels now. The nodes that publish in them answer with their last numbers
 * - `progress`: the answer to a `sync`
 * - `ask`: send these messages again
 * - `answer`: the answer to an `ask`
 * - `left`: this node does not want these channels any more
 * - `back`: this node could not be reached for `awayMs`. A node that began to want channels meanwhile asks it again
 * - `survey`: which channels do you want?
 * - `wanted`: the answer to a `survey`
 */
export type Frame =
  | MessageFrame
  | AnswerFrame
  | ({ readonly kind: 'tail'; readonly node: string } & Progress)
  | { readonly kind: 'probe'; readonly node: string; readonly number: number; readonly units: number }
  | { readonly kind: 'sync' | 'left' | 'wanted'; readonly node: string; readonly channels: readonly ChannelName[] }
  | { readonly kind: 'survey'; readonly node: string }
  | { readonly kind: 'back'; readonly node: string; readonly awayMs: number }
  | { readonly kind: 'progress'; readonly node: string; readonly progress: readonly Progress[] }
  | { readonly kind: 'ask'; readonly node: string; readonly channel: ChannelName; readonly epoch: string; readonly first: number; readonly last: number }
