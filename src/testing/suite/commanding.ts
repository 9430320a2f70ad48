import { books, order, orders, trade, trades } from './messages.ts'
import { describe } from './patience.ts'
import type { Trial } from './trial.ts'

/** A stream that a client gave up does not reach it any more. Its other streams, and the user's other connections, go on. */
export async function endsWhatIsGivenUp(trial: Trial): Promise<void> {
  const host = await trial.start()
  const giving = await host.connect('alice', trades('BTCUSDT'), trades('ETHUSDT'), orders())
  await host.connect('alice', trades('BTCUSDT'), orders())
  await host.connect('bob', trades('BTCUSDT'))
  const publishAll = async (data: unknown): Promise<void> => {
    await host.publish(trade('BTCUSDT', data), trade('ETHUSDT', data), order('alice', data))
    await host.hasDelivered() // what still waits when a client gives its stream up would be purged
  }

  for (const stream of [trades('BTCUSDT'), orders(), trades('ETHUSDT')]) {
    await giving.unsubscribe(stream)
    await host.heeds(giving)
    await publishAll(['without', stream])
  }
  await host.countsWhoIsThere()
  await giving.subscribe(trades('BTCUSDT'))
  await host.heeds(giving)
  await publishAll('again')
  await host.countsWhoIsThere()
  await host.delivers()
}

/** The fields by which a command could name another user, or another connection. */
const USER_FIELDS = ['userId', 'user_id', 'user', 'uid', 'as', 'sub']
const CONNECTION_FIELDS = ['connectionId', 'connection_id', 'connection', 'clientId', 'client', 'sid', 'id']

/** A client's commands are carried out for its own user and connection, whatever they claim. */
export async function servesTheSenderAlone(trial: Trial): Promise<void> {
  const host = await trial.start()
  await host.connect('alice', trades('BTCUSDT'), orders())
  await host.connect('alice', books('BTCUSDT'))
  const mallory = await host.connectToBeCounted('mallory')
  const connectionIds = await host.connectionIds('alice')

  for (const claims of claimsOf('alice', connectionIds)) {
    await mallory.ask({ action: 'subscribe', stream: orders(), claims }, { action: 'unsubscribe', stream: trades('BTCUSDT'), claims })
  }
  await host.heedsOrEnds(mallory)
  await host.publish(order('alice', 'private'), trade('BTCUSDT', 'public'))
  await host.delivers()
  await host.heedsOrEnds(mallory)
  mallory.receivedNothingElse()

  const left = await host.connectionIds('alice')
  if (describe(left) !== describe(connectionIds)) throw new Error(`Expected alice to have her ${connectionIds.length} connections; she has ${left.length}`)
}

function claimsOf(userId: string, connectionIds: readonly string[]): Record<string, string>[] {
  return [
    ...USER_FIELDS.map((field) => ({ [field]: userId })),
    ...connectionIds.flatMap((id) => CONNECTION_FIELDS.map((field) => ({ [field]: id }))),
  ]
}
