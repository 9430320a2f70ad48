// The library on real ws sockets for as long as one likes: clients that come and go, some of them slow, each of which checks all that
// it receives. `npm --prefix test/soak run --silent soak -- --help`
import { parseArgs } from 'node:util'
import { FeedError } from './recorded-feed.ts'
import { SoakRun, type SoakOptions } from './soak-run.ts'
import { Verdict } from './verdict.ts'

const USAGE = `Usage: npm --prefix test/soak run --silent soak -- [options]

  --minutes N    how long; fractions are allowed           (1)
  --clients C    how many at a time                        (300)
  --churn P      how many of a hundred leave in a minute   (5)
  --feed FILE    a recorded market, one message a line     (a built-in random one)
  --seed S       what the decisions are drawn from         (a new one)

Exit code: 0 everything held, 1 something did not, 2 bad usage.`

class UsageError extends Error {}

async function soak(options: SoakOptions): Promise<0 | 1> {
  const verdict = new Verdict()
  await new SoakRun(options, verdict).run()
  return verdict.conclude(commandFor(options))
}

function commandFor({ minutes, clients, churn, feed, seed }: SoakOptions): string {
  const source = feed === undefined ? '' : ` --feed ${feed}`
  return `npm --prefix test/soak run --silent soak -- --minutes ${minutes} --clients ${clients} --churn ${churn}${source} --seed ${seed}`
}

/** @throws `UsageError` */
function optionsIn(args: readonly string[]): SoakOptions | 'help' {
  const values = parsed(args)
  if (values.help === true) return 'help'
  return {
    minutes: positive('minutes', values.minutes ?? '1'),
    clients: whole('clients', values.clients ?? '300', 1),
    churn: positive('churn', values.churn ?? '5'),
    feed: values.feed,
    seed: values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : whole('seed', values.seed, 0),
  }
}

function parsed(args: readonly string[]) {
  const text = { type: 'string' } as const
  try {
    const options = { minutes: text, clients: text, churn: text, feed: text, seed: text, help: { type: 'boolean' } } as const
    return parseArgs({ args: [...args], options }).values
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function positive(name: string, value: string): number {
  const number = Number(value)
  if (value.trim() !== '' && number > 0 && number < Infinity) return number
  throw new UsageError(`--${name} must be a number above 0, not ${JSON.stringify(value)}`)
}

function whole(name: string, value: string, least: number): number {
  if (/^\d{1,10}$/.test(value) && Number(value) >= least) return Number(value)
  throw new UsageError(`--${name} must be a whole number, ${least} or more, not ${JSON.stringify(value)}`)
}

async function main(): Promise<number> {
  try {
    const options = optionsIn(process.argv.slice(2))
    if (options !== 'help') return await soak(options)
    console.log(USAGE)
    return 0
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof FeedError)) throw error
    console.error(`${error.message}\n\n${USAGE}`)
    return 2
  }
}

process.exitCode = await main()
