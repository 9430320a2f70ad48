import assert from 'node:assert/strict'
import { homedir, tmpdir } from 'node:os'
import { describe, it } from 'node:test'
import { bytesOf, objectionsTo, pinnedContents } from './contents.js'
import { ROOT } from './pack.js'
import { packedFiles } from './packed.js'
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
    const talking = spoiled(files, 'dist/index.js', (text) => text.replace('// src/', `// ${ROOT}src/`))

    assert.deepEqual(filesWithTraces(talking), ['dist/index.js'])
  })

  it('name no source map, since there is none', () => {
    assert.deepEqual([...files].filter(([, contents]) => contents.includes('sourceMappingURL=')).map(([path]) => path), [])
  })
})
