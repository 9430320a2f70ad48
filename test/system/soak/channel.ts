import { streams, type StreamTypeName } from './streams.ts'

/**
 * What a connection gets of a channel: every message; the newest at least, and none older than the one before; or every one but
 * those that a gap notice says are missing.
 */
export type ChannelRule = 'every' | 'latest' | 'droppable'

export interface ChannelAddress {
  readonly streamType: StreamTypeName
  readonly symbol?: string | undefined
  /** Whose messages they are, on a private stream. */
  readonly userId?: string | undefined
}

/** Messages that are numbered together, from 1 on: those of one stream, on a private one those of one user. */
export class Channel<TListener> {
  readonly name: string
  readonly rule: ChannelRule
  readonly address: ChannelAddress
  /** The number of the last message. */
  published = 0
  /** The connections that the next message is for. */
  readonly audience: Set<TListener> = new Set()

  constructor(address: ChannelAddress) {
    this.address = address
    this.name = channelName(address)
    this.rule = ruleOf(address.streamType)
  }
}

/** No two channels share it, however hostile their ids. */
export function channelName({ streamType, symbol, userId }: { readonly [TName in keyof ChannelAddress]?: string | null | undefined }): string {
  return JSON.stringify([streamType, symbol ?? null, userId ?? null])
}

function ruleOf(streamType: StreamTypeName): ChannelRule {
  const { delivery, overflow } = streams[streamType]
  if (delivery === 'latest') return 'latest'
  return overflow === 'drop' ? 'droppable' : 'every'
}
