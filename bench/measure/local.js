import { counted } from '../contenders/sockets.js'
import { cpuMicroseconds } from './cpu.js'

/**
 * Makes a contender of something that brings each socket so many messages each time.
 *
 * @param {string} name
 * @param {readonly import('../contenders/sockets.js').CountingSocket[]} sockets
 * @param {(times: number) => void} run
 * @param {number} [messagesEach]
 * @returns {import('./rounds.js').Contender}
 */
export function deliverer(name, sockets, run, messagesEach = 1) {
  return {
    name,
    time: (times) => counted(name, sockets, times * messagesEach, () => cpuMicroseconds(() => run(times))),
  }
}
