import { newSeed, readCommandLine, textOf, wholeNumber, type Values } from '../../support/command-line.ts'
import { runCampaign } from './campaign.ts'
import { faultReport, summary } from './report.ts'

const USAGE = `Runs random sequences of every public call against a model of plain facts.

  npm --prefix test/property/model run --silent model -- [options]

  --runs N    the number of sequences (2,000)
  --seed S    the seed, which every run prints (random)
  --as-found  does not shrink a fault, which is faster
  --path P    with a seed: the counterexample of an earlier run
  --help      prints this text

Exits with 1 if a sequence shows a fault, and with 2 if the options are invalid.`

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
