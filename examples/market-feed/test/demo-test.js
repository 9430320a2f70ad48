import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const DEMO = fileURLToPath(new URL('../demo.js', import.meta.url))
const GOOD = '{"received_at":1,"stream_type":"TRADES","symbol":"BTC/USD","data":{"price":"1"}}\n'

/** @type {string} */
let folder
before(() => folder = mkdtempSync(join(tmpdir(), 'market-feed-')))
after(() => rmSync(folder, { recursive: true }))

/** @param {string[]} args */
function run(...args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [DEMO, ...args], { encoding: 'utf8', timeout: 60_000 })
  return { status, stdout, stderr }
}

/** @param {string} content */
function feed(content) {
  const path = join(folder, 'feed.ndjson')
  writeFileSync(path, content)
  return path
}

describe('demo', () => {
  test('ends with a table and exit code 0 when everything came as it should, without a progress line in a pipe', () => {
    const { status, stdout, stderr } = run('--speed', 'max', '--users', '6')
    assert.equal(stderr, '')
    assert.equal(status, 0)
    assert.match(stdout, /^messages +[\d,]+\ndeliveries +[\d,]+\ndeliveries per second +[\d,]+\n/)
    for (const name of [
      'queued for slow clients', 'conflated', 'dropped', 'slow clients disconnected',
      'reconnects', 'streams recovered', 'streams refused', 'replayed', 'missed, and told',
    ]) {
      assert.match(stdout, new RegExp(`\\n${name} +[1-9]`))
    }
    assert.match(stdout, /\nmismatches +0\n$/)
    assert.doesNotMatch(stdout, /\r/)
  })

  for (const [users, connections] of [['1', '1'], ['3', '5']]) {
    test(`plays the shortest feed to ${users} × ${connections} connections`, () => {
      assert.equal(run('--feed', feed(GOOD), '--users', users, '--connections', connections).status, 0)
    })
  }

  for (const slow of ['0', '1', '100']) {
    test(`ends well with --slow ${slow}`, () => {
      const { status, stdout } = run('--speed', 'max', '--users', '3', '--slow', slow)
      assert.equal(status, 0)
      assert.match(stdout, slow === '0' ? /\nconflated +0\n/ : /\nconflated +[1-9]/)
    })
  }

  for (const [kind, found] of [
    ['drop', 'missing'], ['duplicate', 'duplicate'], ['swap', 'out of order'], ['leak', 'private of another user'],
    ['regress', 'out of order'], ['hide', 'missing'], ['skip', 'missing'],
  ]) {
    test(`finds --inject ${kind}, once, and ends with exit code 1`, () => {
      const { status, stdout } = run('--speed', 'max', '--users', '4', '--inject', kind)
      assert.equal(status, 1)
      assert.match(stdout, new RegExp(`^The first 1 of 1 mismatches:\n  user-.*: ${found}: message `))
    })
  }

  test('ends a bad option with one line and exit code 2', () => {
    assert.deepEqual(run('--users', '0'), {
      status: 2,
      stdout: '',
      stderr: '--users must be a whole number from 1 to 10000, not "0" (--help shows the options)\n',
    })
  })

  test('ends a broken feed with its line and exit code 2, before anything is played', () => {
    const path = feed(`${GOOD}{"received_at":1}\n`)
    assert.deepEqual(run('--feed', path), { status: 2, stdout: '', stderr: `${path}:2: "stream_type" is missing\n` })
  })

  test('refuses to hide a gap where nobody is slow', () => {
    assert.equal(run('--slow', '0', '--inject', 'hide').status, 2)
  })
})
