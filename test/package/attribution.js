// How much of a bundle comes from which file of src: its source map leads to lines of dist, and comments in dist name the file of src.
import { decodedMappings, TraceMap } from '@jridgewell/trace-mapping'

/** Matches the comment before what dist has from one file of src. */
const ORIGIN = /^\/\/ (src\/.+\.ts)$/

/**
 * Attributes each stretch of the code to the file that its beginning comes from.
 *
 * @param {string} code
 * @param {string} map with the files of dist in it
 * @returns {Map<string, number>} path from `src/` on → bytes, most first; code of other origin is left out
 */
export function bytesBySource(code, map) {
  const trace = new TraceMap(map)
  const origins = (trace.sourcesContent ?? []).map((text) => originsOf(text ?? ''))
  const lines = code.split('\n')
  /** @type {Map<string, number>} */
  const bytes = new Map()
  for (const [row, segments] of decodedMappings(trace).entries()) {
    for (const [i, [column, source, line]] of segments.entries()) {
      const path = source === undefined || line === undefined ? undefined : origins[source]?.[line]
      if (path === undefined) continue
      const stretch = lines[row].slice(column, segments[i + 1]?.[0])
      bytes.set(path, (bytes.get(path) ?? 0) + Buffer.byteLength(stretch))
    }
  }
  return new Map([...bytes].sort(([, a], [, b]) => b - a))
}

/** @returns {(string | undefined)[]} for each line, the file of src that it comes from */
function originsOf(/** @type {string} */ text) {
  /** @type {string | undefined} */
  let path
  return text.split('\n').map((line) => (path = ORIGIN.exec(line)?.[1] ?? path))
}
