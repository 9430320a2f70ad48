import { putInto, takeOutOf } from './bug.js'

/** @typedef {import('./bug.js').Bug} Bug */
/** @typedef {{ suite: string, by: string | undefined }} Verdict what of a suite noticed a bug, if anything did */
/** @typedef {{ problem?: string, verdicts: Verdict[] }} Outcome */

/**
 * Tries bugs against suites.
 *
 * A suite that fails without any bug would prove nothing by failing with one: each is tried on a clean tree before it is asked.
 */
export class Trial {
  #suites
  #trees
  #reliable = new Set()

  /** @param trees two copies of the project: `changed` to put bugs into, `clean` to leave as it is */
  constructor(suites, trees) {
    this.#suites = suites
    this.#trees = trees
  }

  /** @returns {Promise<Outcome>} what the suites made of a bug, up to the first that noticed it or all of them */
  async of(/** @type {Bug} */ bug, { byEachSuite = false } = {}) {
    const problem = putInto(this.#trees.changed, bug)
    if (problem !== undefined) return { problem, verdicts: [] }
    try {
      return { verdicts: await this.#verdictsOn(bug, byEachSuite) }
    } finally {
      takeOutOf(this.#trees.changed, bug)
    }
  }

  async #verdictsOn({ files }, byEachSuite) {
    const verdicts = []
    for (const suite of this.#suites) {
      await this.#assertReliable(suite)
      const notice = await suite.run(this.#trees.changed, files)
      verdicts.push({ suite: suite.name, by: notice?.by })
      if (notice !== undefined && !byEachSuite) break
    }
    return verdicts
  }

  async #assertReliable(suite) {
    if (this.#reliable.has(suite)) return
    const notice = await suite.run(this.#trees.clean, [])
    if (notice !== undefined) throw new Error(`The suite "${suite.name}" fails without a bug: ${notice.by}`)
    this.#reliable.add(suite)
  }
}

/** Whether a bug was noticed, and a text that says by what. */
export function reportOf(/** @type {Bug} */ { name, sentence }, /** @type {Outcome} */ { problem, verdicts }, { byEachSuite = false } = {}) {
  if (problem !== undefined) return { isKilled: false, text: `PROBLEM   ${name}: ${problem}` }
  const killer = verdicts.find(({ by }) => by !== undefined)
  if (killer === undefined) return { isKilled: false, text: `SURVIVED  ${name}: ${sentence}` }
  const each = verdicts.map(({ suite, by }) => `\n            ${suite}: ${by ?? 'not noticed'}`)
  return { isKilled: true, text: `killed    ${name}${byEachSuite ? each.join('') : ` by ${killer.suite}: ${killer.by}`}` }
}

/** Tries each bug, and tells what became of it. @returns {Promise<boolean>} whether all were noticed */
export async function tryAll(/** @type {Bug[]} */ bugs, /** @type {Trial} */ trial, tell, options = {}) {
  let survivors = 0
  for (const bug of bugs) {
    const startedAtMs = performance.now()
    const { isKilled, text } = reportOf(bug, await trial.of(bug, options), options)
    tell(`${text} (${((performance.now() - startedAtMs) / 1_000).toFixed(1)} s)`)
    if (!isKilled) survivors++
  }
  tell(`${bugs.length} bugs: ${bugs.length - survivors} killed, ${survivors} survived`)
  return survivors === 0
}
