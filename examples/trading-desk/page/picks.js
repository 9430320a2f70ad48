/** @typedef {'connection' | 'user'} Scope whether a symbol is picked for one tab or for all of the user's */

const SCOPES = /** @type {const} */ (['connection', 'user'])

/** The symbols that were picked, for this tab and for all of the user's. */
export class Picks {
  /** @type {Record<Scope, Set<string>>} */
  #symbols

  /** @param {readonly string[]} own */
  constructor(own) {
    this.#symbols = { connection: new Set(own), user: new Set() }
  }

  /**
   * @param {string} symbol
   * @param {Scope} scope
   */
  has(symbol, scope) {
    return this.#symbols[scope].has(symbol)
  }

  /**
   * Whether a symbol is picked for anything that this tab belongs to.
   *
   * @param {string} symbol
   */
  areHeard(symbol) {
    return SCOPES.some((scope) => this.has(symbol, scope))
  }

  /** @param {Scope} scope */
  of(scope) {
    return [...this.#symbols[scope]]
  }

  /**
   * @param {string} symbol
   * @param {Scope} scope
   * @param {boolean} isPicked
   */
  set(symbol, scope, isPicked) {
    if (isPicked) this.#symbols[scope].add(symbol)
    else this.#symbols[scope].delete(symbol)
  }
}
