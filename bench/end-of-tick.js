// What the end of a tick may be, by what a lone message waits for it and by how many publishes of one turn of the event loop it
// gathers: `npm --prefix bench run end-of-tick`, or this file under Bun or Deno. Nothing here decides a test.
import { once } from 'node:events'
import { connect, createServer } from 'node:net'

const SOCKETS = 200
const TURNS = 60
const LONE_MESSAGES = 400
/** Long enough for what was written to have reached the other end. */
const BLOCKED_MS = 5

const WAYS = {
  microtask: (fn) => queueMicrotask(fn),
  setImmediate: (fn) => setImmediate(fn),
  'setTimeout(0)': (fn) => setTimeout(fn, 0),
}

function microseconds() {
  return performance.now() * 1_000
}

function quantile(values, share) {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * share)]
}

function shown(waits) {
  return `${quantile(waits, 0.5).toFixed(0)} / ${quantile(waits, 0.99).toFixed(0)} µs`
}

/** What one message waits on a loop that has nothing else to do. */
async function loneWaits(atEndOfTick) {
  const waits = []
  for (let i = 0; i < LONE_MESSAGES; i++) {
    await new Promise((resolve) => setTimeout(resolve, 2))
    const published = microseconds()
    await new Promise((resolve) => atEndOfTick(() => { waits.push(microseconds() - published); resolve() }))
  }
  return waits
}

/** The same for publishes that the sockets of a server bring, all of them readable when the loop turns; and how many a flush gets. */
async function gathered(atEndOfTick) {
  const waits = []
  let waiting = []
  let flushes = 0
  let accepted = 0
  let received = 0
  const flush = () => {
    flushes++
    for (const published of waiting.splice(0)) waits.push(microseconds() - published)
  }
  const server = createServer((socket) => {
    accepted++
    socket.on('error', () => {})
    socket.on('data', () => {
      received++
      if (waiting.push(microseconds()) === 1) atEndOfTick(flush)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const clients = Array.from({ length: SOCKETS }, () => connect(server.address().port, '127.0.0.1'))
  while (accepted < SOCKETS) await new Promise((resolve) => setTimeout(resolve, 1))
  for (let turn = 1; turn <= TURNS; turn++) {
    for (const client of clients) client.write('x')
    const start = performance.now()
    while (performance.now() - start < BLOCKED_MS);
    while (received < turn * SOCKETS || waiting.length > 0) await new Promise((resolve) => setTimeout(resolve, 1))
  }
  for (const client of clients) client.destroy()
  server.close()
  return { waits, perFlush: waits.length / flushes }
}

console.log('end of the tick   lone: median / p99    one turn: publishes in a flush, wait: median / p99')
for (const [name, atEndOfTick] of Object.entries(WAYS)) {
  await loneWaits(atEndOfTick)
  const lone = shown(await loneWaits(atEndOfTick))
  const { waits, perFlush } = await gathered(atEndOfTick)
  console.log(`${name.padEnd(17)} ${lone.padEnd(21)} ${perFlush.toFixed(0).padStart(4)}, ${shown(waits)}`)
}
