import { parseFeedPath, readArguments, UsageError } from '../command-line.js'

/**
 * @typedef {'drop' | 'duplicate' | 'swap' | 'leak' | 'regress' | 'hide' | 'skip'} MisbehaviourKind
 *
 * @typedef {object} Options
 * @property {string | undefined} feed a recorded feed; without one the market is generated
 * @property {number} speed how many times faster than its timestamps; `Infinity` for `max`
 * @property {number} users
 * @property {number} connections per user
 * @property {number} slow how many connections stop reading for a while
 * @property {number} seed
 * @property {MisbehaviourKind | undefined} inject
 */

export const HELP = `Plays a market through one ConnectionManager to real clients, over WebSocket and
server-sent events, and checks what each of them received.

Usage: npm run demo -- [options]
       node demo.js [options]

  --feed FILE.ndjson   play a recorded feed instead of the generated market
  --speed N|max        N times as fast as the feed's timestamps say, or as fast as it goes (1)
  --users N            how many users connect (40)
  --connections N      how many connections each of them has (2)
  --slow N             how many connections stop reading for a while (4, or as many as there are)
  --seed N             another seed is another market, other subscriptions, other reconnects (1)
  --inject KIND        the server misbehaves once: drop, duplicate, swap, leak, regress, hide or
                       skip. The checker must find it, so such a run ends with exit code 1
  --serve              keep a server up, with a page to watch it by: the options of \`npm run desk\`
  --help               this text

Exit code: 0 when every client received exactly what it should have, 1 when not,
2 for a bad option or a broken feed.
`

/** @type {readonly MisbehaviourKind[]} */
const MISBEHAVIOURS = ['drop', 'duplicate', 'swap', 'leak', 'regress', 'hide', 'skip']
const LARGEST_SEED = 2 ** 32 - 1
const MOST_USERS = 10_000
/** What the library allows one user by default. */
const MOST_CONNECTIONS = 100

/**
 * What the command line asks for.
 *
 * @param {string[]} args
 * @returns {Options | 'help'}
 */
export function parseOptions(args) {
  const given = readArguments(args, ['feed', 'speed', 'users', 'connections', 'slow', 'seed', 'inject'])
  if (given.help) return 'help'
  return {
    feed: parseFeedPath(given.feed),
    speed: parseSpeed(given.speed),
    users: parseWhole('users', given.users, 40, 1, MOST_USERS),
    connections: parseWhole('connections', given.connections, 2, 1, MOST_CONNECTIONS),
    slow: parseWhole('slow', given.slow, 4, 0, MOST_USERS * MOST_CONNECTIONS),
    seed: parseWhole('seed', given.seed, 1, 0, LARGEST_SEED),
    inject: parseMisbehaviour(given.inject),
  }
}

/** @param {string | undefined} text */
function parseSpeed(text) {
  if (text === undefined) return 1
  if (text === 'max') return Infinity
  const speed = decimal(text)
  if (speed > 0 && speed < Infinity) return speed
  throw new UsageError(`--speed must be a number above 0 or "max", not "${text}"`)
}

/**
 * @param {string} name
 * @param {string | undefined} text
 * @param {number} fallback
 * @param {number} least
 * @param {number} most
 */
function parseWhole(name, text, fallback, least, most) {
  if (text === undefined) return fallback
  const value = decimal(text)
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new UsageError(`--${name} must be a whole number from ${least} to ${most}, not "${text}"`)
}

/**
 * The number that a text is, or NaN; stricter than `Number`, to which an empty text is zero.
 *
 * @param {string} text
 */
function decimal(text) {
  return /^\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text) ? Number(text) : NaN
}

/** @param {string | undefined} text */
function parseMisbehaviour(text) {
  if (text === undefined) return undefined
  const kind = MISBEHAVIOURS.find((known) => known === text)
  if (kind) return kind
  throw new UsageError(`--inject must be one of ${MISBEHAVIOURS.join(', ')}, not "${text}"`)
}
