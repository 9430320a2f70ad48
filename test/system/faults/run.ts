import { Worker } from 'node:worker_threads'
import { readCommandLine, textOf, UsageError, wholeNumber, type Values } from '../../support/command-line.ts'
import { nameOf, PHASES, type Scenario } from './scenario.ts'
import { families } from './families.ts'
import { Trial } from './trial.ts'

const USAGE = `Usage: npm run faults -- [options]

  --seed N         the first seed (1)
  --runs N         how many seeds in a row (1)
  --only PATTERN   the scenarios whose "fault, phase" matches this regular expression
  --quick          one scenario of every fault
  --list           lists the faults, and the phases of each
  --help`

/** Scenarios wait for conditions. This deadline only ends one that hangs. */
const HANG_MS = 30_000

interface Settings {
  readonly seed: number
  readonly runs: number
  readonly scenarios: readonly Scenario[]
}

const [TEXT, FLAG] = [{ type: 'string' }, { type: 'boolean' }] as const
const FLAGS = { seed: TEXT, runs: TEXT, only: TEXT, quick: FLAG, list: FLAG }

function settingsIn(values: Values): Settings {
  const pattern = new RegExp(textOf(values, 'only') ?? '', 'i')
  const scenarios = [...(values['quick'] === true ? firstOfEach(families) : families)].filter((scenario) => pattern.test(nameOf(scenario)))
  if (values['list'] === true) {
    console.log(matrixOf(scenarios))
    process.exit(0)
  }
  if (scenarios.length === 0) throw new UsageError(`No scenario matches ${pattern}`)
  return { seed: wholeNumber(values, 'seed', 1, 1), runs: wholeNumber(values, 'runs', 1, 1), scenarios }
}

function firstOfEach(scenarios: readonly Scenario[]): readonly Scenario[] {
  return [...new Map([...scenarios].reverse().map((scenario) => [scenario.fault, scenario])).values()].reverse()
}

function faultsIn(scenarios: readonly Scenario[]): string[] {
  return [...new Set(scenarios.map(({ fault }) => fault))]
}

function matrixOf(scenarios: readonly Scenario[]): string {
  const phasesOf = (name: string): string => scenarios.filter(({ fault }) => fault === name).map(({ phase }) => phase).join('; ')
  return [...faultsIn(scenarios).map((fault) => `${fault}: ${phasesOf(fault)}`), summaryOf(scenarios)].join('\n')
}

function summaryOf(scenarios: readonly Scenario[]): string {
  const phases = PHASES.filter((each) => scenarios.some(({ phase }) => phase === each))
  return `${scenarios.length} scenarios, ${faultsIn(scenarios).length} faults × ${phases.length} phases`
}

/** What nobody awaited or caught while a scenario ran. */
const strays: unknown[] = []
process.on('unhandledRejection', (reason) => void strays.push(reason))
process.on('uncaughtException', (error) => void strays.push(error))

async function run(scenario: Scenario, trial: Trial): Promise<void> {
  await scenario.play(trial)
  await trial.finish()
  if (trial.injected.size === 0) throw new Error('Nothing was injected')
}

async function within<TResult>(ms: number, work: Promise<TResult>): Promise<TResult> {
  let timer: NodeJS.Timeout | undefined
  const hang = new Promise<never>((_, reject) => void (timer = setTimeout(() => reject(new Error(`Timed out after ${ms / 1_000} s`)), ms)))
  try {
    return await Promise.race([work, hang])
  } finally {
    clearTimeout(timer)
  }
}

/** Runs one scenario and prints its line; returns whether it passed. */
async function report(scenario: Scenario, seed: number): Promise<boolean> {
  const trial = new Trial(seed)
  strays.length = 0
  let failure: unknown
  try {
    await within(HANG_MS, run(scenario, trial))
  } catch (error) {
    failure = error
    await within(HANG_MS, trial.abandon()).catch((another: unknown) => console.error(another))
  }
  // Late errors are reported by now.
  for (let i = 0; i < 2; i++) await new Promise((resolve) => void setImmediate(resolve))
  const failures = [...(failure === undefined ? [] : [failure]), ...strays.map((stray) => new Error('Uncaught error or unhandled rejection', { cause: stray }))]
  console.log(lineOf(scenario, trial, failures.length === 0))
  for (const each of failures) console.log(each)
  if (failures.length > 0) console.log(`Reproduce: npm run faults -- --seed ${seed} --only "^${escaped(nameOf(scenario))}$"\n`)
  return failures.length === 0
}

function lineOf(scenario: Scenario, { seed, injected, arenas }: Trial, isOk: boolean): string {
  const faults = Array.from(injected, ([what, times]) => `${times} × ${what}`).join(', ')
  const accounts = arenas.map(({ report }) => report).join(' | ')
  return `${isOk ? 'ok    ' : 'FAILED'}  ${nameOf(scenario)}  [seed ${seed}]  injected: ${faults || 'nothing'}  accounted for: ${accounts}`
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

function assertDistinct(scenarios: readonly Scenario[]): void {
  const names = scenarios.map(nameOf)
  const twice = names.filter((name, i) => names.indexOf(name) !== i)
  if (twice.length > 0) throw new Error(`Duplicate scenarios: ${twice.join('; ')}`)
}

assertDistinct(families)
const { seed: firstSeed, runs, scenarios } = readCommandLine(USAGE, FLAGS, settingsIn)
const watchdog = new Worker(new URL('watchdog.js', import.meta.url), { workerData: { timeoutMs: 3 * HANG_MS } })
watchdog.unref()
let failed = 0
for (let seed = firstSeed; seed < firstSeed + runs; seed++) {
  for (const scenario of scenarios) {
    watchdog.postMessage(`${nameOf(scenario)}  [seed ${seed}]`)
    if (!(await report(scenario, seed))) failed++
  }
}
await watchdog.terminate()
if (runs > 1) console.log(`Each scenario ran with the seeds ${firstSeed} to ${firstSeed + runs - 1}`)
console.log(`${summaryOf(scenarios)}, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
