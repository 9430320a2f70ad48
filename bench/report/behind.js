// Where a peer costs less than this library: by how much, why, and when it matters.
import { figure } from './table.js'

/**
 * A row in which a peer costs less.
 *
 * @typedef {object} Behind
 * @property {string} title of the part
 * @property {import('../suite.js').Row} row
 * @property {string} peer
 * @property {number} times what the peer costs
 */

/** Each is what a row is a ratio to. The others are loops without a library, or this library in another setting. */
const PEERS = ['socket.io', 'crossws', 'native publish', 'socket.io with its Redis adapter']
const TIMES_AS_FAST = /^times as fast as (.+)$/
const UNEXPLAINED = 'Nobody has explained this yet.'

/**
 * Why a peer costs less, and when that matters, in all rows of a part that have these facts.
 *
 * @type {readonly { part: string, where?: Readonly<Record<string, string>>, why: string }[]}
 */
const REASONS = [
  {
    part: 'fan-out',
    why: `A delivery has a fixed part, which does not depend on the number of subscribers: look-ups, the totals, and a result that says what came of
the message. An emitter only calls its listeners, and crossws only looks into a set. From 100 subscribers up, this library takes less than each of them.
The fixed part takes about a tenth of a microsecond. It matters to a server that publishes hundreds of thousands of texts a second, each to a few
subscribers, and has each text already. A whole publish also serializes its message, which takes about ten times as long.`,
  },
  {
    part: 'node-to-node',
    why: `Nearly all of the time is the way through the broker, which is the same for both. The rounds of a run differ by more than the contenders do. It
matters if tens of microseconds count. Then a broker is the wrong tool.`,
  },
  {
    part: 'churn',
    why: `For each room, the adapter puts a string into two sets. This library makes a view of the subscription, checks quotas, reports the demand for
the stream, and keeps a list that makes a publish fast. The adapter has no such list: see its column in the tables of publishing. It matters when all
clients of a server come back at once. Over real sockets, the handshakes cost more than the subscriptions: see the reconnects.`,
  },
  {
    part: 'memory',
    why: `A peer keeps a string in a set, or a function in a list. This library keeps a view with an owner, an age, filters and an order, so that it can say
who has what, and clean up without a search. crossws keeps the least, and visits every peer at each publish. It matters to a server with millions of
subscriptions: a million takes about 150 MB here.`,
  },
  {
    part: 'reconnects', where: { contender: 'protocol' },
    why: `The peers' servers get all ten subscriptions in one call and send one answer. With \`/protocol\`, a client gets a welcome with the version and the
heartbeat, and each command is checked and has an answer of its own. It matters when all clients of a server come back at once.`,
  },
  {
    part: 'reconnects', where: { contender: 'by hand' },
    why: `The connection and each subscription become objects of this library, as in churn. crossws puts a topic
into a set. It matters when all clients of a server come back at once.`,
  },
  {
    part: 'bun', where: { contender: 'bunTransport' },
    why: `Native publish gives a socket all messages of a turn in one buffer. \`bunTransport\` calls \`send\` for each message, and checks each result, so that it
notices a message that Bun drops. It matters to a server that sends many messages in each turn of the event loop, and need not know which clients are
behind.`,
  },
  {
    part: 'bun', where: { contender: 'no hook' },
    why: `Without \`bunTransport\`, each message is a write of its own, as in a loop that calls \`send\`. It matters to every server on Bun that sends more than
one message in a turn of the event loop. Such a server should use \`bunTransport\`.`,
  },
]

/**
 * Returns the rows in which a peer costs less, by the figures as they are shown.
 *
 * @returns {Behind[]}
 */
export function behindIn(/** @type {import('../suite.js').Findings} */ { parts }) {
  return parts.flatMap(({ title, rows }) => (
    rows.flatMap((row) => rivals(row, rows).map((rival) => ({ title, row, ...rival }))).filter(({ times }) => Number(times.toFixed(2)) > 1)
  ))
}

/** @returns {string[]} a section in Markdown; nothing if no peer costs less anywhere */
export function behindLines(/** @type {import('../suite.js').Findings} */ findings) {
  const all = behindIn(findings)
  if (all.length === 0) return []
  const reasons = [...new Set(all.map(({ row }) => reasonFor(row)))]
  return [
    '', '## Where a peer costs less', '',
    'How many times as much this library costs, why, and when it matters.',
    ...reasons.flatMap((reason) => groupLines(reason, all.filter(({ row }) => reasonFor(row) === reason))),
  ]
}

/** @returns {string[]} */
function groupLines(/** @type {string} */ reason, /** @type {readonly Behind[]} */ group) {
  const rows = [...new Set(group.map(({ row }) => row))]
  const timesOf = (/** @type {import('../suite.js').Row} */ wanted) => (
    group.filter(({ row }) => row === wanted).map(({ peer, times }) => `${peer} **${figure(times)}×**`).join(' · ')
  )
  return [
    '', `**${group[0].title}.** ${reason}`, '',
    '| measured | of | times as much as |', '| --- | --- | --- |',
    ...rows.map((row) => `| ${row.what} | ${TIMES_AS_FAST.test(row.metric) ? 'time' : row.metric} | ${timesOf(row)} |`),
  ]
}

/** @returns {string} */
function reasonFor(/** @type {import('../suite.js').Row} */ { part, facts }) {
  const fits = ({ where = {} }) => Object.entries(where).every(([name, value]) => facts[name] === value)
  return REASONS.find((reason) => reason.part === part && fits(reason))?.why ?? UNEXPLAINED
}

/** Returns the peers of a row, and how many times their cost ours is. */
function rivals(/** @type {import('../suite.js').Row} */ row, /** @type {readonly import('../suite.js').Row[]} */ rows) {
  const { value, metric, of = '', peers = {}, facts } = row
  if (value === undefined || facts.contender === 'send loop') return []
  const slower = TIMES_AS_FAST.exec(metric)?.[1]
  if (slower !== undefined) return [{ peer: slower, times: 1 / value }]
  if (PEERS.includes(of)) return [{ peer: of, times: value }]
  const memories = facts.isOurs ? rows.filter((each) => isSameOfPeer(each, row)) : []
  return [
    ...Object.entries(peers).map(([peer, theirs]) => ({ peer, times: value / theirs })),
    ...memories.map((each) => ({ peer: each.facts.hub, times: value / Number(each.value) })),
  ]
}

/** Whether a row says of a peer what another says of this library. What a connection takes does not depend on its subscriptions. */
function isSameOfPeer(/** @type {import('../suite.js').Row} */ { metric, facts, value }, /** @type {import('../suite.js').Row} */ ours) {
  const [mine, theirs] = [ours.facts, facts]
  return theirs.isOurs === false && value !== undefined && metric === ours.metric && theirs.connections === mine.connections
    && theirs.connectionsPerUser === mine.connectionsPerUser && (metric === 'bytes per connection' || theirs.k === mine.k)
}
