// What a publish costs beside another build of this library, in one process, in turns:
// `npm --prefix bench run fan-out -- path/to/other/dist/index.js`. Needs the built library. Nothing here decides a test.
import { execFileSync } from 'node:child_process'
import { resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import * as ours from '../dist/index.js'

const COUNTS = [10, 100, 1_000, 10_000, 100_000]
// Who is built first may lie better in memory, so that is taken in turns as well.
const POPULATIONS = 4
const ROUNDS = 11
const ROUND_MS = 15
const LIMIT_BYTES = 65_536
const DATA = { bid: 64_000.1, ask: 64_000.2, last: 64_000.1, volume: 1_234.5678, venue: 'exchange', sequence: 123_456_789 }

class PlainSocket {
  received = 0

  send(text) {
    // Stays a small integer: a field that outgrows that has the engine compile everything anew, in the middle of a round.
    this.received ^= text.length
  }

  close() {}
}

/** One whose pressure can be read. */
class MeteredSocket extends PlainSocket {
  bufferedAmount = 0
}

function text() {
  const timestamp = new Date().toISOString()
  return JSON.stringify({ stream_type: 'PRICE', symbol: 'BTCUSDT', data: DATA, timestamp, user_id: null })
}

function plainLoop(sockets) {
  return () => {
    const sent = text()
    for (const socket of sockets) socket.send(sent)
  }
}

function meteredLoop(sockets) {
  return () => {
    const sent = text()
    for (const socket of sockets) if (socket.bufferedAmount <= LIMIT_BYTES) socket.send(sent)
  }
}

// Each kind has a process of its own: a call site that has seen both is slower with either.
const KINDS = {
  plain: { Socket: PlainSocket, bareLoop: plainLoop, title: 'sockets of which nothing is known' },
  metered: { Socket: MeteredSocket, bareLoop: meteredLoop, title: 'sockets with a bufferedAmount, which the bare loop reads too' },
}

function publisher({ ConnectionManager }, sockets) {
  const manager = new ConnectionManager()
  for (const [i, socket] of sockets.entries()) {
    manager.addConnection(`c${i}`, socket, `u${i}`).subscribe({ streamType: 'PRICE', symbol: 'BTCUSDT' })
  }
  return () => manager.publish({ streamType: 'PRICE', symbol: 'BTCUSDT', data: DATA })
}

/** Milliseconds of CPU that so many calls take: on a busy machine the clock on the wall says little. */
function time(act, times) {
  const start = process.cpuUsage()
  for (let i = 0; i < times; i++) act()
  const { user, system } = process.cpuUsage(start)
  return (user + system) / 1_000
}

function timesFor(act) {
  let times = 1
  while (time(act, times) < ROUND_MS) times *= 2
  return times
}

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1]
}

/** What a call of each contender costs, round by round; each round begins with another one. */
function rounds(contenders) {
  const times = timesFor(contenders[0])
  return Array.from({ length: ROUNDS }, (_, round) => {
    const costs = []
    for (let i = 0; i < contenders.length; i++) {
      const next = (round + i) % contenders.length
      costs[next] = time(contenders[next], times) / times
    }
    return costs
  })
}

/** All rounds of [ours, theirs, bare loop], over the same sockets. */
function measured(theirs, { Socket, bareLoop }, count) {
  return Array.from({ length: POPULATIONS }, (_, i) => {
    const sockets = Array.from({ length: count }, () => new Socket())
    const builders = [() => publisher(ours, sockets), () => publisher(theirs, sockets), () => bareLoop(sockets)]
    const contenders = []
    for (const b of i % 2 === 0 ? [0, 1, 2] : [2, 1, 0]) contenders[b] = builders[b]()
    return rounds(contenders)
  }).flat()
}

function row(count, all) {
  const [cost, before, bare] = [0, 1, 2].map((i) => `${(median(all.map((costs) => costs[i])) * 1_000).toFixed(2)} µs`.padStart(12))
  const ratio = (a, b) => `${median(all.map((costs) => costs[a] / costs[b])).toFixed(3)}×`.padStart(9)
  console.log(`${String(count).padStart(9)} ${cost} ${before} ${bare} ${ratio(0, 1)} ${ratio(0, 2)} ${ratio(1, 2)}`)
}

async function compare(other, kind) {
  const theirs = await import(pathToFileURL(other))
  console.log(`\n${kind.title}: CPU, medians of ${POPULATIONS * ROUNDS} rounds`)
  console.log('  publish to         ours        other    bare loop  to other   to bare  other to bare')
  measured(theirs, kind, 1_000)
  for (const count of COUNTS) row(count, measured(theirs, kind, count))
}

const [other, kind] = process.argv.slice(2)
if (other === undefined) throw new Error('Usage: node fan-out.js path/to/other/dist/index.js')
if (kind !== undefined) await compare(resolve(other), KINDS[kind])
else {
  const script = fileURLToPath(import.meta.url)
  for (const each of Object.keys(KINDS)) execFileSync(process.execPath, [script, other, each], { stdio: 'inherit' })
}
