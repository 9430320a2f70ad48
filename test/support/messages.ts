/** A public message; `data` distinguishes it from others. */
export function price(data: unknown = 'price', symbol = 'BTCUSDT') {
  return { streamType: 'PRICE', symbol, data } as const
}

/** A private message for a user. */
export function order(userId: string, data: unknown = 'order', symbol?: string) {
  return { streamType: 'ORDER_UPDATES', symbol, userId, data } as const
}

export const PRICE = { streamType: 'PRICE', symbol: 'BTCUSDT' } as const
export const ORDERS = { streamType: 'ORDER_UPDATES' } as const
export const BTC_ORDERS = { streamType: 'ORDER_UPDATES', symbol: 'BTCUSDT' } as const
