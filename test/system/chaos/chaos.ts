// The client, the protocol and the recovery on real ws while networks and servers fail. `npm run chaos -- --help`
import { newSeed, positiveNumber, readCommandLine, textOf, UsageError, wholeNumber, type Values } from '../../support/command-line.ts'
import { Verdict } from '../soak/verdict.ts'
import { BUGS } from './bugs.ts'
import { ChaosRun, type ChaosOptions } from './chaos-run.ts'

const USAGE = `Usage: npm run chaos -- [options]

  --clients C           clients, in two processes                        (200)
  --seconds N           how long the disturbances go on                  (60)
  --without-recovery    the server keeps no history: each reconnect has to be told as a gap
  --inject BUG          builds a bug into the client, which has to be noticed:
                        ${Object.keys(BUGS).join(', ')}
  --seed S              the seed of all decisions                        (random)

Each kind of disturbance comes once at least, however short the run is.
Exit code: 0 if all checks passed, 1 if one failed, 2 on invalid options.`

/** A run that hangs ends as a failure. */
const GRACE_MS = 240_000

function optionsIn(values: Values): ChaosOptions {
  const bug = textOf(values, 'inject')
  if (bug !== undefined && !Object.hasOwn(BUGS, bug)) throw new UsageError(`--inject must be one of ${Object.keys(BUGS).join(', ')}, got ${bug}`)
  return {
    clients: wholeNumber(values, 'clients', 200, 12),
    seconds: positiveNumber(values, 'seconds', 60),
    seed: wholeNumber(values, 'seed', newSeed()),
    hasRecovery: values['without-recovery'] !== true,
    bug,
  }
}

function commandFor({ clients, seconds, seed, hasRecovery, bug }: ChaosOptions): string {
  const flags = [hasRecovery ? '' : ' --without-recovery', bug === undefined ? '' : ` --inject ${bug}`].join('')
  return `npm run chaos -- --clients ${clients} --seconds ${seconds}${flags} --seed ${seed}`
}

const TEXT = { type: 'string' } as const
const FLAGS = { 'clients': TEXT, 'seconds': TEXT, 'seed': TEXT, 'inject': TEXT, 'without-recovery': { type: 'boolean' } } as const

const options = readCommandLine(USAGE, FLAGS, optionsIn)
const verdict = new Verdict()
verdict.note(`chaos: ${commandFor(options)}\n`)
setTimeout(() => {
  console.error('The run hangs.')
  process.exit(1)
}, options.seconds * 1_000 + GRACE_MS).unref()
await ChaosRun.run(options, verdict)
process.exit(verdict.conclude(commandFor(options)))
