import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, before, describe, it } from 'node:test'
import { generatedMarket } from '../market/generated-market.js'
import { openDesk } from '../open-desk.js'
import { closeCode, connect, refusal } from '../testing/client.js'
import { until } from '../testing/until.js'

// A deadlock is to end as a failure.
const options = { timeout: 60_000 }

/** @type {Awaited<ReturnType<typeof openDesk>>} */
let desk

before(async () => {
  desk = await openDesk(generatedMarket(1), { port: 0, speed: 1, trades: 'drop', nodes: 1 })
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
    it(`lets nobody in as "${query}"`, async () => assert.equal(await closeCode(desk.port, query), 4401))
  }

  it('tells each tab of a user what they pick for all of them, and the others nothing', async () => {
    const { client: one } = await connect(desk.port, 'user=alice')
    const { client: other } = await connect(desk.port, 'user=alice')
    const { client: stranger } = await connect(desk.port, 'user=bob')
    for (const client of [other, stranger]) client.subscribe('PICKS')
    await until('a subscription of each', () => ['alice', 'bob'].every((userId) => desk.manager.getUserSubscriptions(userId).length === 1))

    await one.request('pick', { symbol: 'ETHUSDT', on: true })
    await other.hears('PICKS', ({ symbol, isPicked }) => symbol === 'ETHUSDT' && isPicked)
    assert.deepEqual(await one.request('picks'), ['ETHUSDT'])
    await one.request('pick', { symbol: 'ETHUSDT', on: false })
    await other.hears('PICKS', ({ isPicked }) => !isPicked)

    assert.deepEqual([await one.request('picks'), await stranger.request('picks'), stranger.received], [[], [], []])
    await Promise.all([one, other, stranger].map((client) => client.close()))
  })

  it('tells what each connection of the user is subscribed to', async () => {
    const { client: one, connection } = await connect(desk.port, 'user=alice')
    const { client: other } = await connect(desk.port, 'user=alice')
    one.subscribe('CONNECTIONS')
    other.subscribe('PRICE', 'BTCUSDT')

    const { connections } = await one.hears('CONNECTIONS', ({ connections }) => connections?.some((/** @type {any} */ { symbols }) => symbols.length > 0))

    assert.deepEqual(connections.map((/** @type {any} */ { symbols }) => symbols), [[], ['BTCUSDT']])
    assert.equal(connections[0].id, connection)
    assert.deepEqual((await one.request('tabs'))[0].connections.length, 2)
    await Promise.all([one.close(), other.close()])
  })

  it('sends how a symbol stands before its first live message, to whoever begins to hear it', async () => {
    const { client: one } = await connect(desk.port, 'user=alice')
    one.subscribe('PRICE', 'BTCUSDT')
    await one.hears('PRICE')
    const { client: late } = await connect(desk.port, 'user=alice')
    late.subscribe('PRICE', 'BTCUSDT')
    await late.hears('PRICE')

    for (const { received: [first] } of [one, late]) assert.ok(first.type === undefined && first.snapshot)
    assert.equal((await one.request('history', { symbol: 'BTCUSDT' })).length, 60)
    await Promise.all([one.close(), late.close()])
  })

  it('tells whoever begins to hear of a symbol that its feed is down', async () => {
    const { client: one } = await connect(desk.port, 'user=alice')
    await one.request('feed', { symbol: 'XRPUSDT', on: false })

    one.subscribe('PRICE', 'XRPUSDT')

    await until('a status', () => one.received.some((update) => update.type === 'status' && update.status === 'ERROR'))
    await one.request('feed', { symbol: 'XRPUSDT', on: true })
    await until('another status', () => one.received.some((update) => update.type === 'status' && update.status === 'CONNECTED'))
    await one.close()
  })

  for (const [command, data, code] of /** @type {const} */ ([
    ['leave', undefined, 'ERR_UNKNOWN_COMMAND'],
    ['pick', undefined, 'ERR_BAD_COMMAND'],
    ['pick', { symbol: '__proto__', on: true }, 'ERR_NO_SYMBOL'],
    ['place', undefined, 'ERR_BAD_COMMAND'],
    ['place', { symbol: 'BTCUSDT', side: 'hold', quantity: 1 }, 'ERR_BAD_COMMAND'],
    ['place', { symbol: 'NONESUCH', side: 'buy', quantity: 1 }, 'ERR_NO_SYMBOL'],
    ['place', { symbol: 'BTCUSDT', side: 'buy', quantity: -1 }, 'ERR_QUANTITY'],
    ['place', { symbol: 'BTCUSDT', side: 'buy', quantity: 1, limit: 'cheap' }, 'ERR_LIMIT'],
    ['cancel', { id: 1_000_000 }, 'ERR_NO_ORDER'],
    ['feed', { symbol: 'NONESUCH', on: false }, 'ERR_NO_SYMBOL'],
    ['feed', { on: true }, 'ERR_BAD_COMMAND'],
    ['history', { symbol: 'NONESUCH' }, 'ERR_NO_SYMBOL'],
  ])) {
    it(`refuses ${command} ${JSON.stringify(data) ?? ''}`, async () => {
      const { client } = await connect(desk.port, 'user=bob')

      await assert.rejects(client.request(command, data), { code })
      await client.close()
    })
  }

  for (const [streamType, symbol] of /** @type {const} */ ([['PRICE', 'NONESUCH'], ['PRICE', '__proto__'], ['ORDER_UPDATES', 'BTCUSDT']])) {
    it(`lets nobody subscribe to ${streamType} of ${symbol}`, async () => {
      const { client } = await connect(desk.port, 'user=bob')

      client.subscribe(streamType, symbol)

      await until('an end', () => client.received.some((update) => update.type === 'ended' && update.code === 'ERR_FORBIDDEN'))
      await client.close()
    })
  }

  it('lets nobody cancel an order of somebody else', async () => {
    const { client: alice } = await connect(desk.port, 'user=alice')
    const { client: bob } = await connect(desk.port, 'user=bob')
    await alice.request('place', { symbol: 'BTCUSDT', side: 'buy', quantity: 1, limit: 1 })
    const [{ id }] = await alice.request('orders')

    await assert.rejects(bob.request('cancel', { id }), { code: 'ERR_NO_ORDER' })

    await alice.request('cancel', { id })
    assert.equal((await alice.request('orders'))[0].state, 'cancelled')
    await Promise.all([alice.close(), bob.close()])
  })

  it('takes no more connections of a user than it may', async () => {
    const connected = await Promise.all(Array.from({ length: 50 }, () => connect(desk.port, 'user=carol')))

    assert.equal(await closeCode(desk.port, 'user=carol'), 4429)

    await Promise.all(connected.map(({ client }) => client.close()))
    await until('nobody', () => desk.manager.connectionCount === 0)
  })

  it('goes on when a client sends what no WebSocket does', async () => {
    const { client } = await connect(desk.port, 'user=alice')
    client.say('x'.repeat(100_000))

    await until('nobody', () => desk.manager.connectionCount === 0)
    assert.equal((await get('/')).status, 200)
  })
})
