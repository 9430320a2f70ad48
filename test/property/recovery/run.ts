import { endProgress, newSeed, readCommandLine, showProgress, wholeNumber } from '../../support/command-line.ts'
import { play, shrunk, stepsOf } from './round.ts'

const STEPS_PER_ROUND = 500

const USAGE = `Usage: npm run recovery -- [options]

  --steps N   steps in all (60 000); ${STEPS_PER_ROUND} of them share a server
  --seed S    the seed of the first ${STEPS_PER_ROUND} steps, which every run prints (random)
  --help

Random histories of a manager with a recovery, beside a plain list of all messages. Exits with 1 if a client is told what is not true.`

const { seed, steps } = readCommandLine(USAGE, { steps: { type: 'string' }, seed: { type: 'string' } }, (values) => ({
  steps: wholeNumber(values, 'steps', 60_000, 1),
  seed: wholeNumber(values, 'seed', newSeed()),
}))

const totals: Record<string, number> = {}

/** Plays one round. False if it shows a fault, which is printed then. */
async function isSound(roundSeed: number, count: number): Promise<boolean> {
  const operations = stepsOf(roundSeed, count)
  const outcome = await play(roundSeed, operations)
  for (const [name, number] of Object.entries(outcome.tally)) totals[name] = (totals[name] ?? 0) + number
  if (outcome.fault === undefined) return true
  endProgress()
  const least = await shrunk(roundSeed, operations.slice(0, outcome.steps), outcome.fault)
  const { fault, trace } = await play(roundSeed, least, true)
  console.log(`${trace.join('\n')}\n\n${least.length} of ${outcome.steps} steps\nFAULT  ${outcome.fault}${fault === outcome.fault ? '' : `\n  or   ${String(fault)}`}`)
  console.log(`  again: npm run recovery -- --seed ${roundSeed} --steps ${outcome.steps}`)
  return false
}

const startedAt = performance.now()
let done = 0
let hasFault = false
for (let round = 0; done < steps && !hasFault; round++) {
  const count = Math.min(STEPS_PER_ROUND, steps - done)
  hasFault = !(await isSound(seed + round, count))
  done += count
  showProgress(`${done} steps`)
}
endProgress()
const seconds = (performance.now() - startedAt) / 1_000
const facts = Object.entries(totals).sort().map(([name, count]) => `${name} ${count}`).join(', ')
console.log(`seed ${seed}: ${done} steps in ${seconds.toFixed(1)} s; ${facts}`)
console.log(hasFault ? 'a fault' : 'ok')
process.exitCode = hasFault ? 1 : 0
