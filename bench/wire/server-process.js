// A server in a process of its own, so that its CPU is what its deliveries cost.
import { answerRequests } from './lines.js'
import { nextBook, nextData } from './quotes.js'
import { nowUs } from './clock.js'

const LOOK_AGAIN_MS = 1

const [host, options] = process.argv.slice(2)
const { listen } = await import(`./hosts/${host}.js`)
const { publish, connections, connectionsBehind, ...facts } = await listen(JSON.parse(options))
let before = process.cpuUsage()

await answerRequests({
  facts: () => facts,
  connections: () => connections(),
  connectionsBehind: () => connectionsBehind?.() ?? 0,

  /** Publishes as fast as the event loop turns; what it costs is counted from here on. */
  async blast({ ticks, messagesPerTick, bytes, isBook }) {
    const next = isBook ? nextBook : nextData
    before = process.cpuUsage()
    const startUs = nowUs()
    for (let tick = 0; tick < ticks; tick++) {
      for (let i = 0; i < messagesPerTick; i++) publish(next(bytes))
      await new Promise((resolve) => setImmediate(resolve))
    }
    return startUs
  },

  /** What the server does is counted from here on. */
  begin() {
    before = process.cpuUsage()
  },

  /** Publishes so many messages at once. */
  publish({ messages, bytes }) {
    for (let i = 0; i < messages; i++) publish(nextData(bytes))
  },

  /** Waits until nobody is connected. */
  async allGone() {
    while (connections() > 0) await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS))
  },

  /** Returns microseconds of CPU since the last blast began, or since `begin`. */
  cpu() {
    const { user, system } = process.cpuUsage(before)
    return user + system
  },

  /** Returns the bytes of memory that the process holds. */
  memory: () => process.memoryUsage.rss(),

  /**
   * Publishes at a pace. All messages of a tick are due when it begins, as when a feed brought them: a server that takes long for the
   * first of them is late with the last, and not let off (that would be coordinated omission).
   */
  async pace({ ticks, messagesPerTick, bytes, everyMs }) {
    for (let tick = 0; tick < ticks; tick++) {
      const dueAtUs = nowUs()
      for (let i = 0; i < messagesPerTick; i++) publish(nextData(bytes, dueAtUs))
      await new Promise((resolve) => setTimeout(resolve, everyMs))
    }
  },
})
