import { assertEachReceived } from './sockets.js'

const STRIDE = 7_919
/** After so many the loop turns, as it does in a server: what was promised is settled. */
const TURN = 100

/**
 * Connections of a hub that come and go, one after the other, all over the population.
 *
 * @template TMember
 */
export class Churner {
  #hub
  #newcomers
  #symbolsOf
  #members
  #next = 0
  /** Those who are to get a message of a stream, for the streams that were verified. */
  #subscribers = new Map()

  /**
   * @param {import('./hub.js').Hub<TMember>} hub
   * @param {readonly import('./population.js').Newcomer[]} newcomers
   * @param {(n: number) => readonly string[]} symbolsOf what the n-th one subscribes to
   */
  constructor(hub, newcomers, symbolsOf) {
    this.#hub = hub
    this.#newcomers = newcomers
    this.#symbolsOf = symbolsOf
    this.#members = newcomers.map((newcomer) => hub.join(newcomer))
    for (const [n, member] of this.#members.entries()) hub.subscribe(member, symbolsOf(n))
  }

  /** One leaves, comes again, and subscribes to all that it had. */
  churn() {
    const n = this.#next
    this.#next = (n + STRIDE) % this.#newcomers.length
    this.#hub.leave(this.#members[n])
    const member = this.#hub.join(this.#newcomers[n])
    this.#members[n] = member
    this.#hub.subscribe(member, this.#symbolsOf(n))
  }

  /**
   * Sees that exactly the subscribers of a stream get a message.
   *
   * @param {string} name of whom to blame
   * @param {string} symbol
   */
  verify(name, symbol) {
    const subscribed = this.#subscribed(symbol)
    for (const { socket } of this.#newcomers) socket.received = 0
    this.#hub.publish(symbol, 'x')
    assertEachReceived(name, subscribed, 1)
    const received = this.#newcomers.reduce((sum, { socket }) => sum + socket.received, 0)
    if (received !== subscribed.length) throw new Error(`${name}: ${received} got the message instead of ${subscribed.length}`)
  }

  #subscribed(symbol) {
    let sockets = this.#subscribers.get(symbol)
    if (sockets === undefined) {
      sockets = this.#newcomers.filter((_, n) => this.#symbolsOf(n).includes(symbol)).map(({ socket }) => socket)
      this.#subscribers.set(symbol, sockets)
    }
    return sockets
  }
}

/** Does something so many times, and lets the event loop turn now and then. */
export async function inTurns(/** @type {number} */ times, /** @type {(i: number) => void} */ act) {
  for (let i = 0; i < times; i++) {
    act(i)
    if (i % TURN === TURN - 1) await new Promise((resolve) => setImmediate(resolve))
  }
  await new Promise((resolve) => setImmediate(resolve))
}
