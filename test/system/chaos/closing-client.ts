// closing-client.ts URL STATE: closes a client in a state, and then has nothing more to do.
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { createClient, type ClientClock } from '../../../src/client/index.ts'

const [url = '', state = ''] = process.argv.slice(2)
const pending = new Set<NodeJS.Timeout>()

/** Its timers keep the process alive, unlike those of the clock that clients have by default. */
const clock: ClientClock = {
  monotonic: () => performance.now(),
  random: () => 0.5,
  setTimeout(fn, ms) {
    const timer = setTimeout(() => {
      pending.delete(timer)
      fn()
    }, ms)
    pending.add(timer)
    return () => {
      pending.delete(timer)
      clearTimeout(timer)
    }
  },
}

const client = createClient({
  clock,
  connect: () => new WebSocket(url),
  backoff: { minMs: 600_000, maxMs: 600_000 },
  connectTimeoutMs: 600_000,
  pingMs: 600_000,
  lingerMs: 600_000,
})
const subscription = client.subscribe({ streamType: 'TRADES', symbol: 'A' }, () => {})
const request = state === 'asking' ? ask() : undefined

while (!isReached()) await sleep(5)
if (state === 'lingering') subscription.unsubscribe()
const before = pending.size
client.close()
process.send?.({ state: client.state, before, after: pending.size })
await request

function isReached(): boolean {
  if (state === 'connecting' || state === 'waiting') return client.state === state
  return subscription.live
}

/** A request that is never answered. */
async function ask(): Promise<void> {
  while (!subscription.live) await sleep(5)
  await client.request('never').catch(() => {})
}
