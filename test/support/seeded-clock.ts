import type { ClientClock } from '../../src/client/index.ts'
import type { Dice } from './dice.ts'

/** A clock for `createClient` in real time, whose random numbers come from the dice. Its timers keep the process alive. */
export function seededClock(dice: Dice): ClientClock {
  return {
    monotonic: () => performance.now(),
    random: () => dice.between(0, 1),
    setTimeout(fn, ms) {
      const timer = setTimeout(fn, ms)
      return () => clearTimeout(timer)
    },
  }
}
