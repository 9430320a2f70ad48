import { books, order, orders, trade, trades } from './messages.ts'
import { describe } from './patience.ts'
import type { Trial } from './trial.ts'

/**
 * A client no longer receives a stream that it unsubscribed from. The client still receives its other streams. The user's other connections still
 * receive all of their streams.
 */
export async function endsUnsubscribedStreams(trial: Trial): Promise<void> {
  const host = await trial.start()
  const giving = await host.connect('alice', trades('BTCUSDT'), trades('ETHUSDT'), orders())
  await host.connect('alice', trades('BTCUSDT'), orders())
  await host.connect('bob', trades('BTCUSDT'))
  const publishAll = async (data: unknown): Promise<void> => {
    await host.publish(trade('BTCUSDT', data), trade('ETHUSDT', data), order('alice', data))
    await host.hasDelivered() // an unsubscribe would purge waiting messages
  }

  for (const stream of [trades('BTCUSDT'), orders(), trades('ETHUSDT')]) {
    await giving.unsubscribe(stream)
    await host.carriesOutRequests(giving)
    await publishAll(['without', stream])
  }
  await host.hasRightCounts()
  await giving.subscribe(trades('BTCUSDT'))
  await host.carriesOutRequests(giving)
  await publishAll('again')
  await host.hasRightCounts()
  await host.delivers()
}

/** Fields in which a request could name another user. */
const USER_FIELDS = ['userId', 'user_id', 'user', 'uid', 'as', 'sub']
/** Fields in which a request could name another connection. */
const CONNECTION_FIELDS = ['connectionId', 'connection_id', 'connection', 'clientId', 'client', 'sid', 'id']

/**
 * If a request names another user or connection, the request affects only the client that sent it. The server may also disconnect this client.
 */
export async function ignoresClaims(trial: Trial): Promise<void> {
  const host = await trial.start()
  await host.connect('alice', trades('BTCUSDT'), orders())
  await host.connect('alice', books('BTCUSDT'))
  const mallory = await host.connectWithoutMarker('mallory')
  const connectionIds = await host.connectionIds('alice')

  for (const claims of claimsOf('alice', connectionIds)) {
    await mallory.ask({ action: 'subscribe', stream: orders(), claims }, { action: 'unsubscribe', stream: trades('BTCUSDT'), claims })
  }
  await host.carriesOutRequestsOrDisconnects(mallory)
  await host.publish(order('alice', 'private'), trade('BTCUSDT', 'public'))
  await host.delivers()
  await host.carriesOutRequestsOrDisconnects(mallory)
  mallory.receivesNothingElse()

  const left = await host.connectionIds('alice')
  if (describe(left) !== describe(connectionIds)) throw new Error(`Expected alice to keep her ${connectionIds.length} connections, but she has ${left.length}`)
}

function claimsOf(userId: string, connectionIds: readonly string[]): Record<string, string>[] {
  return [
    ...USER_FIELDS.map((field) => ({ [field]: userId })),
    ...connectionIds.flatMap((id) => CONNECTION_FIELDS.map((field) => ({ [field]: id }))),
  ]
}
