// A deploy behind nginx, with many clients: npm --prefix test/system/nginx run deploy -- --help
import { positiveNumber, readCommandLine, wholeNumber } from '../../support/command-line.ts'
import { Verdict } from '../soak/verdict.ts'
import { DeployRun, type DeployOptions, type DeployResult } from './deploy-run.ts'

const USAGE = `Usage: npm --prefix test/system/nginx run deploy -- [options]

  --clients C     clients, half of them over WebSockets and half over event streams    (100)
  --every-ms N    how often a trade and an order are published                         (500)
  --per-second N  how many clients the old server sends away in each second             (12)
  --over-ms N     how long the old server may take to send its clients away            (120000)
  --stay-ms N     how long the old server stays in the cluster after the drain began   (130000)
  --alone         the servers share no cluster, and clients have to be told of losses

Exit code: 0 if all checks passed, 1 if one failed, 2 on invalid options.`

const GRACE_MS = 180_000

function check({ clients }: DeployOptions, { audit, counts, refusals, failures, settled, unhandled }: DeployResult): Verdict {
  const verdict = new Verdict()
  verdict.check('every message came once, in order, to everybody who wants it', audit.isClean, String(audit).split('\n').slice(0, 20))
  verdict.check('no client was told of a loss', counts.refused + counts.gaps + audit.counts.told === 0, [`${audit.counts.told} messages told as missing; ${counts.gaps} gaps; refused: ${list(refusals)}`])
  verdict.check(`all ${clients} clients are at the next server`, settled === clients, [`settled: ${settled}`, ...failures.keys()])
  verdict.check('nothing was unhandled', unhandled.length === 0, unhandled)
  return verdict
}

function figuresOf({ audit, counts, drained, ends, failures, absencesMs, returnsMs, backMs }: DeployResult): string[] {
  const { published, received } = audit.counts
  const { told, left, closed, remained, tookMs } = drained
  return [
    `messages: ${published} published, ${received} received`,
    `drain: ${told} told, ${left} left, ${closed} closed, ${remained} remained, took ${Math.round(tookMs)} ms`,
    `clients: all back after ${backMs} ms, at most ${mostInASecond(returnsMs)} in a second`,
    `each was away for: p50 ${quantile(absencesMs, 0.5)} ms, p99 ${quantile(absencesMs, 0.99)}, most ${quantile(absencesMs, 1)}`,
    `streams: ${counts.recovered} recovered, ${counts.refused} refused, ${counts.gaps} gaps`,
    `connections ended: ${list(ends)}; errors of clients: ${list(failures)}`,
  ]
}

function quantile(values: readonly number[], share: number): number | undefined {
  return values.toSorted((one, other) => one - other)[Math.min(values.length - 1, Math.floor(values.length * share))]
}

/** Returns how many of these times are in one second, wherever it begins. */
function mostInASecond(timesMs: readonly number[]): number {
  return Math.max(0, ...timesMs.map((beginMs) => timesMs.filter((each) => each >= beginMs && each < beginMs + 1_000).length))
}

function list(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([name, count]) => `${count} × ${name}`).join(', ') || 'none'
}

function commandFor({ clients, everyMs, perSecond, overMs, stayMs, isClustered }: typeof options): string {
  const flags = `--clients ${clients} --every-ms ${everyMs} --per-second ${perSecond} --over-ms ${overMs} --stay-ms ${stayMs}${isClustered ? '' : ' --alone'}`
  return `npm --prefix test/system/nginx run deploy -- ${flags}`
}

const TEXT = { type: 'string' } as const
const FLAGS = { 'clients': TEXT, 'every-ms': TEXT, 'per-second': TEXT, 'over-ms': TEXT, 'stay-ms': TEXT, 'alone': { type: 'boolean' } } as const

const options = readCommandLine(USAGE, FLAGS, (values) => ({
  clients: wholeNumber(values, 'clients', 100, 1),
  overMs: wholeNumber(values, 'over-ms', 120_000),
  everyMs: wholeNumber(values, 'every-ms', 500, 1),
  perSecond: positiveNumber(values, 'per-second', 12),
  stayMs: wholeNumber(values, 'stay-ms', 130_000),
  isClustered: values['alone'] !== true,
}))
setTimeout(() => {
  console.error('The run hangs.')
  process.exit(1)
}, options.overMs + options.stayMs + GRACE_MS).unref()

const result = await DeployRun.run(options)
const verdict = check(options, result)
for (const line of figuresOf(result)) verdict.note(line)
process.exit(verdict.conclude(commandFor(options)))
