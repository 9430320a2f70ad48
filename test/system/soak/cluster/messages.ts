import type { MemorySample } from '../memory.ts'
import type { Counts, Examples } from './counts.ts'
import type { SlowStreamType } from './streams.ts'

export const BROKERS = ['redis', 'nats'] as const
export type BrokerName = (typeof BROKERS)[number]

/** A fault that is built into the first node, so that one can see that the judge notices it. */
export const INJECTIONS = ['lose', 'twice', 'gap', 'end'] as const
export type Injection = (typeof INJECTIONS)[number]

/** What a node has to publish. */
export interface FeedPlan {
  readonly node: number
  readonly nodes: number
  readonly clients: number
  /** Deliveries to all clients of the cluster in a second, of the messages of this node. */
  readonly deliveriesPerSecond: number
  readonly seed: number
}

/** What the conductor tells a node. */
export type ToNode =
  | { readonly type: 'begin'; readonly node: number; readonly broker: BrokerName; readonly port: number; readonly injection: Injection | undefined }
  /** Publish one message of each channel. */
  | ({ readonly type: 'open' } & FeedPlan)
  /** Publish, until the node is told to rest. */
  | ({ readonly type: 'publish' } & FeedPlan)
  /** A slow client does not read. Its stream becomes busy until messages are dropped, or the client is disconnected. */
  | { readonly type: 'press'; readonly client: number; readonly streamType: SlowStreamType }
  /** Publish nothing any more. */
  | { readonly type: 'rest' }
  | { readonly type: 'sample'; readonly collects: boolean }

/** Event-loop delay since the last sample. Milliseconds. */
export interface Delay {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** What a node says of itself. */
export interface NodeSample {
  /** Garbage not included. `undefined` if the sample was to collect none. */
  readonly memory: MemorySample | undefined
  readonly rssBytes: number
  readonly delay: Delay
  /** The part of one processor that the node used since the last sample. */
  readonly cpuShare: number
  readonly connections: number
  readonly counts: NodeCounts
}

/** What a node has counted. */
export interface NodeCounts {
  readonly sent: number
  readonly conflated: number
  readonly dropped: number
  readonly slowConsumers: number
  readonly received: number
  readonly repaired: number
  readonly downs: number
}

/** The channels of a node, each with the number of its last message. */
export type Published = readonly (readonly [channel: string, n: number])[]

/** What a node tells the conductor. */
export type FromNode =
  | { readonly type: 'listening'; readonly port: number }
  | { readonly type: 'opened' }
  | { readonly type: 'status'; readonly isUp: boolean }
  | { readonly type: 'failed'; readonly error: string }
  | { readonly type: 'rested'; readonly published: Published }
  | ({ readonly type: 'sample' } & NodeSample)

/** What the conductor tells a process of clients. */
export type ToClients =
  | { readonly type: 'begin'; readonly urls: readonly string[]; readonly numbers: readonly number[]; readonly clients: number; readonly seed: number; readonly arrivalsPerSecond: number; readonly mostAwayMs: number }
  /** Clients leave and come back, and slow ones stop reading. */
  | { readonly type: 'live'; readonly churnPercentPerMinute: number }
  /** Everybody stays and reads. */
  | { readonly type: 'rest' }
  /** What each node has published. */
  | { readonly type: 'final'; readonly published: readonly Published[] }
  | { readonly type: 'report' }

/** What a process of clients says of its clients. */
export interface ClientsReport {
  readonly counts: Counts
  readonly examples: Examples
  /** Clients that are connected and have an answer for each stream. */
  readonly settled: number
  /** Messages that have not come and were not told as missing. 0 before it is known what was published. */
  readonly waiting: number
}

/** What a process of clients tells the conductor. */
export type FromClients =
  | { readonly type: 'paused'; readonly client: number; readonly node: number; readonly streamType: SlowStreamType }
  | ({ readonly type: 'report' } & ClientsReport)
