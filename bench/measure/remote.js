import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const CONTENDER_PROCESS = fileURLToPath(new URL('./contender-process.js', import.meta.url))

/**
 * Lets a contender of a part live in a process of its own, under the flags of this one.
 *
 * @param {string} part whose `contender` makes it
 * @param {string} name
 * @param {object} facts what `contender` is to be given
 * @returns {Promise<import('./rounds.js').Contender & { end(): void }>}
 */
export async function remoteContender(part, name, facts) {
  const child = fork(CONTENDER_PROCESS, [part, JSON.stringify(facts)])
  const answer = () => new Promise((resolve, reject) => {
    const gone = (/** @type {number | null} */ code) => reject(new Error(`${part}: ${name} ended with ${code}`))
    child.once('exit', gone)
    child.once('message', (message) => {
      child.off('exit', gone)
      resolve(message)
    })
  })
  await answer()
  return {
    name,
    time(times) {
      child.send(times)
      return /** @type {Promise<number>} */ (answer())
    },
    end: () => child.disconnect(),
  }
}

/**
 * Compares contenders that live in processes of their own.
 *
 * @template TOutcome
 * @param {readonly { part: string, name: string, facts: object, isOneShot?: boolean }[]} descriptions
 * @param {(contenders: import('./rounds.js').Contender[]) => Promise<TOutcome>} compare
 */
export async function withRemotes(descriptions, compare) {
  const remotes = []
  try {
    for (const { part, name, facts, isOneShot } of descriptions) remotes.push({ ...(await remoteContender(part, name, facts)), isOneShot })
    return await compare(remotes)
  } finally {
    for (const remote of remotes) remote.end()
  }
}
