// The library by the million, in process: `npm --prefix test/soak run --silent hold -- --help`
import { parseArgs } from 'node:util'
import { ChurnCycles } from './churn-cycles.ts'
import { checkCollectability } from './collectability.ts'
import { Dice } from './dice.ts'
import { HeldCrowd } from './held-crowd.ts'
import { Verdict } from './verdict.ts'

const USAGE = `Usage: npm --prefix test/soak run --silent hold -- [options]

  --connections N   how many are held at once              (1000000)
  --cycles M        how many come and go                   (10000000)
  --quick           50000 and 200000, unless they are given
  --seed S          what the decisions are drawn from      (a new one)

Exit code: 0 everything held, 1 something did not, 2 bad usage.`

const WARM_UP = 20_000
/** Fewer would not make a round of each order of leaving. */
const FEWEST_CYCLES = 1_000

interface Options {
  readonly connections: number
  readonly cycles: number
  readonly seed: number
}

class UsageError extends Error {}

async function hold({ connections, cycles, seed }: Options): Promise<0 | 1> {
  const verdict = new Verdict()
  verdict.note(`hold: ${connections} connections, ${cycles} cycles, seed ${seed}\n`)
  await warmUp()
  await checkCollectability(verdict)
  verdict.note('')
  await new HeldCrowd(connections, new Dice(seed), verdict).run()
  verdict.note('')
  await new ChurnCycles(cycles, new Dice(seed + 1), verdict).run()
  return verdict.conclude(`npm --prefix test/soak run --silent hold -- --connections ${connections} --cycles ${cycles} --seed ${seed}`)
}

/** Lets all code run once, so that what the runtime makes of it is not taken for what the library keeps. */
async function warmUp(): Promise<void> {
  const unheard = new Verdict(() => {})
  await new HeldCrowd(WARM_UP, new Dice(0), unheard).run()
  await new ChurnCycles(WARM_UP, new Dice(0), unheard).run()
}

/** @throws `UsageError` */
function optionsIn(args: readonly string[]): Options | 'help' {
  const { connections, cycles, quick, seed, help } = parsed(args)
  if (help === true) return 'help'
  return {
    connections: whole('connections', connections ?? (quick === true ? '50000' : '1000000'), 1),
    cycles: whole('cycles', cycles ?? (quick === true ? '200000' : '10000000'), FEWEST_CYCLES),
    seed: seed === undefined ? Math.floor(Math.random() * 2 ** 31) : whole('seed', seed, 0),
  }
}

function parsed(args: readonly string[]) {
  const [text, flag] = [{ type: 'string' }, { type: 'boolean' }] as const
  try {
    return parseArgs({ args: [...args], options: { connections: text, cycles: text, quick: flag, seed: text, help: flag } }).values
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function whole(name: string, value: string, least: number): number {
  if (/^\d{1,10}$/.test(value) && Number(value) >= least) return Number(value)
  throw new UsageError(`--${name} must be a whole number, ${least} or more, not ${JSON.stringify(value)}`)
}

async function main(): Promise<number> {
  try {
    const options = optionsIn(process.argv.slice(2))
    if (options !== 'help') return await hold(options)
    console.log(USAGE)
    return 0
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    console.error(`${error.message}\n\n${USAGE}`)
    return 2
  }
}

process.exitCode = await main()
