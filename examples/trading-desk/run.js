import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { FeedError, readFeed } from '../market-feed/feed.js'
import { generatedMarket } from './market/generated-market.js'
import { recordedMarket } from './market/recorded-market.js'
import { HELP, parseOptions, UsageError } from './options.js'

/** @import { Options } from './options.js' */

const HERE = fileURLToPath(new URL('.', import.meta.url))
const LIBRARY = fileURLToPath(new URL('../../dist/index.js', import.meta.url))
const DEPENDENCIES = ['esbuild', 'lightweight-charts', 'preact', 'ws']
const MOST_REASONS = 5

/** What has to be there before the desk can open. */
class MissingPieceError extends Error {}

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
  ensureDependencies()
  // Only now: it imports what the two lines above saw to.
  const { openDesk } = await import('./open-desk.js')
  const desk = await openDesk(source, options)
  console.log(`The desk is open: http://127.0.0.1:${desk.port}/\nCtrl-C closes it.`)
  await interruption()
  const { closed, failed, timedOut } = await desk.close()
  console.log(`The desk is closed. Connections closed: ${closed}, failed: ${failed}, timed out: ${timedOut}.`)
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

function ensureLibrary() {
  if (!existsSync(LIBRARY)) throw new MissingPieceError('The library is not built yet: `npm ci` in its root builds it')
}

function ensureDependencies() {
  if (DEPENDENCIES.every((name) => existsSync(`${HERE}node_modules/${name}/package.json`))) return
  console.log('Installing what the desk needs…')
  const { status, error, stderr } = spawnSync('npm', ['ci', '--omit=dev', '--no-audit', '--no-fund'], {
    cwd: HERE,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  })
  if (status === 0) return
  const reasons = error ? [error.message] : stderr.split('\n').filter((line) => /^npm error(?! +at )/.test(line))
  throw new MissingPieceError([
    'The desk needs a few packages, and `npm ci` in examples/trading-desk could not install them:',
    ...reasons.slice(0, MOST_REASONS),
  ].join('\n'))
}
