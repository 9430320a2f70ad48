// Counts the calls that one `publish` to a plain socket makes inside the built library, by function. Prints them as JSON: { "file function": count }.
import { readFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'
import { fileURLToPath } from 'node:url'

const BUILT = new URL('../../dist/index.js', import.meta.url)

const { ConnectionManager } = await import(BUILT.href)
const message = { streamType: 'PRICE', symbol: 'BTCUSDT', data: { bid: 64_000 } }
const manager = new ConnectionManager()
manager.addConnection('c', { send() {}, close() {} }, 'alice').subscribe({ streamType: 'PRICE', symbol: 'BTCUSDT' })

const session = new Session()
session.connect()
await session.post('Profiler.enable')
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false })
await session.post('Profiler.takePreciseCoverage') // what was called before does not count
manager.publish(message)
const { result } = await session.post('Profiler.takePreciseCoverage')

console.log(JSON.stringify(Object.fromEntries(result.filter(({ url }) => url.startsWith(new URL('.', BUILT).href)).flatMap(callsIn))))

/** @returns {[name: string, calls: number][]} what was called of one script */
function callsIn(/** @type {import('node:inspector').Profiler.ScriptCoverage} */ { url, functions }) {
  const sources = [...readFileSync(fileURLToPath(url), 'utf8').matchAll(/^\/\/ (src\/\S+)$/gm)]
  return functions
    .map(({ functionName, ranges: [whole] }) => ({ functionName, count: whole?.count ?? 0, startOffset: whole?.startOffset ?? 0 }))
    .filter(({ count }) => count > 0)
    .map(({ functionName, count, startOffset }) => {
      const [, file = url] = sources.findLast(({ index }) => index <= startOffset) ?? []
      return [`${file} ${functionName}`, count]
    })
}
