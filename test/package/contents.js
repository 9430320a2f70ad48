// What is in the tarball: exactly the files of contents.json, and no more bytes than it allows. Run by itself, writes the files anew.
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { TARBALL } from './pack.js'
import { packedFiles, unhashed } from './packed.js'

/** @import { Files } from './packed.js' */

/**
 * @typedef {object} Contents
 * @property {string} why the bounds are what they are
 * @property {Bytes} mostBytes
 * @property {string[]} files paths, without hashes
 *
 * @typedef {{ readonly packed: number, readonly unpacked: number }} Bytes
 */

const PINNED = new URL('contents.json', import.meta.url)

/** @returns {Contents} */
export function pinnedContents() {
  return JSON.parse(readFileSync(PINNED, 'utf8'))
}

/** @returns {Bytes} */
export function bytesOf(/** @type {Files} */ files, tarball = TARBALL) {
  return { packed: statSync(tarball).size, unpacked: [...files.values()].reduce((sum, { length }) => sum + length, 0) }
}

/** @returns {string[]} what the tarball has too much or too little of */
export function objectionsTo(/** @type {Iterable<string>} */ paths, /** @type {Bytes} */ bytes, /** @type {Contents} */ pinned) {
  const found = countsOf(Array.from(paths, unhashed))
  const expected = countsOf(pinned.files)
  return [
    ...[...found].filter(([path, count]) => count > (expected.get(path) ?? 0)).map(([path]) => `has a file ${path} too many`),
    ...[...expected].filter(([path, count]) => count > (found.get(path) ?? 0)).map(([path]) => `lacks a file ${path}`),
    ...(/** @type {const} */ (['packed', 'unpacked']))
      .filter((state) => bytes[state] > pinned.mostBytes[state])
      .map((state) => `is ${bytes[state]} bytes ${state}, of at most ${pinned.mostBytes[state]}`),
  ]
}

/** How often each path is there: without their hashes, several may be alike. */
function countsOf(/** @type {readonly string[]} */ paths) {
  return paths.reduce((counts, path) => counts.set(path, (counts.get(path) ?? 0) + 1), /** @type {Map<string, number>} */ (new Map()))
}

function main() {
  const contents = { ...pinnedContents(), files: Array.from(packedFiles().keys(), unhashed).sort() }
  writeFileSync(PINNED, `${JSON.stringify(contents, null, 2)}\n`)
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main()
