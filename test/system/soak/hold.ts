// The library by the million, in process: `npm --prefix test/system/soak run --silent hold -- --help`
import { newSeed, readCommandLine, wholeNumber, type Values } from '../../support/command-line.ts'
import { Dice } from '../../support/dice.ts'
import { ChurnCycles } from './churn-cycles.ts'
import { checkCollectability } from './collectability.ts'
import { HeldCrowd } from './held-crowd.ts'
import { Verdict } from './verdict.ts'

const USAGE = `Usage: npm --prefix test/system/soak run --silent hold -- [options]

  --connections N   connections that are held at once      (1000000)
  --cycles M        connections that are added and removed (10000000)
  --quick           50000 and 200000, unless given
  --seed S          the seed of all random decisions       (random)

Exit code: 0 if all checks passed, 1 if one failed, 2 on invalid options.`

const WARM_UP = 20_000
/** Fewer cycles would not use each order of removal once. */
const FEWEST_CYCLES = 1_000

interface Options {
  readonly connections: number
  readonly cycles: number
  readonly seed: number
}

async function hold({ connections, cycles, seed }: Options): Promise<0 | 1> {
  const verdict = new Verdict()
  verdict.note(`hold: ${connections} connections, ${cycles} cycles, seed ${seed}\n`)
  await warmUp()
  await checkCollectability(verdict)
  verdict.note('')
  await new HeldCrowd(connections, new Dice(seed), verdict).run()
  verdict.note('')
  await new ChurnCycles(cycles, new Dice(seed + 1), verdict).run()
  return verdict.conclude(`npm --prefix test/system/soak run --silent hold -- --connections ${connections} --cycles ${cycles} --seed ${seed}`)
}

/** Lets all code run once, so that what the runtime makes of it is not taken for what the library keeps. */
async function warmUp(): Promise<void> {
  const unheard = new Verdict(() => {})
  await new HeldCrowd(WARM_UP, new Dice(0), unheard).run()
  await new ChurnCycles(WARM_UP, new Dice(0), unheard).run()
}

const [TEXT, FLAG] = [{ type: 'string' }, { type: 'boolean' }] as const

function optionsIn(values: Values): Options {
  const isQuick = values['quick'] === true
  return {
    connections: wholeNumber(values, 'connections', isQuick ? 50_000 : 1_000_000, 1),
    cycles: wholeNumber(values, 'cycles', isQuick ? 200_000 : 10_000_000, FEWEST_CYCLES),
    seed: wholeNumber(values, 'seed', newSeed()),
  }
}

process.exitCode = await hold(readCommandLine(USAGE, { connections: TEXT, cycles: TEXT, quick: FLAG, seed: TEXT }, optionsIn))
