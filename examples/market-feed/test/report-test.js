import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { accountMismatches, mismatchLines, summaryTable } from '../report.js'

const RECKONED = {
  due: 20, lost: 3, missed: { conflated: 4, dropped: 2 }, lostByTooSlow: { conflated: 1, dropped: 0 }, tooSlow: 1,
  recovered: 8, refused: 3, replayed: 5, refusals: 2, users: 3, connections: 6,
}
/** Of the three that were lost, one was conflated, one failed, and one was on its way. One of four notices was discarded, too. */
const ACCOUNTS = {
  matched: 24, sent: 15, waiting: 0, conflated: 5, dropped: 2, failed: 1, skipped: 0, purged: 1, rejected: 0, gapNotices: 0, deferred: 0,
  notices: { all: 4, cut: 1 },
  connectionsBehind: 0, waitingBytes: 0, mostWaitingBytes: 900, hadToWait: 9, slowConsumers: 1,
  userCount: 3, connectionCount: 6, closed: 6, refusals: 2,
  resumes: { recovered: 8, refused: 3 }, replayed: 5,
}

describe('summaryTable', () => {
  test('is aligned: names to the left, numbers to the right', () => {
    const table = summaryTable({
      messages: 5_520, deliveries: 78_033, seconds: 7, accounts: ACCOUNTS, reconnects: 18, lost: 0, told: 4, refusals: 9, mismatches: 0,
    })
    const lines = table.trimEnd().split('\n')
    assert.equal(new Set(lines.map((line) => line.length)).size, 1)
    assert.match(lines[1], /^deliveries +78,033$/)
    assert.match(lines[2], /^deliveries per second +11,148$/)
    assert.deepEqual(lines.slice(3, 8).map((line) => line.replace(/ +(?=\d)/, ' ')), [
      'queued for slow clients 9', 'conflated 5', 'dropped 2', 'discarded unsent 2', 'slow clients disconnected 1',
    ])
    assert.deepEqual(lines.slice(8, 13).map((line) => line.replace(/ +(?=\d)/, ' ')), [
      'reconnects 18', 'streams recovered 8', 'streams refused 3', 'replayed 5', 'missed, and told 4',
    ])
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
    const details = accountMismatches({ ...ACCOUNTS, sent: 14, skipped: 1, closed: 5 }, RECKONED).map(({ detail }) => detail)
    assert.deepEqual(details, ['skipped is 1, not 0', 'closed is 5, not 6'])
  })

  test('knows exactly what became of messages to those who stayed', () => {
    const allStayed = { ...RECKONED, lost: 0, lostByTooSlow: { conflated: 0, dropped: 0 }, tooSlow: 0 }
    const accounts = { ...ACCOUNTS, sent: 18, conflated: 4, failed: 0, purged: 0, notices: { all: 4, cut: 0 }, slowConsumers: 0 }
    assert.deepEqual(accountMismatches(accounts, allStayed), [])
    for (const change of [{ conflated: 5, sent: 17 }, { dropped: 1, sent: 19 }, { purged: 1, sent: 17 }, { slowConsumers: 1 }]) {
      assert.notDeepEqual(accountMismatches({ ...accounts, ...change }, allStayed), [])
    }
  })

  test('names what the recovery counts otherwise than the clients', () => {
    const accounts = { ...ACCOUNTS, resumes: { recovered: 9, refused: 2 }, replayed: 6 }
    const details = accountMismatches(accounts, RECKONED).map(({ detail }) => detail)
    assert.deepEqual(details, ['streams recovered is 9, not 8', 'streams refused is 2, not 3', 'replayed is 6, not 5'])
  })

  test('takes of what was lost no more than may have been given up', () => {
    const details = accountMismatches({ ...ACCOUNTS, conflated: 6, sent: 14 }, RECKONED).map(({ detail }) => detail)
    assert.deepEqual(details, ['conflated is 6, not 4 to 5'])
  })

  test('finds that what became of the messages does not add up', () => {
    const details = accountMismatches({ ...ACCOUNTS, sent: 16 }, RECKONED).map(({ detail }) => detail)
    assert.deepEqual(details, ['the sum of what became of them is 25, not 24'])
  })
})
