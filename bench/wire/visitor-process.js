// So many clients in a process of their own, which come and go.
import { SYMBOL, symbolOf } from '../market.js'
import { answerRequests } from './lines.js'
import { Visitor } from './visitor.js'

const LOST_AFTER_MS = 60_000

const [server, count, streams] = process.argv.slice(2)
const visitors = Array.from({ length: Number(count) }, (_, n) => new Visitor(JSON.parse(server), symbolsOf(n)))
/** @type {Visitor[]} */
let present = []
let expectedEach = 0
let look = () => {}

await answerRequests({
  /** Some more come. Waits until each of those who are here has its streams, and so many messages. */
  async come({ from, count, messages }) {
    const newcomers = visitors.slice(from, from + count)
    present.push(...newcomers)
    expectedEach = messages
    for (const visitor of newcomers) visitor.come(() => look())
    await allArrived()
    assertExact()
  },

  /** Waits until each of those who are here has so many messages more. */
  async receive({ messages }) {
    expectedEach += messages
    await allArrived()
  },

  /** All go. None of them must have had more than it should. */
  leave() {
    assertExact()
    for (const visitor of present) visitor.leave()
    present = []
  },
})

/** One stream is everybody's. */
function symbolsOf(/** @type {number} */ n) {
  return [SYMBOL, ...Array.from({ length: Number(streams) - 1 }, (_, i) => symbolOf(n, i))]
}

/** @returns {Promise<void>} */
function allArrived() {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`Messages are lost: ${described()}`)), LOST_AFTER_MS)
    look = () => {
      if (!present.every(({ isReady, received }) => isReady && received >= expectedEach)) return
      look = () => {}
      clearTimeout(timer)
      resolve()
    }
    look()
  })
}

function assertExact() {
  if (!present.every(({ received }) => received === expectedEach)) throw new Error(`Each client is to have ${expectedEach} messages: ${described()}`)
}

function described() {
  const received = present.map((visitor) => visitor.received)
  return `${present.filter(({ isReady }) => isReady).length} of ${present.length} are ready, with ${Math.min(...received)} to ${Math.max(...received)} messages`
}
