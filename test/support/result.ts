import type { PublishResult } from '../../src/index.ts'

/** A whole result, all zero but for what is given. */
export function result(counts: Partial<PublishResult> = {}): PublishResult {
  return { matched: 0, sent: 0, queued: 0, conflated: 0, dropped: 0, failed: 0, skipped: 0, deferred: false, ...counts }
}
