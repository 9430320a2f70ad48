/**
 * The stream types of the default catalogue. Each value equals its name.
 *
 * `PRICE`, `ORDERBOOK` and `TRADES` are public, and a symbol is required. `USER_DATA`, `BOT_STATUS`, `RISK_ALERTS` and `ORDER_UPDATES` are
 * private, and a symbol is optional.
 */
export const StreamType: { readonly [TName in StreamType]: TName } = /* @__PURE__ */ Object.freeze({
  PRICE: 'PRICE',
  ORDERBOOK: 'ORDERBOOK',
  TRADES: 'TRADES',
  USER_DATA: 'USER_DATA',
  BOT_STATUS: 'BOT_STATUS',
  RISK_ALERTS: 'RISK_ALERTS',
  ORDER_UPDATES: 'ORDER_UPDATES',
})

export type StreamType =
  | 'PRICE'
  | 'ORDERBOOK'
  | 'TRADES'
  | 'USER_DATA'
  | 'BOT_STATUS'
  | 'RISK_ALERTS'
  | 'ORDER_UPDATES'
