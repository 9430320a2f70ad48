#!/usr/bin/env node
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { fromCaller } from './caller.js'
import { HELP, parseOptions, UsageError } from './options.js'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const ROOT = fileURLToPath(new URL('..', import.meta.url))
const MOST_REASONS = 5

/** What has to be there before anything can be measured. */
class MissingPieceError extends Error {}

// Whoever reads the output may have seen enough of it, as in `| head`.
process.stdout.on('error', () => {})
process.exitCode = await main(process.argv.slice(2))

/** Returns the exit code: a goal that is missed is a finding, and no failure. */
async function main(/** @type {string[]} */ args) {
  try {
    const options = parseOptions(args)
    if (options === 'help') {
      process.stdout.write(HELP)
      return 0
    }
    if (options.library !== undefined) process.env.BENCH_LIBRARY = fromCaller(options.library)
    ensureDependencies()
    ensureLibrary()
    // Only now: it imports what the two lines above saw to.
    const { runSuite } = await import('./suite.js')
    await runSuite(options)
    return 0
  } catch (error) {
    if (error instanceof UsageError) return fail(`${error.message} (--help shows the options)`)
    if (error instanceof MissingPieceError) return fail(error.message)
    throw error
  }
}

function fail(/** @type {string} */ message) {
  console.error(message)
  return 2
}

function ensureDependencies() {
  const { dependencies } = JSON.parse(readFileSync(`${HERE}package.json`, 'utf8'))
  // A package may be newer than what was installed here.
  const areInstalled = Object.keys(dependencies).every((name) => existsSync(`${HERE}node_modules/${name}`))
  if (!areInstalled) npm(HERE, ['ci', '--no-audit', '--no-fund'], 'The peers could not be installed')
}

function ensureLibrary() {
  if (process.env.BENCH_LIBRARY !== undefined) {
    if (!existsSync(`${process.env.BENCH_LIBRARY}/index.js`)) throw new MissingPieceError(`There is no build in ${process.env.BENCH_LIBRARY}`)
  } else if (!existsSync(`${ROOT}dist/index.js`)) {
    // Its `prepare` builds.
    if (existsSync(`${ROOT}node_modules`)) npm(ROOT, ['run', 'build'], 'The library could not be built')
    else npm(ROOT, ['ci', '--no-audit', '--no-fund'], 'The library could not be installed')
  }
}

function npm(/** @type {string} */ cwd, /** @type {string[]} */ args, /** @type {string} */ complaint) {
  console.error(`npm ${args[0]} …`)
  const { status, error, stderr } = spawnSync('npm', args, { cwd, encoding: 'utf8', shell: process.platform === 'win32' })
  if (status === 0) return
  const reasons = error ? [error.message] : stderr.split('\n').filter((line) => /^npm error(?! +at )/.test(line))
  throw new MissingPieceError([`${complaint}:`, ...reasons.slice(0, MOST_REASONS)].join('\n'))
}
