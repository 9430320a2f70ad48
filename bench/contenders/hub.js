/**
 * What every peer can do, each by its own code: connections that subscribe to streams, and texts that go to the subscribers.
 *
 * @template TMember
 * @typedef {object} Hub
 * @property {(newcomer: import('./population.js').Newcomer) => TMember} join
 * @property {(member: TMember, symbols: readonly string[]) => void} subscribe
 * @property {(member: TMember) => void} leave with all that it subscribed to
 * @property {(symbol: string, text: string) => void} publish
 */
export {}
