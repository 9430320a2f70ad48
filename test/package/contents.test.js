import assert from 'node:assert/strict'
import { homedir, tmpdir } from 'node:os'
import { describe, it } from 'node:test'
import { bytesOf, objectionsTo, pinnedContents } from './contents.js'
import { ROOT } from './pack.js'
import { packedFiles } from './packed.js'
import { objectionsTo as objectionsToMaps } from './source-maps.js'
import { spoiled } from './spoiled.js'

/** @import { Files } from './packed.js' */

const PIN_ANEW = 'Look at it, then pin the files anew: npm --prefix test/package run pin'

/** What only the machine that packed it knows. */
const TRACES = [ROOT.replace(/[\\/]$/, ''), homedir(), tmpdir(), 'file:///']

/** The files that say something of the machine that they were packed on. */
function filesWithTraces(/** @type {Files} */ files) {
  return [...files].filter(([, contents]) => TRACES.some((trace) => contents.includes(trace))).map(([path]) => path)
}

const files = packedFiles()

describe('the contents of the tarball', () => {
  const pinned = pinnedContents()
  const bytes = bytesOf(files)

  /** @param {Iterable<string>} paths */
  const saidOf = (paths) => objectionsTo(paths, bytes, pinned)

  it('are the files of contents.json, within its bounds', () => {
    const objections = saidOf(files.keys())

    assert.deepEqual(objections, [], `The tarball ${objections.join(', ')}\n${PIN_ANEW}`)
  })

  it('must not be a file more', () => {
    assert.deepEqual(saidOf([...files.keys(), 'src/index.ts']), ['has a file src/index.ts too many'])
    assert.deepEqual(saidOf([...files.keys(), 'dist/chunk-ABCDEFGH.js']), ['has a file dist/chunk-HASH.js too many'])
  })

  it('must not be a file less', () => {
    assert.deepEqual(saidOf([...files.keys()].filter((path) => path !== 'LICENSE')), ['lacks a file LICENSE'])
  })

  it('must not be larger', () => {
    const tight = { ...pinned, mostBytes: { packed: bytes.packed - 1, unpacked: bytes.unpacked - 1 } }

    assert.deepEqual(objectionsTo(files.keys(), bytes, tight), [
      `is ${bytes.packed} bytes packed, of at most ${bytes.packed - 1}`,
      `is ${bytes.unpacked} bytes unpacked, of at most ${bytes.unpacked - 1}`,
    ])
  })

  it('say nothing of the machine', () => {
    assert.deepEqual(filesWithTraces(files), [])
  })

  it('must not say anything of it', () => {
    const talking = spoiled(files, 'dist/index.js.map', (text) => text.replace('../src/', `${ROOT}src/`))

    assert.deepEqual(filesWithTraces(talking), ['dist/index.js.map'])
  })
})

describe('the source maps', () => {
  it('lead to nothing that is missing, and have the sources as they are', () => {
    assert.deepEqual(objectionsToMaps(files), [])
  })

  const map = 'dist/transports/ws.js.map'
  /** @type {[string, string, (text: string) => string, RegExp][]} */
  const faults = [
    ['a source that is not in it', map, (text) => JSON.stringify({ ...JSON.parse(text), sourcesContent: undefined }), /ws\.ts, which is neither/],
    ['a source of the tests', map, (text) => text.replace('../../src/', '../../test/'), /which is no source of the library/],
    ['a source that has changed since', map, (text) => text.replace('export function wsTransport', 'export function transport'), /has another/],
    ['code that leads to another map', 'dist/index.js', (text) => text.replace(/URL=.+/, 'URL=main.js.map'), /does not lead to its map/],
    ['code without a map', 'dist/extra.js', () => 'export {}\n', /dist\/extra\.js has no map/],
    ['a map without code', 'dist/extra.js.map', () => '{ "sources": [] }', /is the map of nothing/],
  ]
  for (const [what, path, change, objection] of faults) {
    it(`must not be: ${what}`, () => {
      assert.match(objectionsToMaps(spoiled(files, path, change)).join('\n'), objection)
    })
  }
})
