/**
 * Whoever takes part in a comparison.
 *
 * @typedef {object} Contender
 * @property {string} name
 * @property {(times: number) => number | Promise<number>} time does it so many times, sees that all was done, and returns microseconds
 * @property {boolean} [isOneShot] does it once a round, however long that takes
 */

/**
 * How much time a comparison may take.
 *
 * @typedef {object} Effort
 * @property {number} rounds
 * @property {number} roundMs what a contender should take in a round
 */

const MOST_TIMES = 1 << 24
const LEAST_MICROSECONDS = 1e-4
const MOST_WARM_UPS = 12
const WARM_AFTER = 2
const CLEARLY_FASTER = 0.85

/**
 * Returns the microseconds that each contender takes for one time, round by round. Every contender has its turn in every round, and each
 * round begins with another one.
 *
 * @param {readonly Contender[]} contenders
 * @param {Effort} effort
 * @returns {Promise<Record<string, number[]>>} by name
 */
export async function interleaved(contenders, { rounds, roundMs }) {
  const times = []
  for (const contender of contenders) times.push(await timesFor(contender, roundMs))
  /** @type {Record<string, number[]>} */
  const costs = Object.fromEntries(contenders.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const turn of contenders.keys()) {
      const i = (round + turn) % contenders.length
      costs[contenders[i].name].push((await contenders[i].time(times[i])) / times[i])
    }
  }
  return costs
}

/** How often a contender has to do it to fill a round, once it does not get faster any more. */
async function timesFor(/** @type {Contender} */ { time, isOneShot }, /** @type {number} */ roundMs) {
  if (isOneShot) return 1
  let times = 1
  while (times < MOST_TIMES && (await time(times)) < roundMs * 500) times *= 2
  const microseconds = await warmedUp(async () => (await time(times)) / times)
  return Math.max(1, Math.round((roundMs * 1_000) / Math.max(microseconds, LEAST_MICROSECONDS)))
}

/** Does it until it is not clearly faster than before, several times in a row, and returns its least microseconds. */
async function warmedUp(/** @type {() => Promise<number>} */ once) {
  let least = Infinity
  for (let tries = 0, idle = 0; tries < MOST_WARM_UPS && idle < WARM_AFTER; tries++) {
    const microseconds = await once()
    idle = microseconds > least * CLEARLY_FASTER ? idle + 1 : 0
    least = Math.min(least, microseconds)
  }
  return least
}

/**
 * Joins the rounds of several populations.
 *
 * @param {readonly Record<string, number[]>[]} all
 * @returns {Record<string, number[]>}
 */
export function joined(all) {
  return Object.fromEntries(Object.keys(all[0]).map((name) => [name, all.flatMap((costs) => costs[name])]))
}
