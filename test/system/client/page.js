// The program of the page: a client whose options stand in the URL. `page` is for the tests.
import { createClient } from '/client.js'
import { overWebSocket, withCommandsByPost, withCommandsInUrl } from '/kinds.js'

const KINDS = {
  WebSocket: overWebSocket(WebSocket),
  'EventSource, commands in the URL': withCommandsInUrl(EventSource),
  'EventSource, commands by POST': withCommandsByPost(EventSource),
}

const { kind, pingMs, pongMs, connectTimeoutMs, minMs, maxMs } = Object.fromEntries(
  [...new URLSearchParams(location.search)].map(([name, value]) => [name, name === 'kind' ? value : Number(value)]),
)

const page = {
  /** What the client waits for at random, from 0 to 1. */
  chance: 0,
  /** All updates of the stream, each as JSON. */
  updates: [],
  /** What became of each subscribe: see `recovered` of the client. */
  recovered: [],
  /** The states of the client, and the reasons. */
  states: [],
  /** What the page itself went through. */
  lifecycle: [],
}

const clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  random: () => page.chance,
  setTimeout(fn, ms) {
    const timer = setTimeout(fn, ms)
    return () => clearTimeout(timer)
  },
}

for (const type of ['pagehide', 'pageshow']) addEventListener(type, ({ persisted }) => page.lifecycle.push(persisted ? `${type}, kept` : type))
for (const type of ['freeze', 'resume']) document.addEventListener(type, () => page.lifecycle.push(type))

page.client = createClient({ ...KINDS[kind](location.host), backoff: { minMs, maxMs }, pingMs, pongMs, connectTimeoutMs, clock })
page.client.on('state', ({ state, reason }) => page.states.push(reason ? `${state}: ${reason}` : state))
page.client.on('subscribed', ({ recovered }) => page.recovered.push(recovered))
page.subscription = page.client.subscribe({ streamType: 'TRADES', symbol: 'A' }, (update) => page.updates.push(JSON.stringify(update)))
globalThis.page = page
