// What one delivery costs a server on ws, in its own CPU time: `npm --prefix bench install && npm --prefix bench run ws`.
// Needs the built library (`npm ci` in the root folder builds it). Nothing here decides a test.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setImmediate as nextTick } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { WebSocketServer } from 'ws'
import { ConnectionManager } from '../dist/index.js'
import { wsTransport } from '../dist/transports/ws.js'

const SOCKETS = 500
const ROUNDS = 11
const LOST_AFTER_MS = 30_000
// Of what is published until the clients have counted it all, a connection's share stays below the soft limit (64 KiB):
// nobody is ever behind, so that every contender delivers every message.
const PACES = [
  { messagesPerTick: 10, ticks: 25, goal: 0.15 },
  { messagesPerTick: 1, ticks: 200, goal: 0.85 },
]

let sequence = 100_000_000

function data() {
  return { bid: 64_000.1, ask: 64_000.2, last: 64_000.1, volume: 1_234.5678, venue: 'exchange', n: sequence++ }
}

/** What a server without this library stringifies, once for each message. */
function text() {
  const timestamp = new Date().toISOString()
  return JSON.stringify({ stream_type: 'PRICE', symbol: 'BTCUSDT', data: data(), timestamp, user_id: null })
}

function repeat(times, act) {
  return Array.from({ length: times }, act)
}

function plainLoop(sockets) {
  return (messages) => {
    repeat(messages, () => {
      const sent = text()
      for (const socket of sockets) socket.send(sent)
    })
  }
}

function published(sockets, options) {
  const manager = new ConnectionManager(options)
  for (const [i, socket] of sockets.entries()) {
    manager.addConnection(`c${i}`, socket, `u${i}`).subscribe({ streamType: 'PRICE', symbol: 'BTCUSDT' })
  }
  return (messages) => {
    repeat(messages, () => manager.publish({ streamType: 'PRICE', symbol: 'BTCUSDT', data: data() }))
  }
}

/** The least that this way can cost: nothing is looked up, nothing is queued. */
function transportAlone(sockets) {
  const transport = wsTransport()
  return (messages) => {
    const frames = repeat(messages, () => transport.frame(text()))
    for (const socket of sockets) transport.write(socket, frames.slice())
  }
}

/** Clients in a process of their own; `counted` waits until they have this many messages more, each of them its share. */
async function connectedClients(url) {
  const child = fork(fileURLToPath(new URL('ws-clients.js', import.meta.url)), [url, String(SOCKETS)])
  await once(child, 'message')
  let expected = 0
  return {
    async counted(deliveries) {
      expected += deliveries
      child.send({ expected })
      const [{ total, fewest, most }] = await once(child, 'message', { signal: AbortSignal.timeout(LOST_AFTER_MS) })
      if (total === expected && fewest === most) return
      throw new Error(`${expected} deliveries were expected, ${total} arrived: ${fewest} to ${most} a client`)
    },
    end: () => child.disconnect(),
  }
}

/** Microseconds of CPU that each delivery cost this process. */
async function costOf(publish, { messagesPerTick, ticks }, clients) {
  const deliveries = messagesPerTick * ticks * SOCKETS
  const before = process.cpuUsage()
  for (let tick = 0; tick < ticks; tick++) {
    publish(messagesPerTick)
    await nextTick()
  }
  await clients.counted(deliveries)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / deliveries
}

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1]
}

/** The medians of what each contender costs, in rounds in which all take their turn. The first round only warms up. */
async function interleaved(contenders, pace, clients) {
  const costs = contenders.map(() => [])
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [i, [, publish]] of contenders.entries()) {
      const cost = await costOf(publish, pace, clients)
      if (round > 0) costs[i].push(cost)
    }
  }
  return costs.map(median)
}

function row(name, ratio, microseconds, remark) {
  console.log(`${ratio.toFixed(2)}  ${name.padEnd(46)} ${microseconds.toFixed(2).padStart(6)} µs  ${remark}`.trimEnd())
}

const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
await once(server, 'listening')
const clients = await connectedClients(`ws://127.0.0.1:${server.address().port}`)
const sockets = [...server.clients]
const contenders = [
  ['for (const socket of sockets) socket.send(text)', plainLoop(sockets)],
  ['ConnectionManager', published(sockets)],
  ['ConnectionManager with wsTransport()', published(sockets, { transport: wsTransport() })],
  ['wsTransport() alone', transportAlone(sockets)],
]

console.log(`CPU of the server a delivery: ${SOCKETS} sockets on loopback, ${text().length} B, medians of ${ROUNDS} rounds`)
for (const pace of PACES) {
  console.log(`\nmessages a tick: ${pace.messagesPerTick}`)
  const costs = await interleaved(contenders, pace, clients)
  for (const [i, [name]] of contenders.entries()) {
    row(name, costs[i] / costs[0], costs[i], name.startsWith('ConnectionManager with') ? `goal: ${pace.goal}` : '')
  }
}
clients.end()
for (const socket of sockets) socket.terminate()
server.close()
