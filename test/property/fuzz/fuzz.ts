import { endProgress, readCommandLine, showProgress, wholeNumber } from '../../support/command-line.ts'
import { Builtins } from './builtins.ts'
import { Faults } from './faults.ts'
import { ERROR_CODES } from './fuzzing/codes.ts'
import { CALLS_PER_EPISODE, Episode, type Complaint } from './fuzzing/episode.ts'
import { grouped, Tally } from './fuzzing/tally.ts'
import { readTexts, TEXTS_PER_BATCH } from './texts/batch.ts'

const USAGE = `Usage: npm run fuzz -- [options]

  --calls N    calls of all public functions with hostile values (10 000 000)
  --texts N    hostile texts to parse (1 000 000)
  --seed S     the seed of the first ${grouped(CALLS_PER_EPISODE)} calls, and of the first texts (1)
  --quick      200 000 calls and 20 000 texts
  --help`

const settings = readCommandLine(
  USAGE,
  { calls: { type: 'string' }, texts: { type: 'string' }, seed: { type: 'string' }, quick: { type: 'boolean' } },
  (values) => ({
    calls: wholeNumber(values, 'calls', values['quick'] === true ? 200_000 : 10_000_000),
    texts: wholeNumber(values, 'texts', values['quick'] === true ? 20_000 : 1_000_000),
    seed: wholeNumber(values, 'seed', 1),
  }),
)

/** From this many calls on, each function must accept a call, and each error code must occur. */
const CALLS_FOR_COVERAGE = 100_000

const faults = new Faults()
const tally = new Tally()
const builtins = new Builtins()
let current: { complain(kind: string, detail: unknown): void } | undefined
// Whatever ends this before it has come to its end is a failure.
process.exitCode = 1
process.on('unhandledRejection', (reason) => current?.complain('A rejection that nobody caught', reason))
process.on('uncaughtException', (error) => current?.complain('An exception that nobody caught', error))

// Most managers have no error listener here, and would print each stage's first error.
console.warn = () => {}

/** Stack traces are most of what a refusal costs: they are taken only when a fault is looked at again. */
const NO_STACK = 0
const WHOLE_STACK = 20

async function play(seed: number, calls: number, counted: Tally, stackTraceLimit: number): Promise<Complaint | undefined> {
  Error.stackTraceLimit = stackTraceLimit
  const episode = new Episode(seed, counted, builtins)
  current = episode
  await episode.play(calls)
  return episode.complaint
}

async function report(seed: number, { calls, ...seen }: Complaint): Promise<void> {
  const again = await play(seed, calls, new Tally(), WHOLE_STACK)
  faults.add({ ...seen, ...again, again: `npm run fuzz -- --seed ${seed} --calls ${calls} --texts 0` })
}

async function fuzzCalls(): Promise<void> {
  for (let done = 0; done < settings.calls && !faults.areEnough; done += CALLS_PER_EPISODE) {
    const seed = settings.seed + done / CALLS_PER_EPISODE
    const complaint = await play(seed, Math.min(CALLS_PER_EPISODE, settings.calls - done), tally, NO_STACK)
    if (complaint !== undefined) await report(seed, complaint)
    showProgress(`${grouped(done)} calls, ${faults.count} faults`)
  }
}

function fuzzTexts(): void {
  Error.stackTraceLimit = NO_STACK
  for (let done = 0; done < settings.texts && !faults.areEnough; done += TEXTS_PER_BATCH) {
    const seed = settings.seed + done / TEXTS_PER_BATCH
    const complaint = readTexts(seed, Math.min(TEXTS_PER_BATCH, settings.texts - done), tally, builtins)
    if (complaint !== undefined) faults.add({ ...complaint, again: `npm run fuzz -- --seed ${seed} --calls 0 --texts ${complaint.calls}` })
    showProgress(`${grouped(done)} texts, ${faults.count} faults`)
  }
}

/** What a run has to have come by, or it has proven nothing. */
function shortcomings(): string[] {
  if (settings.calls < CALLS_FOR_COVERAGE || faults.count > 0) return []
  const unseen = ERROR_CODES.filter((code) => !tally.codes.has(code))
  return [
    ...(tally.acceptedOnState * 2 < tally.calls ? ['Fewer than half of the calls were accepted by a manager with state'] : []),
    ...tally.futile.map((call) => `${call} was never accepted`),
    ...unseen.map((code) => `${code} was never seen`),
  ]
}

const startedAt = performance.now()
await fuzzCalls()
const seconds = (performance.now() - startedAt) / 1_000
fuzzTexts()
const secondsOfTexts = (performance.now() - startedAt) / 1_000 - seconds
endProgress()
console.log(tally.lines.join('\n'))
console.log(
  `seed ${settings.seed}: ${grouped(tally.calls)} calls, ${grouped(tally.nested)} of them nested, on ${grouped(tally.managers)} managers; ` +
    `${((100 * tally.acceptedOnState) / Math.max(tally.calls, 1)).toFixed(1)} % accepted by a manager with state; ` +
    `${seconds.toFixed(1)} s, ${grouped(tally.calls / seconds)} calls/s; ` +
    `${grouped(tally.texts)} texts, each parsed by four functions; ${secondsOfTexts.toFixed(1)} s`,
)
const problems = [...faults.lines, ...shortcomings().map((shortcoming) => `FAULT  ${shortcoming}`)]
console.log(problems.length === 0 ? 'ok' : problems.join('\n'))
process.exit(problems.length === 0 ? 0 : 1)
