// closing-client.ts URL STATE: closes a client in a state, and then has nothing more to do.
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { createClient, type ClientClock, type ClientError } from '../../../src/client/index.ts'

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

while (!isReached()) await sleep(5)
// The server never answers it.
const request = state === 'asking' ? client.request('never').catch((error: ClientError) => error.code) : undefined
if (state === 'lingering') subscription.unsubscribe()
const before = pending.size
client.close()
const after = pending.size
process.send?.({ state: client.state, before, after, request: await request })

function isReached(): boolean {
  if (state === 'connecting' || state === 'waiting') return client.state === state
  return subscription.live
}
