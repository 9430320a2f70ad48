import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, before, describe, it } from 'node:test'
import { generatedMarket } from '../market/generated-market.js'
import { openDesk } from '../open-desk.js'
import { connect, refusal } from '../testing/client.js'
import { until } from '../testing/until.js'

// A deadlock is to end as a failure.
const options = { timeout: 60_000 }

/** @type {Awaited<ReturnType<typeof openDesk>>} */
let desk

before(async () => {
  desk = await openDesk(generatedMarket(1), { port: 0, speed: 1, trades: 'drop' })
})

after(() => desk.close())

/**
 * @param {string} path
 * @param {Record<string, string>} [headers]
 * @returns {Promise<{ status: number | undefined, headers: Record<string, any>, body: string }>}
 */
function get(path, headers = {}) {
  return new Promise((resolve, reject) => {
    request({ port: desk.port, host: '127.0.0.1', path, headers }, async (response) => {
      let body = ''
      for await (const chunk of response) body += chunk
      resolve({ status: response.statusCode, headers: response.headers, body })
    }).on('error', reject).end()
  })
}

describe('the server', options, () => {
  it('serves the page and all that it needs, and lets nothing from elsewhere in', async () => {
    const { status, headers, body } = await get('/')

    assert.equal(status, 200)
    assert.match(headers['content-security-policy'], /^default-src 'none'; script-src 'self';/)
    assert.match(body, /"symbol":"BTCUSDT"/)
    for (const [, path] of body.matchAll(/(?:href|src)="(\/[^"]*)"/g)) assert.equal((await get(path)).status, 200, path)
  })

  it('puts no text of an address into a page', async () => {
    const { body } = await get('/side-by-side?user=%3Cscript%3E')

    assert.match(body, /Two tabs of alice/)
    assert.doesNotMatch(body, /<script/)
  })

  for (const path of ['/nothing', '/desk.jsx', '/../package.json', '//', '/%00']) {
    it(`has no page at ${path}`, async () => assert.equal((await get(path)).status, 404))
  }

  it('answers nobody who took it for another host', async () => {
    assert.equal((await get('/', { host: 'desk.example' })).status, 404)
    assert.equal(await refusal(desk.port, 'user=alice', { host: 'desk.example' }), 403)
  })

  it('lets in no page of another site', async () => {
    assert.equal(await refusal(desk.port, 'user=alice', { origin: 'http://desk.example' }), 403)
  })

  for (const query of ['', 'user=', 'user=mallory', 'user=Alice', 'user=__proto__']) {
    it(`lets nobody in as "${query}"`, async () => assert.equal(await refusal(desk.port, query), 403))
  }

  it('welcomes a client, and tells what each connection of the user hears', async () => {
    const one = await connect(desk.port, 'user=alice')
    const { connection } = await one.hears('WELCOME', ({ isFirst }) => isFirst)
    const other = await connect(desk.port, 'user=alice')
    await other.hears('WELCOME', ({ isFirst }) => !isFirst)

    other.say({ type: 'subscribe', scope: 'connection', symbol: 'BTCUSDT' })
    other.say({ type: 'subscribe', scope: 'user', symbol: 'ETHUSDT' })

    const { connections } = await one.hears('CONNECTIONS', ({ shared }) => shared.join() === 'ETHUSDT')
    assert.deepEqual(connections.map((/** @type {any} */ { symbols }) => symbols), [[], ['BTCUSDT']])
    assert.equal(connections[0].id, connection)
    await Promise.all([one.close(), other.close()])
  })

  it('sends what a symbol is at before its first live message, to whoever begins to hear it', async () => {
    const one = await connect(desk.port, 'user=alice')
    one.say({ type: 'subscribe', scope: 'user', symbol: 'BTCUSDT' })
    await one.hears('TRADES')
    const late = await connect(desk.port, 'user=alice')
    await late.hears('TRADES')

    for (const { received } of [one, late]) {
      const own = received.filter((message) => 'symbol' in message && message.symbol === 'BTCUSDT')
      assert.deepEqual(own.slice(0, 3).map((message) => 'streamType' in message && message.streamType), ['HISTORY', 'PRICE', 'ORDERBOOK'])
    }
    await Promise.all([one.close(), late.close()])
  })

  for (const [command, code] of /** @type {const} */ ([
    ['no JSON', 'ERR_BAD_COMMAND'],
    ['null', 'ERR_BAD_COMMAND'],
    ['{"type":"leave"}', 'ERR_BAD_COMMAND'],
    ['{"type":"subscribe","scope":"everybody","symbol":"BTCUSDT"}', 'ERR_BAD_COMMAND'],
    ['{"type":"subscribe","scope":"user"}', 'ERR_BAD_COMMAND'],
    ['{"type":"subscribe","scope":"connection","symbol":"NONESUCH"}', 'ERR_FORBIDDEN'],
    ['{"type":"subscribe","scope":"user","symbol":"__proto__"}', 'ERR_FORBIDDEN'],
    ['{"type":"place"}', 'ERR_BAD_COMMAND'],
    ['{"type":"place","order":{"symbol":"NONESUCH","side":"buy","quantity":1}}', 'ERR_ORDER'],
    ['{"type":"place","order":{"symbol":"BTCUSDT","side":"buy","quantity":-1}}', 'ERR_ORDER'],
    ['{"type":"place","order":{"symbol":"BTCUSDT","side":"buy","quantity":1,"limit":"cheap"}}', 'ERR_ORDER'],
    ['{"type":"cancel","id":1000000}', 'ERR_ORDER'],
    ['{"type":"feed","symbol":"NONESUCH","on":false}', 'ERR_BAD_COMMAND'],
    ['{"type":"feed","on":true}', 'ERR_BAD_COMMAND'],
  ])) {
    it(`refuses ${command}`, async () => {
      const client = await connect(desk.port, 'user=bob')
      client.say(command)

      assert.equal((await client.hears('REFUSALS')).code, code)
      await client.close()
    })
  }

  it('lets nobody cancel an order of somebody else', async () => {
    const alice = await connect(desk.port, 'user=alice')
    const bob = await connect(desk.port, 'user=bob')
    alice.say({ type: 'place', order: { symbol: 'BTCUSDT', side: 'buy', quantity: 1, limit: 1 } })
    const { order } = await alice.hears('ORDER_UPDATES', ({ type }) => type === 'changed')

    bob.say({ type: 'cancel', id: order.id })

    assert.equal((await bob.hears('REFUSALS')).reason, `you have no order ${order.id}`)
    alice.say({ type: 'cancel', id: order.id })
    await alice.hears('ORDER_UPDATES', ({ order }) => order?.state === 'cancelled')
    await Promise.all([alice.close(), bob.close()])
  })

  it('ends the connection that a client says it replaces, and no other user’s', async () => {
    const alice = await connect(desk.port, 'user=alice')
    const { connection } = await alice.hears('WELCOME')
    const bob = await connect(desk.port, `user=bob&replaces=${connection}`)
    assert.equal((await bob.hears('WELCOME')).ended, undefined)
    assert.ok(desk.manager.getConnection(connection))

    const again = await connect(desk.port, `user=alice&replaces=${connection}`)

    assert.equal((await again.hears('WELCOME')).ended, 'peer-closed')
    assert.equal(desk.manager.getConnection(connection), undefined)
    const late = await connect(desk.port, `user=bob&replaces=${connection}`)
    assert.equal((await late.hears('WELCOME')).ended, undefined, 'how it ended is for alice to know')
    await Promise.all([bob, again, late].map((client) => client.close()))
  })

  it('takes no more connections of a user than it may', async () => {
    const clients = await Promise.all(Array.from({ length: 50 }, () => connect(desk.port, 'user=carol')))
    await Promise.all(clients.map((client) => client.hears('WELCOME')))

    const refused = await connect(desk.port, 'user=carol')
    await refused.close()

    assert.deepEqual(refused.received, [])
    await Promise.all(clients.map((client) => client.close()))
    await until('nobody', () => desk.manager.connectionCount === 0)
  })

  it('goes on when a client sends what no WebSocket does', async () => {
    const client = await connect(desk.port, 'user=alice')
    client.say('x'.repeat(100_000))

    await until('nobody', () => desk.manager.connectionCount === 0)
    assert.equal((await get('/')).status, 200)
  })
})
