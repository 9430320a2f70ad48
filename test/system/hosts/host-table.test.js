import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { codeLineCount, differences, merged, rowOf, rowsIn, withRows } from './host-table.ts'

/** @import { HostResult } from './result.ts' */

/** @type {HostResult} */
const RESULT = {
  host: 'ws',
  recipe: 'ws.ts',
  runtime: 'Node 20',
  versions: { ws: '8.23.0' },
  date: '2026-01-31',
  tests: [
    { name: 'registers a client that connects', outcome: 'passed' },
    { name: 'keeps two servers apart', outcome: 'skipped', reason: 'it has one port' },
    { name: 'ends a client that stays stuck', outcome: 'skipped', reason: 'it cannot pause' },
    { name: 'cleans up after a stuck client that vanishes', outcome: 'skipped', reason: 'it cannot pause' },
  ],
}
const ROW = {
  host: 'ws',
  versions: 'ws 8.23.0, Node 20',
  passed: '1',
  skipped: '1: it has one port; 2: it cannot pause',
  recipe: '[ws.ts](../examples/hosts/ws.ts)',
  lines: '18',
  date: '2026-01-31',
}
const GUIDE = `# Title

<!-- hosts: written by npm --prefix test/system/hosts run table -->
| | |
| --- | --- |
<!-- /hosts -->

The end
`

describe('the table of hosts', () => {
  it('lists what passed, and what was skipped and why', () => {
    assert.deepEqual(rowOf(RESULT, 18), ROW)
  })

  it('has no row for a host that failed', () => {
    const failed = { ...RESULT, tests: [{ name: /** @type {const} */ ('sends to one user alone'), outcome: /** @type {const} */ ('failed') }] }

    assert.throws(() => rowOf(failed, 18), /ws failed: sends to one user alone/)
  })

  it('is parsed as it was written, and keeps the rest of the page', () => {
    const written = withRows(GUIDE, [ROW])

    assert.deepEqual(rowsIn(written), [ROW])
    assert.match(written, /^# Title\n\n<!-- hosts.*<!-- \/hosts -->\n\nThe end\n$/s)
  })

  it('keeps the hosts that did not run', () => {
    const bun = { ...ROW, host: 'Bun', date: '2025-12-31' }

    assert.deepEqual(merged([bun, { ...ROW, passed: '7' }], [ROW]), [bun, ROW])
  })

  it('differs by its contents, not by dates', () => {
    assert.deepEqual(differences([{ ...ROW, date: '2025-12-31' }], [ROW]), [])
    assert.equal(differences([{ ...ROW, lines: '17' }], [ROW]).length, 2)
    assert.equal(differences([], [ROW]).length, 1)
  })

  it('counts lines of code without blank lines and comments', () => {
    const source = `// a comment
import { a } from 'a'

/**
 * A docstring
 */
a('/*') // with a comment behind it
  /** One line. */
a('*/')
`
    assert.equal(codeLineCount(source), 3)
  })
})
