import { Dice } from '../../support/dice.ts'
import type { Action } from './schedule.ts'
import { settingsFrom, World } from './world.ts'

/** What became of a run. */
export interface Outcome {
  readonly fault: string | undefined
  readonly trace: readonly string[]
  readonly tally: Readonly<Record<string, number>>
}

/** Plays a schedule with the settings of a seed. */
export async function play(seed: number, schedule: readonly Action[]): Promise<Outcome> {
  const settings = settingsFrom(new Dice(seed ^ 0x5eed))
  const world = new World(settings, seed)
  world.trace.push(JSON.stringify(settings))
  let thrown: string | undefined
  try {
    await world.start()
    for (const action of schedule) await world.perform(action)
    await world.finish()
  } catch (error) {
    thrown = `something throws: ${String((error as Error).stack)}`
  }
  const [first] = world.audit.report().faults
  return { fault: thrown ?? (first && JSON.stringify(first)) ?? world.objections[0], trace: world.trace, tally: world.tally }
}

const MOST_TRIES = 2_000

/** Leaves out actions as long as there is a fault. */
export async function shrunk(seed: number, schedule: readonly Action[]): Promise<Action[]> {
  let kept = [...schedule]
  let tries = 0
  for (let size = kept.length >> 1; size >= 1; size >>= 1) {
    for (let from = kept.length - size; from >= 0 && tries < MOST_TRIES; from -= size) {
      const fewer = [...kept.slice(0, from), ...kept.slice(from + size)]
      tries++
      if ((await play(seed, fewer)).fault !== undefined) kept = fewer
    }
  }
  return kept
}
