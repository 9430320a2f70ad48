// The figures in bench/README.md: rows of the report, in other words.
import { machineLine } from '../machine.js'
import { amount, metricText } from './table.js'

const START = '<!-- report: npm run bench -- --report -->'
const END = '<!-- /report -->'

/**
 * The rows that bench/README.md quotes: their names in the report, and the words for readers who do not know it.
 *
 * Over the wire only CPU and deliveries are compared, because a loop in the process costs nothing next to a system call.
 *
 * @type {readonly { part: string, what: string, metric?: string, of?: string, words: string }[]}
 */
export const QUOTES = [
  { part: 'real-ws', what: '500 sockets, 200 B, 10 a tick, wsTransport', metric: 'CPU per delivery', of: 'plain loop', words: '500 real ws sockets, ten messages of 200 B a tick, `wsTransport()`' },
  { part: 'real-ws', what: '500 sockets, 200 B, 10 a tick, wsTransport', metric: 'CPU per delivery', of: 'socket.io', words: 'the same' },
  { part: 'real-ws', what: '500 sockets, 200 B, 10 a tick, wsTransport', metric: 'CPU per delivery', of: 'crossws', words: 'the same' },
  { part: 'real-ws', what: '500 sockets, 200 B, 1 a tick, wsTransport', metric: 'CPU per delivery', of: 'plain loop', words: 'one message a tick' },
  { part: 'real-ws', what: '500 sockets, 200 B, 1 a tick, wsTransport', metric: 'CPU per delivery', of: 'socket.io', words: 'the same' },
  { part: 'real-ws', what: '500 sockets, 200 B, 1 a tick, no hook', metric: 'CPU per delivery', of: 'plain loop', words: 'one message a tick, without a transport' },
  { part: 'bun', what: '500 sockets, 200 B, 10 a tick, bunTransport', metric: 'CPU per delivery', of: 'native publish', words: 'Bun, ten messages a tick, `bunTransport()`' },
  { part: 'slow-clients', what: '300 sockets, wsTransport', words: 'clients that read, while one in ten is stuck' },
  { part: 'publish', what: 'to 1', words: 'in process: a whole `publish` of 190 B to 1 socket' },
  { part: 'publish', what: 'to 100', words: 'to 100 sockets' },
  { part: 'publish', what: 'to 1,000', words: 'to 1,000 sockets' },
  { part: 'fan-out', what: 'to 1,000, bufferedAmount', words: 'in process: delivering an existing text to 1,000 sockets with a `bufferedAmount`' },
  { part: 'fan-out', what: 'to 100,000, bufferedAmount', words: 'to 100,000 of them' },
  { part: 'rare-stream', what: '10 among 100,000', metric: 'growth', words: 'a stream with 10 subscribers among 100,000 connections' },
  { part: 'hot-stream', what: 'a leaver of 100,000', words: 'leaving a stream when all of its 100,000 subscribers leave' },
  { part: 'churn', what: 'k = 10 at 100,000', metric: 'times as fast as socket.io-adapter', words: 'in process: leaving, joining and ten subscriptions, among 100,000' },
  { part: 'raw-json', what: '1 kB', words: '1 kB that arrived serialized, through `rawJson`' },
  { part: 'memory', what: 'connection.subscribe, 100,000 connections, k = 1', metric: 'bytes per connection', words: 'a connection' },
  { part: 'memory', what: 'connection.subscribe, 100,000 connections, k = 10', metric: 'bytes per subscription', words: 'a subscription' },
]

/** Returns a page with what it quotes renewed. */
export function quoting(/** @type {string} */ page, /** @type {import('../suite.js').Findings} */ findings) {
  const [before, rest] = split(page, START)
  const [, after] = split(rest, END)
  return [before, START, '\n', quotedLines(findings).join('\n'), '\n', END, after].join('')
}

/** @returns {string[]} the table of what is quoted, and where it was measured */
export function quotedLines(/** @type {import('../suite.js').Findings} */ { machine, runs, parts }) {
  const rows = parts.flatMap((part) => part.rows)
  const quoted = QUOTES.map(({ words, ...wanted }) => ({ words, row: found(rows, wanted) }))
  const wire = found(rows, { part: 'real-ws', what: '500 sockets, 200 B, 10 a tick, wsTransport', of: 'plain loop', metric: 'CPU per delivery' })
  return [
    '| what | result | measure |',
    '| --- | ---: | --- |',
    ...quoted.map(({ words, row }) => `| ${words} | **${amount(/** @type {number} */ (row.value), row.unit)}** | ${metricText(row)} |`),
    '',
    `Deliveries per second and latency of the first row: ${wire.remark}.`,
    '',
    `${runs === 1 ? 'One full run' : `Medians of ${runs} full runs`}; ${machineLine(machine)}.`,
  ]
}

function found(/** @type {readonly import('../suite.js').Row[]} */ rows, /** @type {Partial<import('../suite.js').Row>} */ wanted) {
  const row = rows.find((each) => Object.entries(wanted).every(([name, value]) => each[/** @type {keyof typeof each} */ (name)] === value))
  if (row?.value === undefined) throw new Error(`The page quotes a row that does not exist: ${JSON.stringify(wanted)}`)
  return row
}

function split(/** @type {string} */ text, /** @type {string} */ mark) {
  const parts = text.split(mark)
  if (parts.length !== 2) throw new Error(`The page must have ${mark} once`)
  return parts
}
