import { UsageError } from '../command-line.js'
import { FeedError, readFeed } from '../market-feed/feed.js'
import { ensureLibrary, ensurePackages, MissingPieceError } from '../ready.js'
import { generatedMarket } from './market/generated-market.js'
import { recordedMarket } from './market/recorded-market.js'
import { HELP, parseOptions } from './options.js'

/** @import { Options } from './options.js' */

const DEPENDENCIES = ['esbuild', 'lightweight-charts', 'preact', 'redis', '@nats-io/transport-node', 'ws']

/**
 * Opens the desk, keeps it open until the process is told to end, and answers the exit code.
 *
 * @param {string[]} args
 * @returns {Promise<number>}
 */
export async function runDesk(args) {
  try {
    return await run(args)
  } catch (error) {
    if (error instanceof UsageError) return fail(`${error.message} (--help shows the options)`)
    if (error instanceof FeedError || error instanceof MissingPieceError) return fail(error.message)
    if (error instanceof Error && 'syscall' in error && error.syscall === 'listen') return fail(`Cannot listen: ${error.message}`)
    throw error
  }
}

/** @param {string[]} args */
async function run(args) {
  const options = parseOptions(args)
  if (options === 'help') {
    process.stdout.write(HELP)
    return 0
  }
  // What cannot be played is found before anything is installed.
  const source = sourceOf(options)
  ensureLibrary()
  ensurePackages(DEPENDENCIES)
  // Only now: it imports what the two lines above saw to.
  const { openDesk } = await import('./open-desk.js')
  const { BrokerError } = await import('./server/broker.js')
  const desk = await openDesk(source, options).catch((error) => {
    throw error instanceof BrokerError ? new MissingPieceError(error.message) : error
  })
  console.log(`The desk is open: http://127.0.0.1:${desk.port}/\nCtrl-C closes it.`)
  await interruption()
  console.log(`The desk is closed. ${await desk.close()}`)
  return 0
}

/** @param {Options} options */
function sourceOf({ feed, seed }) {
  return feed === undefined ? generatedMarket(seed) : recordedMarket(readFeed(feed), feed)
}

function interruption() {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, resolve)
  })
}

/** @param {string} message */
function fail(message) {
  console.error(message)
  return 2
}
