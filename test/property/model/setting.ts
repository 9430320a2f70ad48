import type { Stream } from './catalogue.ts'
import type { Kind } from './sockets.ts'

export interface QuotaSetting {
  readonly connections: number
  readonly connectionsPerUser: number
  readonly subscriptionsPerUser: number
  readonly subscriptionsPerConnection: number
  readonly messageUnits: number
  readonly pendingUsers: number
  readonly idleStreams: number
  readonly filterUnits: number
}

/** What one sequence is run with. */
export interface Setting {
  readonly users: number
  readonly ids: number
  /** The streams that most operations are about. */
  readonly favourites: readonly Stream[]
  readonly kinds: readonly Kind[]
  /** The kind whose transport is the manager's. */
  readonly managerKind: Kind | undefined
  readonly form: 'wire' | 'custom'
  readonly softLimitBytes: number
  readonly hardLimitBytes: number
  readonly drainIntervalMs: number
  readonly maxLagMs: number
  readonly pendingTtlMs: number
  readonly idleDelayMs: number
  readonly closeTimeoutMs: number
  readonly maxDeferred: number
  readonly hasAuthorize: boolean
  readonly quotas: QuotaSetting
  /** How the sequence ends: everybody leaves, or `cleanup()`. */
  readonly ending: 'leave' | 'cleanup'
}
