/** Why something was not done, in words: the server says it by a code. @type {Readonly<Record<string, string>>} */
const WORDS = {
  ERR_QUANTITY: 'Refused: the quantity must be above 0, and no more than a billion.',
  ERR_LIMIT: 'Refused: the limit must be above 0, and no more than a billion.',
  ERR_TOO_MANY_ORDERS: 'Refused: you have too many open orders.',
  ERR_NO_ORDER: 'Refused: you have no such order.',
  ERR_ORDER_OVER: 'Refused: the order is filled or cancelled already.',
  ERR_NOT_CONNECTED: 'Not sent: there is no connection.',
  ERR_DISCONNECTED: 'The connection was lost before the answer. Look whether it was done.',
}

/** @param {unknown} error of a request */
export function wordsFor(error) {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
  return WORDS[code] ?? `Refused: ${code}.`
}
