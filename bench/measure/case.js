import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const CASE_PROCESS = fileURLToPath(new URL('./case-process.js', import.meta.url))
const FLAGS = ['--expose-gc', '--max-old-space-size=12000']

/**
 * Measures a case of a part in a process of its own.
 *
 * @param {string} part
 * @param {object} facts what the part's `measure` is to be given
 * @param {readonly string[]} [flags] more of Node's
 * @returns {Promise<any>} what it answered
 */
export function measuredCase(part, facts, flags = []) {
  const child = fork(CASE_PROCESS, [part, JSON.stringify(facts)], { execArgv: [...FLAGS, ...flags] })
  return new Promise((resolve, reject) => {
    /** @type {unknown} */
    let outcome
    child.on('message', (message) => { outcome = message })
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      if (code === 0 && outcome !== undefined) resolve(outcome)
      else reject(new Error(`${part} ${JSON.stringify(facts)} ended with ${signal ?? code} and no outcome`))
    })
  })
}
