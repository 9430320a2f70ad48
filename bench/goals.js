// What is to be reached, as data. A row is held to the first goal that fits it.

/**
 * @typedef {object} Goal
 * @property {string} part
 * @property {string} metric
 * @property {Readonly<Record<string, unknown>>} [where] facts that a row must have; `[from, to]` is a range, both included
 * @property {number} [atMost]
 * @property {number} [atLeast]
 */

const FROM_1_KB = [1_000, Infinity]

/** @type {readonly Goal[]} */
export const GOALS = [
  { part: 'fan-out', metric: 'delivery', where: { subscribers: [1_000, Infinity] }, atMost: 1.35 },
  { part: 'fan-out', metric: 'delivery', where: { subscribers: [100, 999] }, atMost: 1.6 },
  { part: 'fan-out', metric: 'delivery', where: { subscribers: [10, 99] }, atMost: 3 },

  { part: 'publish', metric: 'publish', where: { subscribers: 1 }, atMost: 1.15 },
  { part: 'publish', metric: 'publish', where: { subscribers: 10 }, atMost: 1.15 },
  { part: 'publish', metric: 'publish', where: { subscribers: 100 }, atMost: 1.2 },
  { part: 'publish', metric: 'publish', where: { subscribers: 1_000 }, atMost: 1.4 },

  { part: 'recorded-publish', metric: 'recorded publish', where: { subscribers: 1 }, atMost: 2 },
  { part: 'recorded-publish', metric: 'recorded publish', where: { subscribers: 1_000 }, atMost: 1.1 },

  { part: 'cluster-publish', metric: 'cluster publish', where: { hasSubscriber: false }, atMost: 1.2 },

  { part: 'rare-stream', metric: 'growth', atMost: 1.3 },
  { part: 'rare-stream', metric: 'times as fast as crossws', atLeast: 20 },

  { part: 'churn', metric: 'times as fast as socket.io-adapter', where: { connections: [10_000, Infinity], k: 10 }, atLeast: 0.7 },
  { part: 'churn', metric: 'growth', atMost: 2.5 },

  { part: 'hot-stream', metric: 'growth', atMost: 2 },

  { part: 'churn-while-publishing', metric: 'publish with churn', where: { publishesEach: 1 }, atMost: 2.5 },

  { part: 'memory', metric: 'bytes per connection', where: { isOurs: true }, atMost: 235 },
  { part: 'memory', metric: 'bytes per subscription', where: { isOurs: true, connectionsPerUser: 1, k: 1 }, atMost: 190 },
  { part: 'memory', metric: 'bytes per subscription', where: { isOurs: true, connectionsPerUser: 1, k: [2, Infinity] }, atMost: 160 },
  { part: 'memory', metric: 'bytes per subscription', where: { isOurs: true, connectionsPerUser: 3 }, atMost: 180 },
  { part: 'memory', metric: 'bytes afterwards', where: { isOurs: true }, atMost: 1_000_000 },

  { part: 'raw-json', metric: 'times as fast as parsing', where: { bytes: FROM_1_KB }, atLeast: 5 },

  { part: 'bytes', metric: 'times as fast as JSON', atLeast: 5 },

  { part: 'real-ws', metric: 'CPU per delivery', where: { contender: 'wsTransport', messagesPerTick: 10, than: 'plain loop' }, atMost: 0.15 },
  { part: 'real-ws', metric: 'CPU per delivery', where: { contender: 'wsTransport', messagesPerTick: 10, than: 'socket.io' }, atMost: 0.15 },
  { part: 'real-ws', metric: 'CPU per delivery', where: { contender: 'wsTransport', messagesPerTick: 10, than: 'crossws' }, atMost: 0.15 },
  { part: 'real-ws', metric: 'CPU per delivery', where: { contender: 'wsTransport', messagesPerTick: 1, than: 'plain loop' }, atMost: 0.85 },
  { part: 'real-ws', metric: 'CPU per delivery', where: { contender: 'wsTransport', messagesPerTick: 1, than: 'socket.io' }, atMost: 0.65 },
  { part: 'real-ws', metric: 'CPU per delivery', where: { contender: 'no hook', than: 'plain loop' }, atMost: 1.1 },
  { part: 'real-ws', metric: 'p99 latency', where: { contender: 'wsTransport' }, atMost: 1.1 },

  { part: 'reconnects', metric: 'CPU per reconnect', where: { contender: 'protocol', than: 'socket.io' }, atMost: 0.7 },

  { part: 'resume', metric: 'CPU per resumed client', where: { missed: 100 }, atMost: 0.5 },

  { part: 'compression', metric: 'CPU per delivery', where: { than: 'uncompressed' }, atMost: 1.2 },

  { part: 'bun', metric: 'CPU per delivery', where: { contender: 'bunTransport' }, atMost: 1.25 },

  { part: 'slow-clients', metric: 'p99 latency', where: { contender: 'wsTransport' }, atMost: 1.5 },
]

/**
 * @param {{ part: string, metric: string, facts: Readonly<Record<string, any>> }} row
 * @returns {Goal | undefined} what the row is held to
 */
export function goalFor({ part, metric, facts }) {
  return GOALS.find((goal) => goal.part === part && goal.metric === metric && fits(goal.where ?? {}, facts))
}

function fits(/** @type {object} */ where, /** @type {Readonly<Record<string, any>>} */ facts) {
  return Object.entries(where).every(([name, wanted]) => (
    Array.isArray(wanted) ? facts[name] >= wanted[0] && facts[name] <= wanted[1] : facts[name] === wanted
  ))
}

/** Returns whether a value reaches a goal. */
export function isReached(/** @type {Goal} */ { atMost = Infinity, atLeast = -Infinity }, /** @type {number} */ value) {
  return value <= atMost && value >= atLeast
}

/** @returns {Goal[]} those that no row is held to */
export function unmeasured(/** @type {readonly { goal?: Goal }[]} */ rows) {
  return GOALS.filter((goal) => !rows.some((row) => row.goal === goal))
}
