import { Refusal } from '../refusal.js'

/** @import { Exchange } from './exchange.js' */

/**
 * What a node calls, whether it is in this process or in another.
 *
 * @typedef {typeof METHODS[number]} Method
 *
 * @typedef {{ [TName in Method]: (...args: Parameters<Exchange[TName]>) => ReturnType<Exchange[TName]> | Promise<ReturnType<Exchange[TName]>> }} Calls
 *
 * @typedef {object} Port the way to another process. The bus of the cluster uses it too, and ignores these messages, as these ignore the bus's
 * @property {(message: object, done: (error: Error | null) => void) => unknown} send
 * @property {(event: 'message', listener: (message: any) => void) => unknown} on
 */

const METHODS = /** @type {const} */ ([
  'place', 'cancel', 'ordersOf', 'picksOf', 'pick', 'tabsOf', 'tabsChanged', 'departed', 'historyOf', 'feedStatusOf', 'setFeed', 'endNode',
  'abandon', 'usersLeft', 'drainProceeds',
])

/**
 * Lets a node in another process call the exchange.
 *
 * @param {Port} port
 * @param {Calls} exchange
 */
export function serveCalls(port, exchange) {
  port.on('message', async ({ call, method, args }) => {
    if (call === undefined) return
    send(port, { answer: call, ...await outcomeOf(() => Reflect.apply(exchange[/** @type {Method} */ (method)], exchange, args)) })
  })
}

/**
 * The exchange that another process serves.
 *
 * @param {Port} port
 * @returns {Calls}
 */
export function callsTo(port) {
  /** @type {Map<number, (outcome: { value?: any, code?: string }) => void>} */
  const open = new Map()
  let calls = 0
  port.on('message', ({ answer, ...outcome }) => {
    open.get(answer)?.(outcome)
    open.delete(answer)
  })
  /** @param {Method} method */
  const caller = (method) => async (/** @type {unknown[]} */ ...args) => {
    const call = ++calls
    const { value, code } = await new Promise((resolve) => {
      open.set(call, resolve)
      send(port, { call, method, args })
    })
    if (code === undefined) return value
    throw new Refusal(code)
  }
  return /** @type {any} */ (Object.fromEntries(METHODS.map((method) => [method, caller(method)])))
}

/** @param {() => unknown} act */
async function outcomeOf(act) {
  try {
    return { value: await act() }
  } catch (error) {
    if (error instanceof Refusal) return { code: error.code }
    console.error('The exchange failed:', error)
    return { code: 'ERR_FAILED' }
  }
}

/**
 * @param {Port} port
 * @param {object} message
 */
function send(port, message) {
  // The other side may have gone: then nobody waits for it.
  port.send(message, () => {})
}
