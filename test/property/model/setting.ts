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
  /** What a message is on the wire: JSON, or what the manager's own `serialize` makes, a text or bytes. */
  readonly form: 'wire' | 'custom' | 'bytes'
  /** Without one, with one that numbers the texts, or with one that also tells those who are left out. */
  readonly recorder: 'none' | 'numbering' | 'skipping'
  /** What a notice is on the wire: JSON, or what the manager's own `serializeNotice` makes. */
  readonly noticeForm: 'wire' | 'own'
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
