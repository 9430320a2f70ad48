import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { accountMismatches, mismatchLines, summaryTable } from '../report.js'

const RECKONED = { due: 10, refusals: 2, users: 3, connections: 2 }
const ACCOUNTS = {
  matched: 10, sent: 10, queued: 0, conflated: 0, dropped: 0, failed: 0, skipped: 0, deferred: 0,
  userCount: 3, connectionCount: 6, closed: 6, refusals: 2,
}

describe('summaryTable', () => {
  test('is aligned: names to the left, numbers to the right', () => {
    const table = summaryTable({
      messages: 5_520, deliveries: 78_033, seconds: 7, reconnects: 18, lost: 0, refusals: 9, mismatches: 0,
    })
    const lines = table.trimEnd().split('\n')
    assert.equal(new Set(lines.map((line) => line.length)).size, 1)
    assert.match(lines[1], /^deliveries +78,033$/)
    assert.match(lines[2], /^deliveries per second +11,148$/)
  })
})

describe('mismatchLines', () => {
  test('says where, what and which message', () => {
    const kind = /** @type {const} */ ('missing')
    const lines = mismatchLines([{ connection: 'ann/0 (c1)', kind, position: 7, detail: 'PRICE BTC' }], 3)
    assert.equal(lines, 'The first 1 of 3 mismatches:\n  ann/0 (c1): missing: message 7, PRICE BTC\n\n')
    assert.equal(mismatchLines([], 0), '')
  })
})

describe('accountMismatches', () => {
  test('finds nothing where the manager and the clients agree', () => {
    assert.deepEqual(accountMismatches(ACCOUNTS, RECKONED), [])
  })

  test('names each figure that differs', () => {
    const details = accountMismatches({ ...ACCOUNTS, sent: 9, failed: 1 }, RECKONED).map(({ detail }) => detail)
    assert.deepEqual(details, ['sent is 9, not 10', 'failed is 1, not 0'])
  })
})
