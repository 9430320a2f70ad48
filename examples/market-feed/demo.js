#!/usr/bin/env node
import { UsageError } from '../command-line.js'
import { ensureLibrary, ensurePackages, MissingPieceError } from '../ready.js'
import { FeedError, readFeed } from './feed.js'
import { planMisbehaviour } from './misbehaviour.js'
import { HELP, parseOptions } from './options.js'
import { drawScenario } from './scenario.js'

const DESK = new URL('../trading-desk/run.js', import.meta.url)

// Whoever reads the output may have seen enough of it, as in `| head`.
process.stdout.on('error', () => {})
process.exitCode = await main(process.argv.slice(2))

/**
 * @param {string[]} args
 * @returns {Promise<number>} the exit code
 */
async function main(args) {
  try {
    return await run(args)
  } catch (error) {
    if (error instanceof UsageError) return fail(`${error.message} (--help shows the options)`)
    if (error instanceof FeedError || error instanceof MissingPieceError) return fail(error.message)
    throw error
  }
}

/** @param {string[]} args */
async function run(args) {
  if (args.includes('--serve')) return serve(args.filter((arg) => arg !== '--serve'))
  const options = parseOptions(args)
  if (options === 'help') {
    process.stdout.write(HELP)
    return 0
  }
  const feed = options.feed === undefined ? undefined : readFeed(options.feed)
  // What cannot be played is found before anything is installed, let alone played.
  const scenario = drawScenario(options, feed)
  const misbehaviour = options.inject && planMisbehaviour(options.inject, scenario, options.seed)
  ensureLibrary()
  ensurePackages(['ws'])
  // Only now: it imports what the two lines above saw to.
  const { runDemo } = await import('./run.js')
  return runDemo({ options, feed, scenario, misbehaviour })
}

/**
 * Keeps a server up, with a page to watch it by.
 *
 * @param {string[]} args
 * @returns {Promise<number>} the exit code
 */
async function serve(args) {
  // By its address: the types of its dependencies are no matter of this folder's.
  const { runDesk } = await import(DESK.href)
  return runDesk(args)
}

/** @param {string} message */
function fail(message) {
  console.error(message)
  return 2
}
