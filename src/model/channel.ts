import type { ResolvedCatalogue } from './catalogue.ts'

/**
 * Names a channel: the largest part of a stream type that one subscription can cover. This is one symbol if the type requires a symbol, and the whole
 * type otherwise. Each node, which is a server process, numbers its own messages in a channel: 1, 2, 3 and so on.
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
