import { orders, price, prices, trade, trades } from './messages.ts'
import type { TrialClient } from './trial-client.ts'
import type { Trial } from './trial.ts'

// Every WebSocket accepts the close codes 1000 and 3000 to 4999. Some WebSockets refuse 1001 to 1013.
const LOGGED_IN_ELSEWHERE = { code: 4001, reason: 'logged in elsewhere' }
const NORMAL = { code: 1000, reason: 'Bis später' }

/** If the server removes a user, all connections of that user close, and no others. */
export async function closesRemovedClients(trial: Trial): Promise<void> {
  const host = await trial.start()
  const removed = [await host.connect('alice', prices('BTCUSDT'), orders()), await host.connect('alice', prices('BTCUSDT'))]
  await host.connect('bob', prices('BTCUSDT'))
  const count = await host.removeUser('alice')
  if (count !== removed.length) throw new Error(`Expected \`removeUser\` to remove ${removed.length} connections, but it removed ${count}`)
  host.expectGone(...removed)
  for (const client of removed) await client.seesItsConnectionEnd()
  await host.hasRightCounts()
  await host.publish(price('BTCUSDT', 'for the others'))
  await host.delivers()
}

/** If the server removes a connection with a code and a reason, the client gets both. */
export async function tellsRemovedClients(trial: Trial): Promise<void> {
  const host = await trial.start()
  const [alice, carol] = [await host.connect('alice', prices('BTCUSDT')), await host.connect('carol', prices('BTCUSDT'))]
  await host.connect('bob', prices('BTCUSDT'))
  for (const [client, why] of [[alice, LOGGED_IN_ELSEWHERE], [carol, NORMAL]] as const) {
    await host.publish(price('BTCUSDT', why.reason))
    await host.remove(client, why)
    await client.isTold(why)
    await client.receivesAll()
  }
  await host.hasRightCounts()
  await host.delivers()
}

/** If a client closes its connection, the manager removes the connection and its subscriptions. */
export function cleansUpAfterClosing(trial: Trial): Promise<void> {
  return cleansUpAfter(trial, (client) => client.close())
}

/** If a client's connection breaks, the manager removes the connection and its subscriptions. */
export function cleansUpAfterVanishing(trial: Trial): Promise<void> {
  return cleansUpAfter(trial, (client) => client.destroy())
}

async function cleansUpAfter(trial: Trial, end: (client: TrialClient) => Promise<void>): Promise<void> {
  const host = await trial.start()
  const first = await host.connect('alice', prices('BTCUSDT'), prices('ETHUSDT'), orders())
  const last = await host.connect('alice', prices('BTCUSDT'), trades('BTCUSDT'))
  await host.connect('bob', prices('BTCUSDT'))
  await host.hasRightCounts()
  for (const client of [first, last]) {
    await end(client)
    host.expectGone(client)
    await client.seesItsConnectionEnd()
    await host.hasRightCounts()
    await host.publish(price('BTCUSDT', 'for the others'), trade('BTCUSDT', 'for the others'))
    await host.delivers()
  }
  await host.settles()
}

/** When the manager shuts down, every connection closes and none is left. */
export async function closesAllClients(trial: Trial): Promise<void> {
  const host = await trial.start()
  const clients = [
    await host.connect('alice', prices('BTCUSDT'), orders()),
    await host.connect('alice', trades('BTCUSDT')),
    await host.connect('bob', prices('BTCUSDT')),
  ]
  await host.cleanup()
  host.expectGone(...clients)
  for (const client of clients) await client.seesItsConnectionEnd()
  await host.hasRightCounts()
}
