import { readFileSync } from 'node:fs'
import { endProgress, newSeed, readCommandLine, showProgress, wholeNumber } from '../../support/command-line.ts'
import { grammarIn } from './grammar.ts'
import { play } from './round.ts'

const STEPS_PER_ROUND = 200

const USAGE = `Usage: npm run protocol -- [options]

  --steps N   steps in all (20 000); ${STEPS_PER_ROUND} of them share a server
  --seed S    the seed of the first ${STEPS_PER_ROUND} steps, which every run prints (random)
  --help

Commands made from the grammar of docs/protocol.md, valid and broken, for a command server. Exits with 1 if a frame is not of the grammar, if a command has not
exactly one answer, in order, or if what a client was told is not true.`

const { seed, steps } = readCommandLine(USAGE, { steps: { type: 'string' }, seed: { type: 'string' } }, (values) => ({
  steps: wholeNumber(values, 'steps', 20_000, 1),
  seed: wholeNumber(values, 'seed', newSeed()),
}))

const grammar = grammarIn(readFileSync(new URL('../../../docs/protocol.md', import.meta.url), 'utf8'))
const startedAt = performance.now()
const totals = { texts: 0, frames: 0 }
let done = 0
let hasFault = false
for (let round = 0; done < steps && !hasFault; round++) {
  const count = Math.min(STEPS_PER_ROUND, steps - done)
  const { fault, texts, frames } = await play(grammar, seed + round, count)
  totals.texts += texts
  totals.frames += frames
  done += count
  showProgress(`${done} steps`)
  if (fault === undefined) continue
  hasFault = true
  endProgress()
  console.log(`FAULT  ${fault}\n  again: npm run protocol -- --seed ${seed + round} --steps ${count}`)
}
endProgress()
const seconds = (performance.now() - startedAt) / 1_000
console.log(`seed ${seed}: ${done} steps in ${seconds.toFixed(1)} s; ${totals.texts} texts, ${totals.frames} frames`)
console.log(hasFault ? 'a fault' : 'ok')
process.exitCode = hasFault ? 1 : 0
