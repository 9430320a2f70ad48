// What one operation costs as the server grows, as ratios measured side by side in one run: `npm --prefix bench run scale`.
// Needs the built library (`npm ci` in the root folder builds it). Nothing here decides a test.
import { ConnectionManager } from '../dist/index.js'

const ROUNDS = 9
const PRICE = { streamType: 'PRICE', symbol: 'BTCUSDT' }
const DATA = { bid: 64_000.1, ask: 64_000.2, last: 64_000.1, volume: 1_234.5678, venue: 'exchange', sequence: 123_456_789 }

/** As a server writes it. (To spread a constant into it costs about as much as the publish.) */
function message() {
  return { streamType: 'PRICE', symbol: 'BTCUSDT', data: DATA }
}

class CountingSocket {
  received = 0

  send(text) {
    this.received += text.length
  }

  close() {}
}

/** A manager with this many users of one connection each; the first `subscribed` of them listen to one hot stream. */
function populated(count, subscribed = count) {
  const manager = new ConnectionManager()
  const sockets = Array.from({ length: count }, () => new CountingSocket())
  const connections = sockets.map((socket, i) => manager.addConnection(`c${i}`, socket, `u${i}`))
  for (const [i, connection] of connections.entries()) {
    connection.subscribe(i < subscribed ? PRICE : { streamType: 'PRICE', symbol: `S${i}` })
  }
  return { manager, sockets, connections }
}

function nanoseconds(act) {
  const start = process.hrtime.bigint()
  act()
  return Number(process.hrtime.bigint() - start)
}

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1]
}

/** The medians of what each contender costs, in rounds in which all take their turn. */
function interleaved(contenders, times) {
  const costs = contenders.map(() => [])
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, contender] of contenders.entries()) {
      costs[i].push(nanoseconds(() => { for (let k = 0; k < times; k++) contender() }) / times)
    }
  }
  return costs.map(median)
}

function row(name, nanosecondsEach, ratio, to) {
  console.log(`${name.padEnd(58)} ${nanosecondsEach.toFixed(0).padStart(9)} ns   ${ratio.toFixed(2).padStart(5)}× ${to}`)
}

function fanOut() {
  for (const count of [10, 100, 1_000, 10_000, 100_000]) {
    const { manager, sockets } = populated(count)
    const publish = () => manager.publish(message())
    const bareLoop = () => {
      const envelope = { stream_type: 'PRICE', symbol: 'BTCUSDT', data: DATA, timestamp: new Date().toISOString(), user_id: null }
      const text = JSON.stringify(envelope)
      for (const socket of sockets) socket.send(text)
    }
    const [ours, bare] = interleaved([publish, bareLoop], Math.max(5, 1_000_000 / count / 10))
    row(`publish to ${count}`, ours, ours / bare, 'a bare loop that stringifies once')
  }
}

function rareStream() {
  const publishers = [1_000, 10_000, 100_000].map((count) => {
    const { manager } = populated(count, 10)
    return { count, publish: () => manager.publish(message()) }
  })
  const costs = interleaved(publishers.map(({ publish }) => publish), 50_000)
  for (const [i, { count }] of publishers.entries()) row(`publish to 10 among ${count}`, costs[i], costs[i] / costs[0], 'among 1000')
}

function hotStream() {
  const TENTHS = 10
  const rounds = Array.from({ length: 5 }, () => {
    const { connections } = populated(100_000)
    const size = connections.length / TENTHS
    return Array.from({ length: TENTHS }, (_, tenth) => {
      const leaving = connections.slice(tenth * size, (tenth + 1) * size)
      return nanoseconds(() => { for (const connection of leaving) void connection.remove({ close: false }) }) / size
    })
  })
  const tenths = Array.from({ length: TENTHS }, (_, tenth) => median(rounds.map((round) => round[tenth])))
  for (const [tenth, cost] of tenths.entries()) {
    row(`leave a hot stream of 100000, tenth ${tenth + 1} of the leavers`, cost, cost / median(tenths), 'the median tenth')
  }
}

populated(10_000).manager.publish(message())
fanOut()
rareStream()
hotStream()
