import { interleaved, joined } from './rounds.js'

/**
 * How much time a comparison over several populations may take.
 *
 * @typedef {import('./rounds.js').Effort & { populations: number, warmUpMs?: number }} PopulationsEffort
 */

/** Long enough for the engine to have compiled a loop for good. */
const WARM_UP_MS = 15

/**
 * Compares contenders over several populations, each built anew: how one of them lies in memory is luck.
 *
 * One that does not count comes before. An engine that has seen a single population compiles its sockets and texts in as constants, which
 * no server's are; and whoever is built first may lie better in memory, so that is taken in turns.
 *
 * @param {PopulationsEffort} effort
 * @param {(isWarmUp: boolean) => import('./rounds.js').Contender[] | Promise<import('./rounds.js').Contender[]>} contendersOf a new population
 * @returns {Promise<Record<string, number[]>>} the rounds of all that count
 */
export async function overPopulations({ populations, warmUpMs = WARM_UP_MS, ...effort }, contendersOf) {
  await interleaved(await contendersOf(true), { rounds: 1, roundMs: warmUpMs })
  const all = []
  for (let i = 0; i < populations; i++) {
    const contenders = await contendersOf(false)
    all.push(await interleaved(i % 2 === 0 ? contenders : contenders.toReversed(), effort))
  }
  return joined(all)
}
