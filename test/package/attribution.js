// How much of a bundle comes from which file of src, by its source map.
import { decodedMappings, TraceMap } from '@jridgewell/trace-mapping'

/**
 * Attributes each stretch of the code to the file that the map names for its beginning.
 *
 * @param {string} code
 * @param {string} map
 * @returns {Map<string, number>} path from `src/` on → bytes, most first; code of other origin is left out
 */
export function bytesBySource(code, map) {
  const trace = new TraceMap(map)
  const lines = code.split('\n')
  /** @type {Map<string, number>} */
  const bytes = new Map()
  for (const [row, segments] of decodedMappings(trace).entries()) {
    for (const [i, [column, source]] of segments.entries()) {
      const path = source === undefined ? undefined : pathInSrc(trace.sources[source])
      if (path === undefined) continue
      const stretch = lines[row].slice(column, segments[i + 1]?.[0])
      bytes.set(path, (bytes.get(path) ?? 0) + Buffer.byteLength(stretch))
    }
  }
  return new Map([...bytes].sort(([, a], [, b]) => b - a))
}

function pathInSrc(/** @type {string | null} */ source) {
  return /(?:^|\/)(src\/.+\.ts)$/.exec(source ?? '')?.[1]
}
