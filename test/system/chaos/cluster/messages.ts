import type { Entry } from '../messages.ts'

export const BROKERS = ['redis', 'ioredis', 'nats', 'memory'] as const

/** What carries messages between the nodes: Redis by node-redis or by ioredis, NATS, or a bus in the memory of the conductor. */
export type BrokerName = (typeof BROKERS)[number]

/** What the way to a bus in memory does: it passes, stays where it is, is lost without a word, or there is none. */
export type Flow = 'passing' | 'stalled' | 'lost' | 'down'

/** What a node has to know when it begins. */
export interface NodeBeginning {
  readonly broker: BrokerName
  /** Where the node finds its broker. `undefined` for a bus in memory. */
  readonly port: number | undefined
  /** True for a node that relays messages without a cluster. */
  readonly isPlain: boolean
  /** True for the node that publishes what the others ask for. */
  readonly isFeed: boolean
  /** The users who have no right to their club. */
  readonly forbidden: readonly string[]
}

/** What the conductor tells a node. */
export type ToNode =
  | ({ readonly type: 'begin' } & NodeBeginning)
  | { readonly type: 'publish'; readonly entries: readonly Entry[] }
  /** Whether a user may have the messages of its club: what every node would read from one table. */
  | { readonly type: 'rights'; readonly userId: string; readonly mayRead: boolean }
  /** For the whole cluster: end what the user has of its club, or all its connections. */
  | { readonly type: 'revoke' | 'remove'; readonly userId: string }
  | { readonly type: 'flow'; readonly flow: Flow }
  | { readonly type: 'report'; readonly userIds: readonly string[] }
  | { readonly type: 'leave' }

/** What a node says of itself when all is calm. */
export interface NodeReport {
  /** Whether each user that was asked for is online anywhere, or why nobody knows. */
  readonly online: readonly (boolean | string)[]
  /** Users without the right to their club who have its messages all the same. */
  readonly trespassers: readonly string[]
  /** Of the messages that a subscriber on the node had to hear at once: how many there were, and how many it heard. */
  readonly local: { readonly due: number; readonly heard: number }
  readonly counts: NodeCounts
}

/** What a node counts. */
export interface NodeCounts {
  readonly received: number
  readonly repaired: number
  /** How often subscribers on the node were told that messages are missing. */
  readonly gaps: number
  readonly downs: number
}

/** What a node tells the conductor. */
export type FromNode =
  | { readonly type: 'listening'; readonly port: number }
  | { readonly type: 'noted' }
  | { readonly type: 'status'; readonly isUp: boolean; readonly atMs: number }
  | { readonly type: 'demand'; readonly symbol: string; readonly isActive: boolean }
  | { readonly type: 'failed'; readonly error: string }
  | ({ readonly type: 'report' } & NodeReport)
