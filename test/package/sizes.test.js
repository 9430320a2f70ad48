import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { NAME, ROOT } from './pack.js'
import { measuredSizes, objectionsTo, tableOf } from './sizes.js'

const WRITE_ANEW = 'Put what this prints into bench/README.md: npm --prefix test/package run sizes'

function page(/** @type {string} */ path) {
  return readFileSync(join(ROOT, path), 'utf8')
}

describe('the size in the README', () => {
  it('is that of the packed core, in whole kilobytes', async () => {
    const [, stated] = /core is (\d+) kB minified and gzipped/.exec(page('README.md')) ?? []
    const core = (await measuredSizes()).find(({ what }) => what === `\`${NAME}\``)

    assert.equal(stated, ((core?.gzipped ?? 0) / 1_000).toFixed(0))
  })
})

describe('the table of sizes in bench/README.md', () => {
  it('is that of the packed library', async () => {
    const objections = objectionsTo(page('bench/README.md'), tableOf(await measuredSizes()))

    assert.deepEqual(objections, [], `${objections.join('\n')}\n${WRITE_ANEW}`)
  })
})

describe('the client', () => {
  for (const [name, most] of Object.entries({ createClient: 5_120, trackPositions: 1_500 })) {
    it(`is at most ${most} bytes, minified and gzipped, with ${name} alone`, async () => {
      const part = (await measuredSizes()).find(({ what }) => what === `\`${name}\` of \`${NAME}/client\` alone`)

      assert.ok(part !== undefined && part.gzipped <= most, `${part?.gzipped} bytes`)
    })
  }
})

describe('measuredSizes', () => {
  /** @type {Map<string, number>} */
  let gzipped

  before(async () => {
    gzipped = new Map((await measuredSizes()).map((size) => [size.what, size.gzipped]))
  })

  it('is more for all of an entry than for a part of it', () => {
    const [[, all], ...others] = [...gzipped].filter(([what]) => !what.includes('/'))

    assert.ok(others.length > 3)
    for (const [what, part] of others) assert.ok(part < all / 2, `${what}: ${part} of ${all} bytes`)
  })

  it('is never nothing', () => {
    for (const [what, bytes] of gzipped) assert.ok(bytes > 100, `${what}: ${bytes} bytes`)
  })
})

describe('objections to a table of sizes', () => {
  const size = { what: '`library`', minified: 54_323, gzipped: 16_942 }
  const table = tableOf([size])

  it('are none if the table is what was measured', () => {
    assert.match(table, /^\| `library` \| 54\.32 kB \| 16\.94 kB \|$/m)
    assert.deepEqual(objectionsTo(`# Library\n\n${table}\n\nMore.\n`, table), [])
  })

  it('say the right size for a wrong one', () => {
    const stale = tableOf([{ ...size, gzipped: 16_932 }])

    assert.deepEqual(objectionsTo(stale, table).map((objection) => objection.split(':')[0]), ['measured, but not stated', 'stated, but not measured'])
  })

  for (const [what, text] of [
    ['a page without the table', '# Library\n'],
    ['a table that does not end', table.slice(0, table.lastIndexOf('\n'))],
    ['a row that is missing', tableOf([])],
    ['a row too many', tableOf([size, { ...size, what: 'other' }])],
    ['a row twice', tableOf([size, size])],
  ]) {
    it(`are raised by ${what}`, () => {
      assert.equal(objectionsTo(text, table).length, 1)
    })
  }
})
