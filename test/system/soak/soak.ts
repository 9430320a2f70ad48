// The library on real ws sockets for as long as one likes: clients that come and go, some of them slow, each of which checks all that
// it receives. `npm --prefix test/system/soak run --silent soak -- --help`
import { parseArgs } from 'node:util'
import { parsed, positive, runCommand, seedOf, whole } from './command-line.ts'
import { SoakRun, type SoakOptions } from './soak-run.ts'
import { Verdict } from './verdict.ts'

const USAGE = `Usage: npm --prefix test/system/soak run --silent soak -- [options]

  --minutes N    how long; fractions are allowed           (1)
  --clients C    how many at a time                        (300)
  --churn P      how many of a hundred leave in a minute   (5)
  --feed FILE    a recorded market, one message a line     (a built-in random one)
  --seed S       what the decisions are drawn from         (a new one)

Exit code: 0 everything held, 1 something did not, 2 bad usage.`

async function soak(options: SoakOptions): Promise<0 | 1> {
  const verdict = new Verdict()
  await new SoakRun(options, verdict).run()
  return verdict.conclude(commandFor(options))
}

function commandFor({ minutes, clients, churn, feed, seed }: SoakOptions): string {
  const source = feed === undefined ? '' : ` --feed ${feed}`
  return `npm --prefix test/system/soak run --silent soak -- --minutes ${minutes} --clients ${clients} --churn ${churn}${source} --seed ${seed}`
}

/** @throws `UsageError` */
function optionsIn(args: readonly string[]): SoakOptions | 'help' {
  const text = { type: 'string' } as const
  const known = { minutes: text, clients: text, churn: text, feed: text, seed: text, help: { type: 'boolean' } } as const
  const values = parsed(() => parseArgs({ args: [...args], options: known }).values)
  if (values.help === true) return 'help'
  return {
    minutes: positive('minutes', values.minutes ?? '1'),
    clients: whole('clients', values.clients ?? '300', 1),
    churn: positive('churn', values.churn ?? '5'),
    feed: values.feed,
    seed: seedOf(values.seed),
  }
}

process.exitCode = await runCommand(USAGE, optionsIn, soak)
