import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'

/**
 * @typedef {'PRICE' | 'TRADES' | 'ORDERBOOK'} MarketStreamType
 *
 * @typedef {object} MarketMessage one message of a market, recorded or generated
 * @property {MarketStreamType} streamType
 * @property {string} symbol
 * @property {unknown} data
 * @property {number} timestampMs since the Unix epoch
 */

/** A feed that cannot be played; its message names the file and the line. */
export class FeedError extends Error {}

/** @type {readonly MarketStreamType[]} */
const STREAM_TYPES = ['PRICE', 'TRADES', 'ORDERBOOK']
/** The library's limit, and a sensible one. */
const LONGEST_SYMBOL = 255
/** The end of the year 9999: a later moment is one in milliseconds, or a mistake. */
const LATEST_SECONDS = 253_402_300_799
const LONGEST_EXCERPT = 60

/**
 * The bytes of a recorded feed.
 *
 * They are read once, so that a pipe serves as well as a file, and a file that grows meanwhile is one feed.
 *
 * @param {string} path
 * @returns {Uint8Array}
 */
export function readFeed(path) {
  try {
    return readFileSync(whereNamed(path))
  } catch (error) {
    throw new FeedError(`${path}: cannot be read (${/** @type {NodeJS.ErrnoException} */ (error).code})`)
  }
}

/**
 * A path as its author meant it: npm runs a script in the package's folder, and says where it was called.
 *
 * @param {string} path
 */
function whereNamed(path) {
  const caller = process.env.INIT_CWD
  return existsSync(path) || caller === undefined ? path : resolve(caller, path)
}

/**
 * Every message of a recorded feed, in its order; throws at the first line that is none.
 *
 * @param {Uint8Array} bytes
 * @param {string} name what errors call the feed
 * @returns {MarketMessage[]}
 */
export function parseFeed(bytes, name) {
  /** @type {MarketMessage[]} */
  const messages = []
  let lineNumber = 0
  for (const line of lines(bytes)) {
    lineNumber++
    try {
      const text = decode(line)
      if (text.trim() !== '') messages.push(parseLine(text))
    } catch (error) {
      throw new FeedError(`${name}:${lineNumber}: ${/** @type {Error} */ (error).message}`)
    }
  }
  if (messages.length === 0) throw new FeedError(`${name}: holds no messages`)
  return messages
}

/**
 * Splits at line feeds alone: a payload may hold any other separator, and a carriage return is JSON's own white space.
 *
 * @param {Uint8Array} bytes
 */
function* lines(bytes) {
  const LINE_FEED = 0x0a
  let start = 0
  while (start < bytes.length) {
    const end = bytes.indexOf(LINE_FEED, start)
    yield bytes.subarray(start, end === -1 ? bytes.length : end)
    start = end === -1 ? bytes.length : end + 1
  }
}

// It also takes a byte order mark away, which some editors write.
const utf8 = new TextDecoder('utf-8', { fatal: true })

/** @param {Uint8Array} line */
function decode(line) {
  try {
    return utf8.decode(line)
  } catch {
    throw new Error('is not UTF-8')
  }
}

/**
 * @param {string} line
 * @returns {MarketMessage}
 */
function parseLine(line) {
  const record = asRecord(parseJson(line))
  return {
    streamType: asStreamType(field(record, 'stream_type')),
    symbol: asSymbol(field(record, 'symbol')),
    data: field(record, 'data'),
    timestampMs: asMilliseconds(field(record, 'received_at')),
  }
}

/**
 * @param {string} line
 * @returns {unknown}
 */
function parseJson(line) {
  try {
    return JSON.parse(line)
  } catch {
    throw new Error(`is not JSON: ${excerpt(line.trim())}`)
  }
}

/**
 * @param {unknown} value
 * @returns {Record<string, unknown>}
 */
function asRecord(value) {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return /** @type {Record<string, unknown>} */ (value)
  }
  throw new Error(`is not a JSON object: ${shown(value)}`)
}

/**
 * @param {Record<string, unknown>} record
 * @param {string} name
 */
function field(record, name) {
  if (Object.hasOwn(record, name)) return record[name]
  throw new Error(`"${name}" is missing`)
}

/**
 * @param {unknown} value
 * @returns {MarketStreamType}
 */
function asStreamType(value) {
  const streamType = STREAM_TYPES.find((known) => known === value)
  if (streamType) return streamType
  throw new Error(`"stream_type" must be one of ${STREAM_TYPES.join(', ')}, not ${shown(value)}`)
}

/** @param {unknown} value */
function asSymbol(value) {
  const valid = typeof value === 'string' && value !== '' && value.length <= LONGEST_SYMBOL && value.isWellFormed()
  if (valid) return value
  throw new Error(`"symbol" must be a text of 1 to ${LONGEST_SYMBOL} characters, not ${shown(value)}`)
}

/** @param {unknown} value */
function asMilliseconds(value) {
  if (typeof value === 'number' && value >= 0 && value <= LATEST_SECONDS) return Math.round(value * 1000)
  throw new Error(`"received_at" must be a number of seconds since the Unix epoch, not ${shown(value)}`)
}

/** @param {unknown} value */
function shown(value) {
  return excerpt(JSON.stringify(value))
}

/** @param {string} text */
function excerpt(text) {
  // Control characters of a broken line are not for somebody's terminal.
  const plain = text.replace(/\p{Cc}/gu, ' ')
  return plain.length > LONGEST_EXCERPT ? `${plain.slice(0, LONGEST_EXCERPT)}…` : plain
}
