import { parseFeedPath, readArguments, UsageError } from '../command-line.js'
import { GRACE_MS, LIFETIME_MS } from './limits.js'

/** @import { Broker } from './server/broker.js' */
/** @import { TradesPolicy } from './streams.js' */

/**
 * @typedef {object} Options
 * @property {number} port 0: any that is free
 * @property {string | undefined} feed a recorded feed; without one the market is generated
 * @property {number} speed how many times faster than its timestamps
 * @property {number} seed
 * @property {TradesPolicy} trades
 * @property {number} nodes how many processes serve it
 * @property {number} graceMs how long a user may be gone before their orders are cancelled
 * @property {number} lifetimeMs how long a connection lives at most
 * @property {Broker} [broker] what connects these processes; without one, the channel between a process and its children
 */

export const HELP = `Serves a page on 127.0.0.1 that shows one ConnectionManager at work: live prices, private
orders, two tabs of one user, and a tab that is slow on purpose.

Usage: npm run desk -- [options]
       node desk.js [options]

  --port N             listen at this port (any that is free)
  --feed FILE.ndjson   play a recorded feed, over and over, instead of the generated market
  --speed N            N times as fast, up to 20 (1)
  --seed N             another seed is another market (1)
  --trades drop|keep   what becomes of the trades that a slow tab cannot take: the oldest go, and its
                       tape says how many; or all are kept, and in the end it is disconnected (drop)
  --nodes N            serve it by N processes, up to 4: stop one, and its pages go on at another (1)
  --grace SECONDS      cancel the open orders of a user who is gone for so long (10)
  --lifetime SECONDS   end each connection after so long, and its page comes back without a gap (86400)
  --redis URL          connect the processes over this Redis, such as redis://127.0.0.1:6379 (2 nodes)
  --nats URL           connect the processes over this NATS, such as nats://127.0.0.1:4222 (2 nodes)
  --help               this text

It runs until it is interrupted. Exit code: 0 then, 2 for a bad option or a broken feed.
`

const LARGEST_PORT = 65_535
const LARGEST_SEED = 2 ** 32 - 1
const HIGHEST_SPEED = 20
const MOST_NODES = 4
const LONGEST_SECONDS = 86_400

/**
 * What the command line asks for.
 *
 * @param {string[]} args
 * @returns {Options | 'help'}
 */
export function parseOptions(args) {
  const given = readArguments(args, ['port', 'feed', 'speed', 'seed', 'trades', 'nodes', 'grace', 'lifetime', 'redis', 'nats'])
  if (given.help) return 'help'
  const broker = parseBroker(given)
  return {
    port: parseWhole('port', given.port, { fallback: 0, most: LARGEST_PORT }),
    feed: parseFeedPath(given.feed),
    speed: parseSpeed(given.speed),
    seed: parseWhole('seed', given.seed, { fallback: 1, most: LARGEST_SEED }),
    trades: parseTrades(given.trades),
    nodes: parseWhole('nodes', given.nodes, { fallback: broker === undefined ? 1 : 2, least: 1, most: MOST_NODES }),
    graceMs: 1_000 * parseWhole('grace', given.grace, { fallback: GRACE_MS / 1_000, most: LONGEST_SECONDS }),
    lifetimeMs: 1_000 * parseWhole('lifetime', given.lifetime, { fallback: LIFETIME_MS / 1_000, least: 1, most: LONGEST_SECONDS }),
    broker,
  }
}

/** @param {string | undefined} text */
function parseSpeed(text = '1') {
  const speed = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN
  if (speed > 0 && speed <= HIGHEST_SPEED) return speed
  throw new UsageError(`--speed must be a number above 0, up to ${HIGHEST_SPEED}, not "${text}"`)
}

/**
 * @param {string} name
 * @param {string | undefined} text
 * @param {{ fallback: number, least?: number, most: number }} range
 */
function parseWhole(name, text, { fallback, least = 0, most }) {
  if (text === undefined) return fallback
  const value = /^\d+$/.test(text) ? Number(text) : NaN
  if (value >= least && value <= most) return value
  throw new UsageError(`--${name} must be a whole number from ${least} to ${most}, not "${text}"`)
}

/**
 * @param {{ redis?: string, nats?: string }} given
 * @returns {Broker | undefined}
 */
function parseBroker({ redis, nats }) {
  if (redis !== undefined && nats !== undefined) throw new UsageError('The nodes need one broker: give --redis or --nats, not both')
  if (redis !== undefined) return { kind: 'redis', url: parseAddress('redis', redis, /^rediss?:$/) }
  return nats === undefined ? undefined : { kind: 'nats', url: parseAddress('nats', nats, /^(nats|tls):$/) }
}

/**
 * @param {string} name
 * @param {string} text
 * @param {RegExp} protocol
 */
function parseAddress(name, text, protocol) {
  if (URL.canParse(text) && protocol.test(new URL(text).protocol)) return text
  throw new UsageError(`--${name} must be an address such as ${name}://127.0.0.1, not "${text}"`)
}

/** @param {string | undefined} text */
function parseTrades(text = 'drop') {
  if (text === 'drop' || text === 'keep') return text
  throw new UsageError(`--trades must be "drop" or "keep", not "${text}"`)
}
