import { Dice } from '../../support/dice.ts'
import { operationsFor, type Operation } from './operations.ts'
import { Performer } from './performer.ts'
import { settingsFrom } from './settings.ts'
import { World } from './world.ts'

/** What became of a round. */
export interface Outcome {
  readonly fault: string | undefined
  /** How many steps it took until the fault. */
  readonly steps: number
  readonly trace: readonly string[]
  readonly tally: Readonly<Record<string, number>>
}

/** The steps of a round. Fewer steps of the same seed are the first ones of more. */
export function stepsOf(seed: number, count: number): Operation[] {
  return operationsFor(new Dice(seed), count)
}

/** Performs these steps with the settings of the seed. The ends of turns come when the steps say. */
export async function play(seed: number, steps: readonly Operation[], isTraced = false): Promise<Outcome> {
  const endsOfTick: (() => void)[] = []
  const { setImmediate } = globalThis
  globalThis.setImmediate = ((act: () => void) => endsOfTick.push(act)) as unknown as typeof setImmediate
  const world = new World(settingsFrom(new Dice(seed ^ 0x5eed)), isTraced)
  const performer = new Performer(world, endsOfTick)
  let done = 0
  try {
    for (const step of steps) {
      done++
      performer.perform(step)
      if (world.fault !== undefined) break
    }
    if (world.fault === undefined) await performer.finish()
  } catch (error) {
    world.complain(`something throws: ${String((error as Error).stack)}`)
  } finally {
    globalThis.setImmediate = setImmediate
  }
  return { fault: world.fault, steps: done, trace: [`settings ${JSON.stringify(world.settings)}`, ...(world.trace ?? [])], tally: world.tally }
}

const MOST_TRIES = 3_000

/** Leaves out steps as long as there is a fault of the same kind. */
export async function shrunk(seed: number, steps: readonly Operation[], fault: string): Promise<Operation[]> {
  let kept = [...steps]
  let tries = 0
  for (let size = kept.length >> 1; size >= 1 && tries < MOST_TRIES; size >>= 1) {
    for (let from = kept.length - size; from >= 0 && tries < MOST_TRIES; from -= size) {
      const fewer = [...kept.slice(0, from), ...kept.slice(from + size)]
      const outcome = await play(seed, fewer)
      tries++
      if (outcome.fault !== undefined && kindOf(outcome.fault) === kindOf(fault)) kept = fewer.slice(0, outcome.steps)
      from = Math.min(from, kept.length)
    }
  }
  return kept
}

/** The words of a fault, without the names and numbers. */
function kindOf(fault: string): string {
  return fault.split('\n', 1)[0]?.replace(/\bc\d\b|\be\d+\b|\d+|\b[A-Z]+\b( [ABC]\b)?|[,.:]/g, '').replaceAll(/\s+/g, ' ') ?? ''
}
