import { book, books, orders, price, prices, trade, trades } from './messages.ts'
import type { Trial } from './trial.ts'

/** Each client that connects becomes a connection of its user, with its own subscriptions. */
export async function registers(trial: Trial): Promise<void> {
  const host = await trial.start()
  await host.hasRightCounts()
  await host.connectWithoutMarker('alice')
  await host.hasRightCounts()
  await host.connectWithoutMarker('alice', prices('BTCUSDT'), orders())
  await host.hasRightCounts()
  await host.connectWithoutMarker('bob', prices('BTCUSDT'), orders('BTCUSDT'))
  await host.hasRightCounts()
}

/** A client gets the streams that it subscribed to, by type and symbol, and no others. */
export async function subscribes(trial: Trial): Promise<void> {
  const host = await trial.start()
  await host.connect('alice', prices('BTCUSDT'), prices('ETHUSDT'), trades('BTCUSDT'))
  await host.connect('bob', prices('ETHUSDT'))
  await host.connect('carol')
  for (const symbol of ['BTCUSDT', 'ETHUSDT', 'SOLUSDT', 'btcusdt']) {
    await host.publish(price(symbol, 1), trade(symbol, 2), book(symbol, 3))
  }
  await host.delivers()
}

/** A message that is published right after `connect` has resolved reaches the client. */
export async function deliversRightAfterConnecting(trial: Trial): Promise<void> {
  const host = await trial.start()
  for (let i = 0; i < 20; i++) {
    await host.connect(`user ${i % 3}`, books('BTCUSDT'))
    await host.publish(book('BTCUSDT', i))
  }
  await host.delivers()
}

/** A client that reconnects is a new connection. The new connection receives new messages, and the end of the old connection does not affect it. */
export async function acceptsReconnects(trial: Trial): Promise<void> {
  const host = await trial.start()
  const first = await host.connect('alice', trades('BTCUSDT'), orders())
  await host.publish(trade('BTCUSDT', 'for the first'))
  await host.delivers()

  await first.destroy()
  host.expectGone(first)
  const second = await host.connect('alice', trades('BTCUSDT'))
  await host.hasRightCounts()
  await host.publish(trade('BTCUSDT', 'for the second'))
  await host.delivers()

  await host.connect('alice', trades('BTCUSDT'))
  await second.close()
  host.expectGone(second)
  await host.hasRightCounts()
  await host.publish(trade('BTCUSDT', 'for the third'))
  await host.delivers()
}

/** Two servers in one process, each with its own manager, do not affect each other. */
export async function keepsServersApart(trial: Trial): Promise<void> {
  const [one, other] = [await trial.start(), await trial.start()]
  const closing = await one.connect('alice', trades('BTCUSDT'), orders())
  await other.connect('alice', trades('BTCUSDT'), orders())
  await one.publish(trade('BTCUSDT', 'one'))
  await other.publish(trade('BTCUSDT', 'other'))
  await one.delivers()
  await other.delivers()

  await one.cleanup()
  await closing.seesItsConnectionEnd()
  await other.hasRightCounts()
  await other.publish(trade('BTCUSDT', 'after the end of the one'))
  await other.delivers()
}
