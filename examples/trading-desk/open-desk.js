import { deliveryLimits, SLOW_BYTES_PER_SECOND } from './limits.js'
import { CANDLE_SECONDS } from './market/instrument.js'
import { Market } from './market/market.js'
import { DeskServer } from './server/desk-server.js'
import { buildPages } from './server/pages.js'

/** @import { MarketSource } from './market/market.js' */
/** @import { Options } from './options.js' */

/** Who may sign in. */
export const USERS = ['alice', 'bob', 'carol']

/**
 * Opens a desk on 127.0.0.1 that trades in a market.
 *
 * @param {MarketSource} source
 * @param {Pick<Options, 'port' | 'speed' | 'trades'>} options
 */
export async function openDesk(source, { port, speed, trades }) {
  const market = new Market(source, {
    speed,
    onMessage: (message) => server.publish(message),
    onQuote: (instrument) => server.quoted(instrument),
  })
  const { instruments } = market
  const limits = { slowBytesPerSecond: SLOW_BYTES_PER_SECOND, ...deliveryLimits(trades) }
  const pageFor = await buildPages({ users: USERS, instruments, trades, candleSeconds: CANDLE_SECONDS, limits })
  const server = new DeskServer({ market, users: USERS, trades, pageFor })
  market.open()
  try {
    port = await server.listen(port)
  } catch (error) {
    market.close()
    throw error
  }
  return {
    port,
    manager: server.manager,
    async close() {
      market.close()
      return server.close()
    },
  }
}
