import { book, books, orders, price, prices, trade, trades } from './messages.ts'
import type { Trial } from './trial.ts'

/** Each client that connects is registered as a connection of its user, with what it subscribed to. */
export async function registers(trial: Trial): Promise<void> {
  const host = await trial.start()
  await host.countsWhoIsThere()
  await host.connectToBeCounted('alice')
  await host.countsWhoIsThere()
  await host.connectToBeCounted('alice', prices('BTCUSDT'), orders())
  await host.countsWhoIsThere()
  await host.connectToBeCounted('bob', prices('BTCUSDT'), orders('BTCUSDT'))
  await host.countsWhoIsThere()
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

/** What is published as soon as `connect` has resolved reaches the client. */
export async function servesAtOnce(trial: Trial): Promise<void> {
  const host = await trial.start()
  for (let i = 0; i < 20; i++) {
    await host.connect(`user ${i % 3}`, books('BTCUSDT'))
    await host.publish(book('BTCUSDT', i))
  }
  await host.delivers()
}

/** Who reconnects is a new connection: it gets what comes from now on, and its old connection's end does not touch it. */
export async function acceptsAgain(trial: Trial): Promise<void> {
  const host = await trial.start()
  const first = await host.connect('alice', trades('BTCUSDT'), orders())
  await host.publish(trade('BTCUSDT', 'for the first'))
  await host.delivers()

  await first.destroy()
  host.forget(first)
  const second = await host.connect('alice', trades('BTCUSDT'))
  await host.countsWhoIsThere()
  await host.publish(trade('BTCUSDT', 'for the second'))
  await host.delivers()

  await host.connect('alice', trades('BTCUSDT'))
  await second.close()
  host.forget(second)
  await host.countsWhoIsThere()
  await host.publish(trade('BTCUSDT', 'for the third'))
  await host.delivers()
}

/** Two servers side by side, with a manager each, know nothing of each other. */
export async function standsAlone(trial: Trial): Promise<void> {
  const [one, other] = [await trial.start(), await trial.start()]
  const closing = await one.connect('alice', trades('BTCUSDT'), orders())
  await other.connect('alice', trades('BTCUSDT'), orders())
  await one.publish(trade('BTCUSDT', 'one'))
  await other.publish(trade('BTCUSDT', 'other'))
  await one.delivers()
  await other.delivers()

  await one.cleanup()
  await closing.seesItsEnd()
  await other.countsWhoIsThere()
  await other.publish(trade('BTCUSDT', 'after the end of the one'))
  await other.delivers()
}
