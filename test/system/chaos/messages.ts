import type { Persona, StreamName } from './streams.ts'

/** A message to be published. No two have the same `id`. */
export interface Entry {
  readonly streamType: StreamName
  readonly symbol?: string | undefined
  readonly userId?: string | undefined
  readonly data: { readonly id: number; readonly n?: number | undefined }
  /** So many characters are added, so that a slow client falls behind. */
  readonly padding?: number | undefined
}

/** What a server has to know when it begins. */
export interface Beginning {
  readonly hasRecovery: boolean
  /** What its predecessor exported. */
  readonly history?: string | undefined
  /** Symbol → the number of the last change of its book. */
  readonly books: Readonly<Record<string, number>>
  /** Client → the only token that it may come with. Any other client may come with 0. */
  readonly tokens: Readonly<Record<number, number>>
}

/** What the conductor tells a server. */
export type ToServer =
  | ({ readonly type: 'begin' } & Beginning)
  | { readonly type: 'publish'; readonly entries: readonly Entry[] }
  | { readonly type: 'expire'; readonly client: number; readonly token: number; readonly code: number }
  | { readonly type: 'drain'; readonly withinMs: number }
  | { readonly type: 'leave' }

/** What a server tells the conductor. */
export type FromServer =
  | { readonly type: 'listening'; readonly port: number }
  | { readonly type: 'acknowledged'; readonly count: number }
  | { readonly type: 'drained'; readonly stayed: number }
  | { readonly type: 'left'; readonly history: string | undefined }

/** What the conductor tells a process of clients. */
export type ToClients =
  | { readonly type: 'begin'; readonly url: string; readonly clients: readonly Persona[]; readonly seed: number }
  | { readonly type: 'issue'; readonly client: number; readonly token: number }
  | { readonly type: 'grant'; readonly userId: string; readonly key: string }
  | { readonly type: 'close' }

/** What happened to a client. All times are milliseconds of the time of day. */
export type ClientRecord =
  | { readonly type: 'state'; readonly client: number; readonly state: string; readonly reason: string | undefined; readonly atMs: number }
  /** `told`: whether the listener was told that something is missing, since the last connection. `null` if there was none. */
  | { readonly type: 'answered'; readonly client: number; readonly key: string; readonly recovered: boolean | null; readonly told: boolean | null }
  | { readonly type: 'gap'; readonly client: number; readonly key: string; readonly dropped: number | undefined }
  | { readonly type: 'message'; readonly client: number; readonly key: string; readonly symbol: string | undefined; readonly userId: string | undefined; readonly id: number | undefined; readonly n: number | undefined; readonly snapshot: boolean }
  | { readonly type: 'ended'; readonly client: number; readonly key: string; readonly code: string }
  | { readonly type: 'failed'; readonly client: number; readonly stage: string; readonly error: string }
  | { readonly type: 'request'; readonly client: number; readonly outcome: string }
  | { readonly type: 'unhandled'; readonly error: string }
