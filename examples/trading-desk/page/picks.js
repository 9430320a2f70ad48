/** @import { Scope } from '../server/command.js' */

/** @typedef {Record<Scope, readonly string[]>} Told */

/** @type {readonly Scope[]} */
const SCOPES = ['connection', 'user']
/** @type {Told} */
const NOTHING = { connection: [], user: [] }

/**
 * The symbols that were asked for, for this tab and for all of the user's: those of this page at once, before the server has
 * heard of it, and those of other tabs once the server tells of them.
 */
export class Picks {
  /** @type {Record<Scope, Set<string>>} */
  #asked
  #told = NOTHING

  /** @param {readonly string[]} own */
  constructor(own) {
    this.#asked = { connection: new Set(own), user: new Set() }
  }

  /**
   * @param {string} symbol
   * @param {Scope} scope
   */
  has(symbol, scope) {
    return this.#asked[scope].has(symbol)
  }

  /**
   * Whether anything of a symbol comes to this tab, or is about to.
   *
   * @param {string} symbol
   */
  areHeard(symbol) {
    return SCOPES.some((scope) => this.has(symbol, scope))
  }

  /** @param {Scope} scope */
  of(scope) {
    return [...this.#asked[scope]]
  }

  /**
   * @param {string} symbol
   * @param {Scope} scope
   * @param {boolean} isPicked
   */
  set(symbol, scope, isPicked) {
    if (isPicked) this.#asked[scope].add(symbol)
    else this.#asked[scope].delete(symbol)
  }

  /**
   * This is another connection, which nothing is told of yet.
   *
   * With a user's last connection all that they listened to ended, and the first one that is back asks for it again. Whoever
   * else comes back goes by what the others hear.
   *
   * @param {boolean} isFirst
   */
  reconnected(isFirst) {
    this.#told = NOTHING
    if (!isFirst) this.#asked.user.clear()
  }

  /**
   * Takes over what changed since the server told last, and answers the symbols that are heard no more.
   *
   * @param {Told} told
   */
  follow(told) {
    const before = this.#told
    this.#told = told
    for (const scope of SCOPES) {
      for (const symbol of without(told[scope], before[scope])) this.set(symbol, scope, true)
      for (const symbol of without(before[scope], told[scope])) this.set(symbol, scope, false)
    }
    return without(all(before), all(told))
  }
}

/**
 * @param {readonly string[]} symbols
 * @param {readonly string[]} others
 */
function without(symbols, others) {
  return symbols.filter((symbol) => !others.includes(symbol))
}

/** @param {Told} told */
function all(told) {
  return SCOPES.flatMap((scope) => told[scope])
}
