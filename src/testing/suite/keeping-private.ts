import { order, orders, price, prices } from './messages.ts'
import type { Trial } from './trial.ts'

/** User ids that a server must not confuse with `alice`. The last user id has a Cyrillic а. */
const LOOK_ALIKES = ['Alice', 'alice ', 'alice:BTCUSDT', 'alice%20', '\u0430lice']

/** A private message reaches the subscribed connections of its user, and no others. */
export async function keepsPrivate(trial: Trial): Promise<void> {
  const host = await trial.start()
  await host.connect('alice', orders())
  await host.connect('alice', orders('BTCUSDT'))
  await host.connect('alice', prices('BTCUSDT'))
  await host.connect('bob', orders())
  for (const userId of LOOK_ALIKES) await host.connect(userId, orders(), orders('BTCUSDT'))
  for (const userId of ['alice', 'bob', ...LOOK_ALIKES, 'nobody']) {
    await host.publish(order(userId, 1), order(userId, 2, 'BTCUSDT'), order(userId, 3, 'ETHUSDT'), price('BTCUSDT', 4))
  }
  await host.delivers()
}

/** A message that is sent to a user reaches all connections of that user, subscribed or not, and no others. */
export async function sendsToOneUser(trial: Trial): Promise<void> {
  const host = await trial.start()
  await host.connect('alice', orders())
  await host.connect('alice')
  await host.connect('bob', orders(), prices('BTCUSDT'))
  await host.sendToUser('alice', order('alice', 'private'))
  await host.sendToUser('alice', price('BTCUSDT', 'public'))
  await host.sendToUser('bob', order('bob', 'private', 'BTCUSDT'))
  await host.sendToUser('nobody', order('nobody', 'private'))
  await host.delivers()
}
