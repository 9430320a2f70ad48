import type { PublishResult } from '../../src/index.ts'

/** A complete result, with zeros except for the given fields. */
export function result(counts: Partial<PublishResult> = {}): PublishResult {
  return { matched: 0, sent: 0, queued: 0, conflated: 0, dropped: 0, failed: 0, skipped: 0, deferred: false, ...counts }
}
