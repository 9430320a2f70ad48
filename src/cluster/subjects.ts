import type { ChannelName } from '../model/channel.ts'

// All that the library needs of its runtime to encode a text.
declare class TextEncoder {
  encode(text: string): Uint8Array
}
declare function btoa(binary: string): string

/**
 * The subjects of a cluster at the broker. Each name in a subject is encoded in base64url. So every name is safe: a subject has no wildcard, no space
 * and no line break. If the name of a stream type has at most 255 UTF-16 units, its subjects are shorter than 4,096 bytes, which is the longest line
 * that NATS accepts.
 */
export interface Subjects {
  /** The subject for all nodes. Every node is subscribed to it. */
  readonly control: string
  /** Returns the subject of a node. Only that node is subscribed to it. */
  node(node: string): string
  /** Returns the subject of a channel. The nodes that want the channel are subscribed to it. */
  channel(channel: ChannelName): string
  /** Returns the subject of a user. The nodes that have a connection of the user are subscribed to it. */
  user(userId: string): string
  /** Returns the subject on which nodes announce that a user has left them. The nodes that follow the user's departures are subscribed to it. */
  departures(userId: string): string
}

/** Returns the subjects of the cluster with this prefix. */
export function subjectsOf(prefix: string): Subjects {
  const root = encoded(prefix)
  return {
    control: `${root}.a`,
    node: (node) => `${root}.n.${encoded(node)}`,
    channel: ({ streamType, symbol, userId }) => `${root}.c.${encoded(streamType)}.${encoded(symbol)}.${encoded(userId)}`,
    user: (userId) => `${root}.u.${encoded(userId)}`,
    departures: (userId) => `${root}.d.${encoded(userId)}`,
  }
}

/** Encodes a name. `-` stands for an absent name. No encoded name is `-`, because every encoded name has at least two characters. */
function encoded(text: string | undefined): string {
  if (text === undefined) return '-'
  const bytes = new TextEncoder().encode(text)
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}
