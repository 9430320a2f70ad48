import type { ChannelName } from '../model/channel.ts'

// All that the library needs of its runtime to encode a text.
declare class TextEncoder {
  encode(text: string): Uint8Array
}
declare function btoa(binary: string): string

/**
 * The subjects of a cluster at the broker. Each part is the base64url of what it names. So any name is safe: a subject has no wildcard, no space and
 * no line break. The longest one is shorter than the 4,096 bytes that NATS takes in a line.
 */
export interface Subjects {
  /** Every node is subscribed to it. */
  readonly control: string
  /** One node is subscribed to it. */
  node(node: string): string
  /** The nodes that want a channel are subscribed to it. */
  channel(channel: ChannelName): string
  /** The nodes that a user is connected to are subscribed to it. */
  user(userId: string): string
}

/** Returns the subjects of the cluster with this prefix. */
export function subjectsOf(prefix: string): Subjects {
  const root = encoded(prefix)
  return {
    control: `${root}.a`,
    node: (node) => `${root}.n.${encoded(node)}`,
    channel: ({ streamType, symbol, userId }) => `${root}.c.${encoded(streamType)}.${encoded(symbol)}.${encoded(userId)}`,
    user: (userId) => `${root}.u.${encoded(userId)}`,
  }
}

/** The encoding of a name is never `-`, because it has at least two characters. */
function encoded(text: string | undefined): string {
  if (text === undefined) return '-'
  const bytes = new TextEncoder().encode(text)
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}
