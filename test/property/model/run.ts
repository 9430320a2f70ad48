import { parseArgs } from 'node:util'
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

function optionsIn(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: { type: 'string' },
      seed: { type: 'string' },
      path: { type: 'string' },
      'as-found': { type: 'boolean' },
      help: { type: 'boolean' },
    },
  })
  if (values.help === true) return 'help'
  return {
    runs: numberIn('--runs', values.runs, 2_000, 1),
    seed: numberIn('--seed', values.seed, Date.now() % 2 ** 31, -(2 ** 31)),
    path: values.path,
    isAsFound: values['as-found'] === true,
  }
}

function numberIn(option: string, text: string | undefined, otherwise: number, least: number): number {
  if (text === undefined) return otherwise
  const number = Number(text)
  if (!Number.isInteger(number) || number < least) throw new Error(`${option} must be a whole number of ${least} or more, not ${text}`)
  return number
}

async function main(args: readonly string[]): Promise<number> {
  let options: Options | 'help'
  try {
    options = optionsIn(args)
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`)
    return 2
  }
  if (options === 'help') {
    console.log(USAGE)
    return 0
  }
  console.log(`${options.runs} sequences, seed ${options.seed}`)
  const { fault, tally } = await runCampaign(options)
  console.log(fault === undefined ? summary(tally, options.seed) : faultReport(fault))
  return fault === undefined ? 0 : 1
}

process.exitCode = await main(process.argv.slice(2))
