import { newSeed, readCommandLine, textOf, wholeNumber, type Values } from '../../support/command-line.ts'
import { runCampaign } from './campaign.ts'
import { faultReport, summary } from './report.ts'

const USAGE = `Runs random sequences of every public call against a model of flat facts.

  npm --prefix test/property/model run --silent model -- [options]

  --runs N    how many sequences (2,000)
  --seed S    the seed, printed by every run (a new one)
  --as-found  leaves a fault as large as it was found, which is sooner
  --path P    together with a seed: the counterexample of a run that failed
  --help      this text

Exits with 1 when a sequence showed a fault, with 2 when the options make no sense.`

interface Options {
  readonly runs: number
  readonly seed: number
  readonly path: string | undefined
  readonly isAsFound: boolean
}

const [TEXT, FLAG] = [{ type: 'string' }, { type: 'boolean' }] as const

function optionsIn(values: Values): Options {
  return {
    runs: wholeNumber(values, 'runs', 2_000, 1),
    seed: wholeNumber(values, 'seed', newSeed(), -(2 ** 31)),
    path: textOf(values, 'path'),
    isAsFound: values['as-found'] === true,
  }
}

const options = readCommandLine(USAGE, { runs: TEXT, seed: TEXT, path: TEXT, 'as-found': FLAG }, optionsIn)
console.log(`${options.runs} sequences, seed ${options.seed}`)
const { fault, tally } = await runCampaign(options)
console.log(fault === undefined ? summary(tally, options.seed) : faultReport(fault))
process.exitCode = fault === undefined ? 0 : 1
