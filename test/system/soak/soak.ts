// The library on real ws sockets for as long as one likes: clients that come and go, some of them slow, each of which checks all that
// it receives. `npm --prefix test/system/soak run --silent soak -- --help`
import { endWithUsage, newSeed, positiveNumber, readCommandLine, textOf, UsageError, wholeNumber, type Values } from '../../support/command-line.ts'
import { SoakRun, type SoakOptions } from './soak-run.ts'
import { Verdict } from './verdict.ts'

const USAGE = `Usage: npm --prefix test/system/soak run --silent soak -- [options]

  --minutes N    the duration; fractions are allowed       (1)
  --clients C    clients that are connected at a time      (300)
  --churn P      percentage that leaves in a minute        (5)
  --feed FILE    a recorded feed, one message a line       (a random one)
  --seed S       the seed of all random decisions          (random)

Exit code: 0 if all checks passed, 1 if one failed, 2 on invalid options.`

async function soak(options: SoakOptions): Promise<0 | 1> {
  const verdict = new Verdict()
  await new SoakRun(options, verdict).run()
  return verdict.conclude(commandFor(options))
}

function commandFor({ minutes, clients, churn, feed, seed }: SoakOptions): string {
  const source = feed === undefined ? '' : ` --feed ${feed}`
  return `npm --prefix test/system/soak run --silent soak -- --minutes ${minutes} --clients ${clients} --churn ${churn}${source} --seed ${seed}`
}

const TEXT = { type: 'string' } as const

function optionsIn(values: Values): SoakOptions {
  return {
    minutes: positiveNumber(values, 'minutes', 1),
    clients: wholeNumber(values, 'clients', 300, 1),
    churn: positiveNumber(values, 'churn', 5),
    feed: textOf(values, 'feed'),
    seed: wholeNumber(values, 'seed', newSeed()),
  }
}

const options = readCommandLine(USAGE, { minutes: TEXT, clients: TEXT, churn: TEXT, feed: TEXT, seed: TEXT }, optionsIn)
try {
  process.exitCode = await soak(options)
} catch (error) {
  if (error instanceof UsageError) endWithUsage(USAGE, error)
  throw error
}
