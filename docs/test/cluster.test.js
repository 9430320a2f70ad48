import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { after, afterEach, before, describe, it } from 'node:test'
import { WebSocket } from 'ws'
import { freePort, GuideFolder, until } from '../guide-folder.js'

// The node of the guide to clusters, as the guide has it: two processes at a real broker, with each client library.

const GUIDE = readFileSync(new URL('../cluster.md', import.meta.url), 'utf8')
const [NODE = '', IOREDIS = '', NATS = ''] = blocksUnder('A complete node')
const PACKAGES = new URL('../../test/node_modules/', import.meta.url)

/** @type {(port: number) => [string, string[]]} */
const redisServer = (port) => ['redis-server', ['--bind', '127.0.0.1', '--port', String(port), '--save', '', '--appendonly', 'no']]
/** @type {(port: number) => [string, string[]]} */
const natsServer = (port) => ['nats-server', ['--addr', '127.0.0.1', '--port', String(port), '--log', '/dev/null']]

/** A node that does not end fails its test by this. */
const TIMEOUT_MS = 60_000

const LIBRARIES = [
  { name: 'node-redis', node: NODE, broker: redisServer, brokerPort: '6379' },
  { name: 'node-redis whose client is connected', node: connectedNodeRedis(), broker: redisServer, brokerPort: '6379' },
  { name: 'ioredis', node: withClient(IOREDIS), broker: redisServer, brokerPort: '6379' },
  { name: 'ioredis whose client is connected', node: connectedIoRedis(), broker: redisServer, brokerPort: '6379' },
  { name: 'NATS', node: withClient(NATS), broker: natsServer, brokerPort: '4222' },
]

const folder = new GuideFolder()

before(() => {
  folder.install('ws', new URL('../node_modules/ws/', import.meta.url))
  for (const name of ['redis', 'ioredis', '@nats-io/transport-node']) folder.install(name, new URL(`${name}/`, PACKAGES))
})

afterEach(() => folder.killAll())

after(() => folder.remove())

/** @param {string} heading */
function blocksUnder(heading) {
  const [, section = ''] = new RegExp(`^## ${heading}\\n([^]*?)^## `, 'm').exec(GUIDE) ?? []
  return Array.from(section.matchAll(/^```ts\n([^]*?)^```$/gm), ([, code = '']) => code)
}

/**
 * The node with the lines of another client library in place of those for Redis.
 *
 * @param {string} lines
 */
function withClient(lines) {
  const [start = '', end = ''] = lines.split(/^\/\/ After `await cluster\.close\(\)`:\n/m)
  const rest = NODE.split('\n').filter((line) => !/^import .*\bredis|^const (client|backplane) /i.test(line))
  return `${start}${closing(rest.join('\n'), end)}`
}

function connectedNodeRedis() {
  return closing(NODE.replace(/^const backplane/m, 'await client.connect()\n$&'), 'client.destroy()\n')
}

function connectedIoRedis() {
  return closing(withClient(IOREDIS).replace(', { lazyConnect: true }', ''), 'client.disconnect()\n')
}

/**
 * @param {string} node
 * @param {string} end what closes the client of the broker
 */
function closing(node, end) {
  return node.replace(/^ {2}await cluster\.close\(\).*\n/m, `$&${end}`)
}

/** @param {number} port */
async function accepts(port) {
  const socket = connect(port, '127.0.0.1')
  const isAccepted = await new Promise((resolve) => socket.once('connect', () => resolve(true)).once('error', () => resolve(false)))
  socket.destroy()
  return isAccepted
}

/**
 * Starts a broker on a free port, and writes a node for it, whose feed is faster than the guide's.
 *
 * @param {typeof LIBRARIES[number]} library
 */
async function prepare({ node, broker, brokerPort }) {
  const port = await freePort()
  assert.ok(node.includes(brokerPort) && node.includes('1_000'))
  folder.write('node.js', node.replace(brokerPort, String(port)).replace('1_000', '5'))
  const startBroker = async () => {
    folder.start(...broker(port))
    await until(() => accepts(port))
  }
  return { startBroker }
}

/** @param {Record<string, string>} [env] */
async function startNode(env) {
  const port = await freePort()
  const program = folder.run('node.js', { PORT: String(port), ...env })
  return { ...program, port, printed: (/** @type {string} */ line) => until(() => program.lines().includes(line)) }
}

/**
 * Subscribes a client to the trades. Returns what it gets.
 *
 * @param {number} port
 */
async function subscribe(port) {
  await until(() => accepts(port))
  const socket = new WebSocket(`ws://127.0.0.1:${port}`)
  /** @type {any[]} */
  const got = []
  socket.on('message', (text) => got.push(JSON.parse(String(text))))
  await once(socket, 'open')
  socket.send('{"command":"subscribe","id":1,"stream_type":"TRADES","symbol":"BTCUSDT"}')
  return got
}

for (const library of LIBRARIES) {
  describe(`the node of the guide, with ${library.name}`, () => {
    it('delivers what another node publishes, and ends by itself after SIGTERM while its feed runs', { timeout: TIMEOUT_MS }, async () => {
      const { startBroker } = await prepare(library)
      await startBroker()
      const [one, two] = [await startNode(), await startNode({ FEED: 'yes' })]
      for (const node of [one, two]) await node.printed('cluster up')
      const got = await subscribe(one.port)
      await until(() => got.filter(({ data }) => data > 64_000).length >= 3)
      await subscribe(two.port)

      assert.deepEqual([await two.end('SIGTERM'), await one.end('SIGTERM')], [0, 0])
    })
  })
}

describe('the node of the guide, with its broker down', () => {
  it('says so, serves its own clients, and says when the broker is back', { timeout: TIMEOUT_MS }, async () => {
    const [library] = LIBRARIES
    const { startBroker } = await prepare(/** @type {typeof LIBRARIES[number]} */ (library))
    const node = await startNode({ FEED: 'yes' })
    await node.printed('cluster down')
    const got = await subscribe(node.port)
    await until(() => got.some(({ data }) => data > 64_000))

    await startBroker()

    await node.printed('cluster up')
    assert.equal(await node.end('SIGTERM'), 0)
  })
})
