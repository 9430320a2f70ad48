import { orders, price, prices, trade, trades } from './messages.ts'
import type { TrialClient } from './trial-client.ts'
import type { Trial } from './trial.ts'

/** All connections of a user whom the server removes end, and nobody else's. */
export async function closesWhoIsRemoved(trial: Trial): Promise<void> {
  const host = await trial.start()
  const removed = [await host.connect('alice', prices('BTCUSDT'), orders()), await host.connect('alice', prices('BTCUSDT'))]
  await host.connect('bob', prices('BTCUSDT'))
  const count = await host.removeUser('alice')
  if (count !== removed.length) throw new Error(`Expected ${removed.length} connections to be removed; it was ${count}`)
  host.forget(...removed)
  for (const client of removed) await client.seesItsEnd()
  await host.countsWhoIsThere()
  await host.publish(price('BTCUSDT', 'for who is left'))
  await host.delivers()
}

/** Nothing is left of a client that closes its connection. */
export function cleansUpAfterClosing(trial: Trial): Promise<void> {
  return cleansUpAfter(trial, (client) => client.close())
}

/** Nothing is left of a client whose connection breaks. */
export function cleansUpAfterVanishing(trial: Trial): Promise<void> {
  return cleansUpAfter(trial, (client) => client.destroy())
}

async function cleansUpAfter(trial: Trial, end: (client: TrialClient) => Promise<void>): Promise<void> {
  const host = await trial.start()
  const first = await host.connect('alice', prices('BTCUSDT'), prices('ETHUSDT'), orders())
  const last = await host.connect('alice', prices('BTCUSDT'), trades('BTCUSDT'))
  await host.connect('bob', prices('BTCUSDT'))
  await host.countsWhoIsThere()
  for (const client of [first, last]) {
    await end(client)
    host.forget(client)
    await client.seesItsEnd()
    await host.countsWhoIsThere()
    await host.publish(price('BTCUSDT', 'for who is left'), trade('BTCUSDT', 'for who is left'))
    await host.delivers()
  }
  await host.settles()
}

/** At the manager's end every client is closed, and nobody is left. */
export async function closesEverybody(trial: Trial): Promise<void> {
  const host = await trial.start()
  const clients = [
    await host.connect('alice', prices('BTCUSDT'), orders()),
    await host.connect('alice', trades('BTCUSDT')),
    await host.connect('bob', prices('BTCUSDT')),
  ]
  await host.cleanup()
  host.forget(...clients)
  for (const client of clients) await client.seesItsEnd()
  await host.countsWhoIsThere()
}
