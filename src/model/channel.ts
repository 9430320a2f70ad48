import type { ResolvedCatalogue } from './catalogue.ts'

/**
 * Names a channel. All messages that a node publishes in a channel during one run are numbered in one sequence. A channel is the largest part of a
 * stream type that one subscription can cover: one symbol if the type requires a symbol, the whole type otherwise.
 */
export interface ChannelName {
  readonly streamType: string
  /** The symbol, if the type requires one. Otherwise `undefined`, because the channel is then the whole type. */
  readonly symbol: string | undefined
  /** The user, if the type is private. */
  readonly userId: string | undefined
}

/** Returns the channel of a stream. The stream type must be in the catalogue. */
export function channelOf(streams: ResolvedCatalogue, { streamType, symbol, userId }: ChannelName): ChannelName {
  const { audience, symbol: rule } = streams[streamType] as ResolvedCatalogue[string]
  return {
    streamType,
    symbol: rule === 'required' ? symbol : undefined,
    userId: audience === 'private' ? userId : undefined,
  }
}
