import type { DrainReport } from '../../../src/operations/index.ts'

/** A message to be published. No two have the same `id`. */
export interface Entry {
  readonly streamType: 'TRADES' | 'ORDER_UPDATES'
  readonly symbol?: string | undefined
  readonly userId?: string | undefined
  readonly data: { readonly id: number }
}

/** What a node has to know when it begins. */
export interface NodeBeginning {
  /** How often clients get a ping or a comment. `0`: never. */
  readonly heartbeatMs: number
  /** The name of its cluster. A node without one is alone. */
  readonly prefix?: string | undefined
}

/** How a node ends. */
export interface Deploy {
  readonly overMs: number
  readonly perSecond?: number | undefined
  readonly stayMs: number
}

/** What a node is told. */
export type ToNode =
  | ({ readonly type: 'begin' } & NodeBeginning)
  | { readonly type: 'publish'; readonly entry: Entry }
  | ({ readonly type: 'deploy' } & Deploy)

/** What a node tells. */
export type FromNode =
  | { readonly type: 'listening'; readonly port: number }
  | { readonly type: 'drained'; readonly report: DrainReport }

/** A client: who it is, how it connects, and the symbol whose trades it wants. It also wants the orders of its user. */
export interface Persona {
  readonly number: number
  readonly userId: string
  readonly kind: 'WebSocket' | 'EventSource'
  readonly symbol: string
}

/** What a process of clients is told. */
export type ToClients = { readonly type: 'begin'; readonly port: number; readonly certificate: string; readonly clients: readonly Persona[] }

/** What happened to a client. `atMs` is the time of day. */
export type ClientRecord =
  | { readonly type: 'state'; readonly client: number; readonly state: string; readonly reason: string | undefined; readonly atMs: number }
  | { readonly type: 'answered'; readonly client: number; readonly stream: Stream; readonly recovered: boolean | null }
  | { readonly type: 'gap'; readonly client: number; readonly stream: Stream; readonly dropped: number | undefined }
  | { readonly type: 'ended'; readonly client: number; readonly stream: Stream; readonly code: string }
  | { readonly type: 'message'; readonly client: number; readonly entry: Entry }
  | { readonly type: 'failed'; readonly client: number; readonly stage: string; readonly error: string }

/** What a process of clients tells. */
export type FromClients = { readonly type: 'records'; readonly records: readonly ClientRecord[] }

/** A stream, or a private stream of the client's own user. */
export interface Stream {
  readonly streamType: 'TRADES' | 'ORDER_UPDATES'
  readonly symbol?: string | undefined
}
