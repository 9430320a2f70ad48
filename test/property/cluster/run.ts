import { endProgress, newSeed, readCommandLine, showProgress, wholeNumber } from '../../support/command-line.ts'
import { Dice } from '../../support/dice.ts'
import { play, shrunk } from './round.ts'
import { scheduleOf } from './schedule.ts'

const USAGE = `Usage: npm run simulate -- [options]

  --seed S      the first seed (random)
  --seeds N     how many seeds, one run each (200)
  --actions N   how many actions a run has (120)
  --help

A cluster of real managers on a simulated clock and a simulated broker. Exits with 1 if a client loses a
message in silence or gets one twice, or if a revocation, presence or demand is wrong in the end.`

const { seed, seeds, actions } = readCommandLine(USAGE, { seed: { type: 'string' }, seeds: { type: 'string' }, actions: { type: 'string' } }, (values) => ({
  seed: wholeNumber(values, 'seed', newSeed()),
  seeds: wholeNumber(values, 'seeds', 200, 1),
  actions: wholeNumber(values, 'actions', 120, 1),
}))

const totals: Record<string, number> = {}

/** Plays one seed. False if it shows a fault, which is printed then. */
async function isSound(each: number): Promise<boolean> {
  const schedule = scheduleOf(new Dice(each), actions)
  const { fault, tally } = await play(each, schedule)
  for (const [name, count] of Object.entries(tally)) totals[name] = (totals[name] ?? 0) + count
  if (fault === undefined) return true
  endProgress()
  const least = await shrunk(each, schedule)
  const outcome = await play(each, least)
  console.log(`${outcome.trace.join('\n')}\n\n${least.length} of ${schedule.length} actions\nFAULT ${String(outcome.fault)}`)
  console.log(`  again: npm run simulate -- --seed ${each} --seeds 1 --actions ${actions}`)
  return false
}

const startedAt = performance.now()
let done = 0
let hasFault = false
for (; done < seeds && !hasFault; done++) {
  hasFault = !(await isSound(seed + done))
  showProgress(`${done} seeds`)
}
endProgress()
const facts = Object.entries(totals).sort().map(([name, count]) => `${name} ${count}`).join(', ')
console.log(`seed ${seed}: ${done} seeds in ${((performance.now() - startedAt) / 1_000).toFixed(1)} s; ${facts}`)
console.log(hasFault ? 'a fault' : 'ok')
process.exitCode = hasFault ? 1 : 0
