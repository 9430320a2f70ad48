// The command line.
import { parseArgs } from 'node:util'

export const PARTS = [
  'fan-out', 'publish', 'recorded-publish', 'throttled', 'cluster-publish', 'node-to-node', 'send', 'rare-stream', 'churn', 'hot-stream',
  'churn-while-publishing', 'memory', 'more-memory', 'raw-json', 'bytes', 'real-ws', 'reconnects', 'resume', 'compression', 'bun', 'slow-clients',
  'size',
]

export const HELP = `What the library costs, beside its peers and beside a bare loop.

  npm run bench                      all parts, in minutes
  npm run bench -- --quick           all parts, coarsely, in less than 100 seconds

  --only churn,memory      these parts alone: ${PARTS.slice(0, 6).join(', ')},
                           ${PARTS.slice(6, 14).join(', ')},
                           ${PARTS.slice(14).join(', ')}
  --json FILE              writes every row
  --report                 writes REPORT.md and its plots; after a full run of all parts, also the figures in README.md
  --of FILE,FILE,FILE      measures nothing: of runs that --json wrote, each row from the run in the middle
  --library DIR            measures another build than dist
  --profile DIR            writes a CPU profile of each process that measures, and of each server
`

/** A command line that makes no sense. */
export class UsageError extends Error {}

/**
 * @typedef {object} Options
 * @property {boolean} quick
 * @property {readonly string[]} only the parts to measure
 * @property {string} [json] where the rows are to be written
 * @property {boolean} report
 * @property {readonly string[]} [of] where runs lie, of which the median is wanted
 * @property {string} [library] where the build lies that is to be measured
 * @property {string} [profile] where CPU profiles are to be written
 */

/**
 * @param {string[]} args
 * @returns {Options | 'help'}
 */
export function parseOptions(args) {
  const { help, only, quick, report, of, ...rest } = parsed(args)
  if (help) return 'help'
  return {
    ...rest,
    quick: quick ?? false,
    report: report ?? false,
    only: only === undefined ? PARTS : partsIn(only),
    ...(of !== undefined && { of: of.split(',') }),
  }
}

function parsed(/** @type {string[]} */ args) {
  try {
    return parseArgs({
      args,
      options: {
        help: { type: 'boolean', short: 'h' },
        quick: { type: 'boolean' },
        only: { type: 'string' },
        json: { type: 'string' },
        report: { type: 'boolean' },
        of: { type: 'string' },
        library: { type: 'string' },
        profile: { type: 'string' },
      },
    }).values
  } catch (error) {
    throw new UsageError(/** @type {Error} */ (error).message)
  }
}

function partsIn(/** @type {string} */ list) {
  const wanted = list.split(',')
  const unknown = wanted.find((name) => !PARTS.includes(name))
  if (unknown !== undefined) throw new UsageError(`There is no part "${unknown}": ${PARTS.join(', ')}`)
  return PARTS.filter((name) => wanted.includes(name))
}
